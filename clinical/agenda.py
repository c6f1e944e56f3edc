"""Reading appointments by day, for people: who is expected, who waits, and when a provider is busy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.scope import Actor, Viewer, scope, viewer_of
from clinical.models import Appointment, AppointmentStatus
from clinical.models.appointments import BOOKED
from clinical.scheduling import LONGEST, Span, hours_of
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.dates import today_at
from config.core.instances import InstanceQuery


def appointments_in(actor: Actor | Viewer, span: Span) -> QuerySet[Appointment]:
    """Return the appointments that begin in `span` and that the actor sees, by start, with patient, provider and location."""
    rows = scope(actor, Appointment.objects.filter(deleted_at=None, patient__deleted_at=None))
    rows = rows.filter(starts_at__gte=span.start, starts_at__lt=span.end)
    return rows.select_related("patient", "provider", "location").order_by("starts_at", "pk")


def appointments_today(actor: Actor) -> list[Appointment]:
    """Return today's appointments that the actor sees, by start, cancelled ones left out; one SQL statement.

    Today is that of the actor's time zone. The caller audits whom it shows.
    """
    today = _today(actor)
    return AppointmentsExpected(viewer_of(actor), today.start, today.end).instances()


def count_today(actor: Actor) -> int:
    """Return how many appointments `appointments_today` would return; one SQL statement."""
    today = _today(actor)
    return NumberOfAppointments(viewer_of(actor), today.start, today.end).fetch()[0][0]


@dataclass(frozen=True)
class AppointmentsExpected(InstanceQuery):
    """The appointments that are not cancelled and begin in a time, by start."""

    viewer: Viewer
    start: datetime = parameter(Appointment._meta.get_field("starts_at"))
    end: datetime = parameter(Appointment._meta.get_field("starts_at"))

    def queryset(self) -> QuerySet[Appointment]:
        return _expected(self.viewer, Span(self.start, self.end))


@dataclass(frozen=True)
class NumberOfAppointments(QueryDefinition):
    """How many appointments that are not cancelled begin in a time; every page of the admin asks."""

    viewer: Viewer
    start: datetime = parameter(Appointment._meta.get_field("starts_at"))
    end: datetime = parameter(Appointment._meta.get_field("starts_at"))

    wrapper_sql = "SELECT count(*) FROM ({}) AS counted"

    def queryset(self) -> QuerySet:
        return _expected(self.viewer, Span(self.start, self.end)).order_by().values_list("pk")


def _expected(actor: Actor | Viewer, span: Span) -> QuerySet[Appointment]:
    return appointments_in(actor, span).exclude(status=AppointmentStatus.CANCELLED)


def _today(actor: Actor) -> Span:
    zone = actor.timezone
    return hours_of(today_at(zone), ZoneInfo(zone))


def waiting(appointments: Iterable[Appointment]) -> list[Appointment]:
    """Return the patients in the waiting room, the longest waiting first; those of unknown arrival last."""
    arrived = [row for row in appointments if row.status == AppointmentStatus.ARRIVED]
    return sorted(arrived, key=lambda row: (row.arrived_at is None, row.arrived_at or row.starts_at))


def span_of(appointment: Appointment) -> Span:
    """Return the time that an appointment takes."""
    return Span.of(appointment.starts_at, appointment.ends_at)


def taking_time(organization_id: int, span: Span) -> QuerySet[Appointment]:
    """Return all appointments of an organization that may take time in `span`, whoever sees them.

    They tell when a provider is busy. Nothing else of them may leave the server for callers who do not see the patient.
    """
    rows = Appointment.objects.filter(organization_id=organization_id, deleted_at=None, patient__deleted_at=None)
    ends = Q(ends_at=None) | Q(ends_at__gt=span.start)
    return rows.filter(ends, status__in=BOOKED, starts_at__gt=span.start - LONGEST, starts_at__lt=span.end)
