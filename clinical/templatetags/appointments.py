"""Template tags of appointments."""

from typing import Any

from django import template
from django.utils import timezone

from clinical.agenda import span_of
from clinical.appointment_labels import LOOKS, MOVABLE, STEPS, Look, Step
from clinical.models import Appointment, AppointmentStatus

register = template.Library()


@register.inclusion_tag("admin/appointments/status_pill.html")
def status_pill(status: str) -> dict[str, Any]:
    """Show a status as a pill with its icon and word."""
    return {"look": LOOKS[AppointmentStatus(status)], "word": AppointmentStatus(status).label}


@register.filter
def look(appointment: Appointment) -> Look:
    """Return how the status of an appointment looks."""
    return LOOKS[AppointmentStatus(appointment.status)]


@register.filter
def steps(appointment: Appointment) -> tuple[Step, ...]:
    """Return what can be done with an appointment next, the likeliest first."""
    return STEPS[appointment.status]


@register.filter
def can_move(appointment: Appointment) -> bool:
    """Tell whether people move an appointment, rather than book another."""
    return appointment.status in MOVABLE


@register.filter
def clock_span(appointment: Appointment) -> str:
    """Return when an appointment takes place, as "09:30-10:00" with a dash."""
    span = span_of(appointment)
    return "\N{EN DASH}".join(f"{timezone.localtime(moment):%H:%M}" for moment in (span.start, span.end))
