"""What speaks against a time of an appointment. None of it is refused.

Pages tell it before an appointment is booked or moved, the API with its answer to that.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor, scope
from clinical.agenda import span_of, taking_time
from clinical.models import Appointment
from clinical.scheduling import CLOSES, OPENS, Span, free_spans, hours_of, nearest_starts
from clinical.services.appointments import EXPECTED
from patients.labels import name_of
from patients.models import Patient

# Times that are offered instead: every half hour of what is free.
STEP = datetime.timedelta(minutes=30)
MOST_OFFERED = 3
# The kinds of warnings.
CODES = PAST, OVERLAP_OF_PATIENT, OVERLAP_OF_PROVIDER = "past", "overlap_of_patient", "overlap_of_provider"


@dataclass(frozen=True)
class Wish:
    """A time that somebody wants an appointment at. `moved_id` is the appointment that would be moved there, if any."""

    patient: Patient
    span: Span
    provider_id: int | None = None
    moved_id: int | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the patient's organization."""
        return ZoneInfo(self.patient.organization.timezone)


@dataclass(frozen=True)
class BookingWarning:
    """One thing that speaks against a time: `code` is its word in the audit trail, `message` is for people.

    `shown` is the appointment that the message tells of, where the actor sees its patient.
    """

    code: str
    severity: str
    message: str
    shown: Appointment | None = None


def booking_warnings(actor: Actor, wish: Wish) -> list[BookingWarning]:
    """Return what speaks against `wish`, with two SQL statements at most. The caller audits whose appointments are shown."""
    return [*_past(wish), *_overlaps(actor, wish)]


def warnings_of(actor: Actor, appointment_id: int) -> list[BookingWarning]:
    """Return what speaks against the time of an appointment that is booked, none if the patient is not expected any more.

    With three SQL statements at most. The caller audits whose appointments are shown.
    """
    row = Appointment.objects.select_related("patient__organization").get(pk=appointment_id)
    if row.status not in EXPECTED:
        return []
    return booking_warnings(actor, Wish(row.patient, span_of(row), row.provider_id, moved_id=row.pk))


def free_starts_near(wish: Wish) -> list[datetime.datetime]:
    """Return times of the same day at which the provider is free for as long, the nearest first, with one statement."""
    day = wish.span.start.astimezone(wish.zone).date()
    hours = hours_of(day, wish.zone, OPENS, CLOSES)
    rows = _others(wish, hours)
    passed = Span(hours.start, max(hours.start, timezone.now()))
    free = free_spans([passed, *map(span_of, rows)], hours, wish.span.end - wish.span.start)
    return nearest_starts(free, wish.span, STEP, MOST_OFFERED)


def _past(wish: Wish) -> Iterator[BookingWarning]:
    if wish.span.start < timezone.now():
        yield BookingWarning(PAST, "moderate", _("This time has passed."))


def _overlaps(actor: Actor, wish: Wish) -> Iterator[BookingWarning]:
    found = _others(wish, wish.span).select_related("patient").order_by("starts_at", "pk")
    overlapping = [row for row in found if span_of(row).shared_with(wish.span) > 0]
    keys = [row.pk for row in overlapping]
    seen = set(scope(actor, Appointment.objects.filter(pk__anyof=keys)).values_list("pk", flat=True)) if keys else set()
    for row in overlapping:
        yield _overlap(wish, row, seen=row.pk in seen)


def _others(wish: Wish, span: Span) -> QuerySet[Appointment]:
    """Return the other appointments of the provider or of the patient that may take time in `span`."""
    whose = Q(patient=wish.patient)
    if wish.provider_id is not None:
        whose |= Q(provider_id=wish.provider_id)
    return taking_time(wish.patient.organization_id, span).filter(whose).exclude(pk=wish.moved_id or 0)


def _overlap(wish: Wish, row: Appointment, *, seen: bool) -> BookingWarning:
    span = "\N{EN DASH}".join(f"{moment.astimezone(wish.zone):%H:%M}" for moment in (row.starts_at, span_of(row).end))
    minutes = span_of(row).shared_with(wish.span)
    if row.patient_id == wish.patient.pk:
        whom, code = _("another appointment of this patient"), OVERLAP_OF_PATIENT
    else:
        whom = name_of(row.patient) if seen else _("another patient's appointment")
        code = OVERLAP_OF_PROVIDER
    told = {"count": minutes, "whom": whom, "span": span, "status": row.get_status_display().lower()}
    message = ngettext(
        "Overlaps by %(count)s minutes with %(whom)s, %(span)s, %(status)s.",
        "Overlaps by %(count)s minutes with %(whom)s, %(span)s, %(status)s.",
        minutes,
    )
    return BookingWarning(code, "high", message % told, row if seen else None)
