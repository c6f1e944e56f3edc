"""What the home page shows the front desk: the visits of today, and whose allergies were never reviewed before they come."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.commands import Command, add_command
from accounts.admin.home import Part, home_block
from accounts.admin.pages import Page, page
from accounts.permissions import Permission
from accounts.scope import Actor
from accounts.site import actor_of
from clinical.admin.appointments.calendar import audit_shown
from clinical.agenda import appointments_today
from clinical.models import Appointment, AppointmentStatus
from patients.models import AllergyReviewStatus, Patient

NEXT = 6
_NAMED = 3
_TO_COME = frozenset({AppointmentStatus.SCHEDULED, AppointmentStatus.CONFIRMED})
# In the order of a day's end: what the heading counts, and in which words.
_COUNTED = (
    (_("%(count)s completed"), {AppointmentStatus.COMPLETED}),
    (_("%(count)s no-show"), {AppointmentStatus.NO_SHOW}),
    (_("%(count)s being seen"), {AppointmentStatus.IN_PROGRESS}),
    (_("%(count)s waiting"), {AppointmentStatus.ARRIVED}),
    (_("%(count)s to come"), _TO_COME),
)
_OVER = frozenset({AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW, AppointmentStatus.CANCELLED})
WRITERS = Permission.WRITE_PATIENTS.roles

add_command(Command(20, _("Book appointment"), "calendar", _("new visit"), "admin:book", dialog=True, roles=WRITERS))


@home_block(
    Part("desk", "main", 10, "admin/home/appointments.html"),
    Part("desk", "side", 10, "admin/home/never_reviewed.html", needs="never_reviewed"),
)
def desk(request: HttpRequest) -> dict[str, Any]:
    """One statement."""
    actor = actor_of(request)
    today = appointments_today(actor)
    block = _next(actor, today)
    people = list({visit.patient_id: visit.patient for visit in today}.values())
    unknown = [patient for patient in people if _is_never_reviewed(patient)] if block["can_write"] else []
    shown = {(visit.organization_id, visit.patient_id) for visit in block["visits"]}
    return block | {
        "never_reviewed": unknown[:_NAMED],
        "never_reviewed_count": len(unknown),
        "people": len(people),
        "patients": shown | {(patient.organization_id, patient.pk) for patient in unknown[:_NAMED]},
    }


@page("home/appointments/", name="home_appointments")
class AppointmentsToday(Page):
    """The visits of today alone, fetched again when one was saved."""

    template_name = "admin/home/appointments.html"
    framed = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        block = _next(self.actor, appointments_today(self.actor))
        audit_shown(self.actor, block["visits"], "search")
        return super().get_context_data(block=block, **kwargs)


def _next(actor: Actor, today: Sequence[Appointment]) -> dict[str, Any]:
    """Return the next visits that are not over, and how many of the day stand where."""
    by_status = Counter(visit.status for visit in today)
    counts = [(sum(by_status[status] for status in statuses), words) for words, statuses in _COUNTED]
    return {
        "visits": [visit for visit in today if visit.status not in _OVER][:NEXT],
        "total": len(today),
        "counts": ", ".join(str(words) % {"count": count} for count, words in counts if count),
        "can_write": actor.role in WRITERS,
    }


def _is_never_reviewed(patient: Patient) -> bool:
    return patient.allergy_review_status in (None, AllergyReviewStatus.NOT_REVIEWED)
