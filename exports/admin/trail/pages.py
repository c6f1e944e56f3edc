"""The audit trail in words, day by day, latest first."""

import datetime
import heapq
from collections.abc import Iterable
from itertools import groupby, islice
from typing import Any, NamedTuple

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.fields import country_of
from accounts.admin.organizations import OFFICE
from accounts.admin.pages import Page, page
from accounts.admin.parameters import check_list_parameters
from accounts.admin.trail import events_from_outside, own_events
from accounts.models import AuditEvent
from accounts.navigation import Entry, add_entry
from exports.admin.trail.filters import TrailFilter
from exports.admin.trail.rows import Row, audited_patients, rows_of
from patients.models import Patient

EVENTS = 50
PARAMETERS = frozenset({"patient", "who", "what", "since", "until", "organization", "before"})

add_entry(Entry("Access", 3, gettext_lazy("Audit trail"), "history", "admin:audit", OFFICE))


class Place(NamedTuple):
    """A place in the list: the next page begins after the event with this moment and id."""

    at: datetime.datetime
    pk: int

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that an address has. Raises BadRequest where it cannot be read."""
        moment, _line, pk = text.partition("_")
        if not (moment.isascii() and moment.isdigit() and pk.isascii() and pk.isdigit() and len(text) < 40):
            raise BadRequest(_("This is no place in the list."))
        try:
            at = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=int(moment))
        except OverflowError as error:
            raise BadRequest(_("This is no place in the list.")) from error
        return cls(at, int(pk))

    def __str__(self) -> str:
        since = self.at - datetime.datetime.fromtimestamp(0, datetime.UTC)
        return f"{since // datetime.timedelta(microseconds=1)}_{self.pk}"

    def condition(self) -> Q:
        """Return the condition of the events after this place."""
        return Q(at__lte=self.at) & (Q(at__lt=self.at) | Q(pk__lt=self.pk))


@page("audit/", name="audit")
class AuditPage(Page):
    """Who did what, to whom, when, and by which door. Looking at it is audited with the patients whom it names."""

    template_name = "admin/trail/page.html"
    title = gettext_lazy("Audit trail")
    section = "admin:audit"
    readers = OFFICE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        check_list_parameters(self.request, PARAMETERS)
        chosen = TrailFilter(self.request.GET, actor=self.actor, country=country_of(self.request.user))
        events = self.get_events(chosen) if chosen.is_valid() else []
        rows = rows_of(self.actor, events[:EVENTS])
        patient = chosen.cleaned_data.get("patient")
        self._audit(rows, patient)
        last = events[EVENTS - 1] if len(events) > EVENTS else None
        return {
            **super().get_context_data(**kwargs),
            "filter": chosen,
            "patient": patient,
            "days": by_day(rows),
            "older": self._older(Place(last.at, last.pk)) if last else "",
        }

    def get_events(self, chosen: TrailFilter) -> list[AuditEvent]:
        """Return the events of a page, and one more where there are others: the latest of two lists, each by its index."""
        organization_id = chosen.organization_id
        found = [own_events(self.actor, organization_id)]
        if chosen.cleaned_data["patient"]:
            # The condition leaves what affected or named this patient, however many events there are of others.
            found.append(AuditEvent.objects.exclude(organization_id=organization_id))
        elif organization_id is not None:
            found.append(events_from_outside(self.actor, organization_id, *chosen.span))
        condition = chosen.condition()
        if "before" in self.request.GET:
            condition &= Place.read(self.request.GET["before"]).condition()
        return latest(rows.filter(condition) for rows in found)

    def _audit(self, rows: list[Row], patient: Patient | None) -> None:
        named = {(patient.organization_id, patient.pk)} if patient else set()
        action = audit.action_word(AuditEvent, "search")
        audit.record_read(self.actor, action, patients=sorted(named.union(audited_patients(rows))))

    def _older(self, place: Place) -> str:
        query = self.request.GET.copy()
        query["before"] = str(place)
        return query.urlencode()


def latest(lists: Iterable[QuerySet[AuditEvent]]) -> list[AuditEvent]:
    """Return the latest events of several lists, one more than a page has."""
    found = [rows.order_by("-at", "-pk")[: EVENTS + 1] for rows in lists]
    return list(islice(heapq.merge(*found, key=_place, reverse=True), EVENTS + 1))


def _place(event: AuditEvent) -> Place:
    return Place(event.at, event.pk)


def by_day(rows: Iterable[Row]) -> list[tuple[datetime.date, list[Row]]]:
    """Return `rows`, latest first, by their days on the organization's clock."""
    return [(day, list(those)) for day, those in groupby(rows, key=lambda row: timezone.localtime(row.event.at).date())]
