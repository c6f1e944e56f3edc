"""What happened, latest first: contacts, appointments, measurements, and changes of the chart, merged by time.

Each source gives its latest entries before a moment; the latest twenty of all are a page. Entries of the very moment at
which a page ends belong to it, so that the next one, which shows what is older, leaves none out.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, F
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import scope
from clinical.admin.chart import changes
from clinical.admin.chart.communication import CONTACT_COLUMNS, contacted, contacts_of
from clinical.admin.chart.measurements import unit_text
from clinical.admin.chart.reading import Asked, Chart, ChartQuery
from clinical.models import Appointment, AppointmentStatus, Measurement
from clinical.monitoring.causes import inside, number
from config.core.compiled_queries import parameter
from config.core.joint_queries import JointQuery

PAGE = 20
# One more tells whether there is another page.
ASKED = PAGE + 1
# Measurements of one moment are one entry; a device may send ten values at once.
MEASURED = 10 * ASKED
ALL, CLINICAL, CONTACTS, CHANGES = "all", "clinical", "contacts", "changes"
FILTERS: Mapping[str, str | Promise] = {
    ALL: pgettext_lazy("timeline", "All"),
    CLINICAL: pgettext_lazy("timeline", "Clinical"),
    CONTACTS: pgettext_lazy("timeline", "Contacts"),
    CHANGES: pgettext_lazy("timeline", "Changes"),
}


@dataclass(frozen=True)
class Entry:
    """Something that happened: what, and who did it."""

    at: datetime.datetime
    icon: str
    text: str
    by: str = ""


@dataclass(frozen=True)
class Timeline:
    """A page of the timeline. `before` is the moment from which on the next page goes back, None on the last one."""

    entries: list[Entry]
    before: datetime.datetime | None
    is_first: bool
    only: str
    filters: Mapping[str, str | Promise]


@dataclass(frozen=True)
class Source:
    """A kind of entries, shown under some of the filters."""

    ask: Callable[[ChartQuery, Any], Asked]
    entries: Callable[[Chart, list[Any]], Iterable[Entry]]
    filters: frozenset[str]
    asked: int = ASKED


@dataclass(frozen=True)
class EntryRows(JointQuery):
    """The latest rows before the moment `until` of each source of a filter."""

    only: str
    chart: ChartQuery
    until: Any = parameter(DateTimeField())

    def asked(self) -> dict[str, Asked]:
        return {name: source.ask(self.chart, self.until) for name, source in sources_of(self.only).items()}


def sources_of(only: str) -> dict[str, Source]:
    """Return the sources of the entries that are shown under a filter."""
    return {name: source for name, source in SOURCES.items() if only in source.filters}


def read(chart: Chart) -> Timeline:
    """Return the page of the timeline that `chart.options` want, by two statements or three."""
    until = chart.options.before or chart.now + datetime.timedelta(seconds=1)
    sources = sources_of(chart.options.only)
    answers = EntryRows(chart.options.only, chart.query, until).answers()
    found = [entry for name, source in sources.items() for entry in source.entries(chart, answers[name])]
    # A source that is cut off is known only down to its last row: what is older may be followed by more of it.
    cut = [answers[name][-1].at for name, source in sources.items() if len(answers[name]) >= source.asked]
    known = [entry for entry in found if entry.at >= max(cut)] if cut else found
    return _page(chart, sorted(known, key=_latest_first), is_cut=bool(cut))


def _latest_first(entry: Entry) -> float:
    return -entry.at.timestamp()


def _page(chart: Chart, entries: list[Entry], *, is_cut: bool) -> Timeline:
    shown = entries
    if len(entries) > PAGE:
        last = entries[PAGE - 1].at
        shown = [entry for entry in entries if entry.at >= last]
    more = shown and (is_cut or len(entries) > len(shown))
    before = shown[-1].at if more else None
    return Timeline(shown, before, chart.options.before is None, chart.options.only, FILTERS)


# --- contacts -------------------------------------------------------------------------------------
def _ask_contacts(chart: ChartQuery, until: Any) -> Asked:
    rows = contacts_of(chart).filter(communication_datetime__lt=until).order_by("-communication_datetime", "-pk")
    return Asked(rows.annotate(at=F("communication_datetime"))[:ASKED], (*CONTACT_COLUMNS, "at"))


def _contacts(chart: Chart, rows: list[Any]) -> Iterator[Entry]:
    for row in map(contacted, rows):
        said = ": ".join(filter(None, (row.how or _("Contact"), row.note or row.topic)))
        yield Entry(row.at, row.icon, said, row.by)


# --- appointments ---------------------------------------------------------------------------------
def _ask_appointments(chart: ChartQuery, until: Any) -> Asked:
    rows = (
        chart.rows(Appointment)
        .filter(deleted_at=None, starts_at__lt=until)
        .annotate(at=F("starts_at"), with_whom=F("provider__name"), place=F("location__name"))
    )
    return Asked(rows.order_by("-starts_at", "-pk")[:ASKED], ("at", "status", "note", "with_whom", "place"))


def _appointments(chart: Chart, rows: list[Any]) -> Iterator[Entry]:
    for row in rows:
        status = str(AppointmentStatus(row.status).label).lower()
        text = ": ".join(filter(None, (_("Appointment %(status)s") % {"status": status}, (row.note or "").strip())))
        yield Entry(row.at, "calendar", text, ", ".join(filter(None, (row.with_whom, row.place))))


# --- measurements ---------------------------------------------------------------------------------
def _ask_measurements(chart: ChartQuery, until: Any) -> Asked:
    rows = (
        chart.rows(Measurement)
        .filter(measured_at__lt=until)
        .annotate(at=F("measured_at"), name=F("instrument__name"), unit=F("instrument__unit"), by=chart.person("recorded_by_id"))
    )
    columns = ("at", "name", "unit", "value_number", "value_choice", "comment", "by")
    return Asked(rows.order_by("-measured_at", "-pk")[:MEASURED], columns)


def _measurements(chart: Chart, rows: list[Any]) -> Iterator[Entry]:
    """Yield one entry for all that was measured at one moment."""
    moments: dict[datetime.datetime, list[Any]] = defaultdict(list)
    for row in rows:
        moments[row.at].append(row)
    for at, measured in moments.items():
        values = ", ".join(f"{inside(row.name)} {_reading(row)}" for row in reversed(measured))
        remarks = dict.fromkeys(f"“{row.comment.strip()}”" for row in measured if (row.comment or "").strip())
        yield Entry(at, "pulse", " ".join([_("Measured: %(values)s") % {"values": values}, *remarks]), measured[0].by)


def _reading(row: Any) -> str:
    value = number(row.value_choice if row.value_number is None else row.value_number)
    return f"{value} {unit_text(row.unit)}".rstrip()


# --- changes of the chart -------------------------------------------------------------------------
def _ask_events(chart: ChartQuery, until: Any, subjects: Iterable[str]) -> Asked:
    rows = AuditedPatient.objects.filter(patient_id=chart.patient_id, event__outcome=AuditEvent.Outcome.OK, event__at__lt=until)
    wanted = rows.filter(event__subject__in=sorted(subjects)).exclude(event__action__in=sorted(changes.NO_CHANGES))
    named = scope(chart.viewer, wanted).annotate(
        at=F("event__at"),
        action=F("event__action"),
        subject=F("event__subject"),
        subject_id=F("event__subject_id"),
        changed=F("event__changed_fields"),
        by=chart.person("event__user_id"),
    )
    columns = ("at", "action", "subject", "subject_id", "changed", "by")
    return Asked(named.order_by("-event_id", "-pk")[:ASKED], columns)


def _ask_clinical(chart: ChartQuery, until: Any) -> Asked:
    return _ask_events(chart, until, changes.CLINICAL)


def _ask_clerical(chart: ChartQuery, until: Any) -> Asked:
    return _ask_events(chart, until, changes.CLERICAL)


def _events(chart: Chart, rows: list[Any]) -> Iterator[Entry]:
    names = changes.names_of(chart.actor, rows)
    for row in rows:
        yield Entry(row.at, changes.icon_of(row.subject), changes.told(row, names), row.by)


SOURCES = {
    "contacts": Source(_ask_contacts, _contacts, frozenset({ALL, CONTACTS})),
    "appointments": Source(_ask_appointments, _appointments, frozenset({ALL, CONTACTS})),
    "measurements": Source(_ask_measurements, _measurements, frozenset({ALL, CLINICAL}), MEASURED),
    "clinical": Source(_ask_clinical, _events, frozenset({ALL, CLINICAL, CHANGES})),
    "clerical": Source(_ask_clerical, _events, frozenset({ALL, CHANGES})),
}
