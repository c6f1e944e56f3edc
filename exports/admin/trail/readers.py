"""Who read the chart of a patient: a page, and for the patient who asks a file and a letter."""

import csv
import datetime
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import BadRequest
from django.core.paginator import EmptyPage, PageNotAnInteger, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.fields import country_of
from accounts.admin.organizations import OFFICE
from accounts.admin.pages import page
from accounts.admin.parameters import check_list_parameters
from accounts.admin.trail import Doer, doers_of, door_of
from accounts.audit_words import Way, in_way, sentence_of
from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import Actor, scope
from accounts.templatetags.clinic import moment
from clinical.admin.chart.changes import names_of
from config.core.dates import years_before
from exports.admin.trail.filters import DaysForm
from exports.writers import defused
from patients.admin.pages import PatientPage
from patients.models import Patient

READINGS = 50
# What a file and a letter hold at most, the latest.
MOST = 5_000
# How long after opening a chart its parts are fetched anew.
AN_OPENING = datetime.timedelta(hours=1)
_READ, _CHANGED, _LISTED = "", "changed", "listed"
_WAYS = {
    _READ: (Way.READ, Way.EXPORTED),
    _CHANGED: (Way.READ, Way.EXPORTED, Way.CHANGED),
    _LISTED: (Way.READ, Way.EXPORTED, Way.CHANGED, Way.LISTED),
}
COLUMNS = (gettext_lazy("When"), gettext_lazy("Who"), gettext_lazy("Role"), gettext_lazy("What"), gettext_lazy("Where"))


class ReadersFilter(DaysForm):
    """Which accesses to a chart are shown, of which days. Without a choice: who read it in the last year."""

    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        required=False,
        choices=[
            (_READ, gettext_lazy("Read and exported")),
            (_CHANGED, gettext_lazy("Read and changed")),
            (_LISTED, gettext_lazy("Shown in lists, too")),
        ],
    )
    field_order = ("what", "since", "until")

    def first_day(self, until: datetime.date) -> datetime.date:
        return years_before(until, 1)


@dataclass(frozen=True)
class Reading:
    """Somebody read the chart, or changed it: who, in which role, what in words, and through which door."""

    at: datetime.datetime
    doer: Doer
    what: str
    door: str

    @property
    def who(self) -> str:
        """Who it was: a person, or a key and whose it is."""
        doer = self.doer
        return _("%(name)s, of %(owner)s") % {"name": doer.name, "owner": doer.of} if doer.of else doer.name

    @property
    def cells(self) -> tuple[str, ...]:
        """The reading as a row of a file, with the columns COLUMNS."""
        return (moment(self.at), self.who, self.doer.role, self.what, self.door)


@dataclass(frozen=True)
class Reader:
    """Somebody who read the chart, and how often; `width` is a part of 48 for whoever did so most."""

    doer: Doer
    times: int
    width: int


class _Counted(NamedTuple):
    """Somebody who did something several times, in the place of an event."""

    pk: int
    user_id: int | None
    key_id: str
    role: str
    subject: str = ""
    subject_id: int | None = None


def readings(actor: Actor, patient: Patient, chosen: ReadersFilter) -> QuerySet[AuditedPatient]:
    """Return the accesses to a chart, latest first. Parts that somebody fetched soon after opening it belong to the opening."""
    since, until = chosen.span
    mine = AuditedPatient.objects.filter(patient_id=patient.pk, event__outcome=AuditEvent.Outcome.OK)
    opened_before = mine.filter(
        event__action="patient.read",
        event__user_id=OuterRef("event__user_id"),
        event_id__lt=OuterRef("event_id"),
        event__at__gte=OuterRef("event__at") - AN_OPENING,
    )
    parts = Q(Exists(opened_before), event__action="patient.refresh")
    ways = Q()
    for way in _WAYS[chosen.cleaned_data["what"]]:
        ways |= in_way(way, "event__")
    shown = scope(actor, mine.filter(ways, event__at__gte=since, event__at__lt=until).exclude(parts))
    return shown.select_related("event").order_by("-event_id", "-pk")


def told(actor: Actor, rows: Iterable[AuditedPatient]) -> list[Reading]:
    """Return accesses in words."""
    events = [row.event for row in rows]
    doers, names = doers_of(actor, events), names_of(actor, events)
    return [
        Reading(
            event.at,
            doers[event.pk],
            sentence_of(event.action, name=names.get((event.subject, event.subject_id), "")).alone,
            door_of(event.route),
        )
        for event in events
    ]


def who_read(actor: Actor, rows: QuerySet[AuditedPatient]) -> tuple[list[Reader], list[tuple[str, int]]]:
    """Return who is in `rows` and how often, and how many of them came by which door; the most first. Three statements."""
    counted = rows.order_by().values_list("event__user_id", "event__key_id", "event__role", "event__route")
    people: Counter[tuple] = Counter()
    doors: Counter[str] = Counter()
    for user_id, key_id, role, route, times in counted.annotate(times=Count("pk")):
        people[user_id, key_id, role] += times
        doors[door_of(route)] += times
    most = people.most_common(READINGS)
    events = [_Counted(number, *who) for number, (who, _times) in enumerate(most)]
    doers = doers_of(actor, events)
    found = [Reader(doers[number], times, 48 * times // most[0][1]) for number, (_who, times) in enumerate(most)]
    return found, doors.most_common()


class ReadersView(PatientPage):
    """Base of the page, the file and the letter: who read the chart of a patient."""

    audited_action = "readers"
    parameters = frozenset({"what", "since", "until"})

    @cached_property
    def filter(self) -> ReadersFilter:
        """What the address says. Raises BadRequest where it says something else."""
        check_list_parameters(self.request, self.parameters)
        return ReadersFilter(self.request.GET, auto_id="filter-%s", country=country_of(self.request.user))

    def get_readings(self) -> QuerySet[AuditedPatient]:
        """Return the accesses that the filter leaves; none where it cannot be read."""
        return readings(self.actor, self.patient, self.filter) if self.filter.is_valid() else AuditedPatient.objects.none()


@page("patients/patient/<int:patient_id>/readers/", name="chart_readers")
class ReadersPage(ReadersView):
    """Who read the chart, latest first, and who did so how often. Whoever may open a chart may see who else did."""

    template_name = "admin/trail/readers.html"
    title = gettext_lazy("Who read this chart")
    parameters = ReadersView.parameters | {"page"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = self.get_readings()
        pages = Paginator(rows, READINGS)
        try:
            shown = pages.page(self.request.GET.get("page", 1))
        except (EmptyPage, PageNotAnInteger) as error:
            raise Http404 from error
        people, doors = who_read(self.actor, rows)
        query = self.request.GET.copy()
        query.pop("page", None)
        about = {"filter": self.filter, "query": query.urlencode(), "readings": told(self.actor, shown), "shown": shown}
        return super().get_context_data(
            **about, people=people, doors=doors, most=MOST, makes_files=self.actor.role in FileOfReaders.readers, **kwargs
        )


class FileOfReaders(ReadersView):
    """Base of what leaves the organization: for those who run it."""

    readers = OFFICE
    audited_action = "export_readers"
    framed = False

    def get_told(self) -> Sequence[Reading]:
        """Return the latest MOST accesses in words. Raises BadRequest where the filter cannot be read."""
        if not self.filter.is_valid():
            raise BadRequest(_("These days cannot be read."))
        return told(self.actor, self.get_readings()[:MOST])


@page("patients/patient/<int:patient_id>/readers/letter/", name="chart_readers_letter")
class LetterOfReaders(FileOfReaders):
    """Who read the chart, on paper for the patient."""

    template_name = "admin/trail/letter.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        readings = self.get_told()
        about = {"filter": self.filter, "readings": readings, "is_cut": len(readings) == MOST}
        printed = {"printed_at": timezone.now(), "printed_by": self.request.user}
        return super().get_context_data(**about, **printed, title=self.get_title(), **kwargs)


@page("patients/patient/<int:patient_id>/readers/csv/", name="chart_readers_csv")
class CsvOfReaders(FileOfReaders):
    """Who read the chart, as a file that spreadsheets open: UTF-8 with a byte order mark."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        readings = self.get_told()
        self.audit_shown()
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *([defused(cell) for cell in reading.cells] for reading in readings)])
        named = {"Content-Disposition": f'attachment; filename="readers-{timezone.localdate():%Y-%m-%d}.csv"'}
        return HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=named)
