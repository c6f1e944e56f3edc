"""The patients whom somebody opened last, as the audit trail has it."""

from django.db.models import Max, QuerySet

from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import Actor, scope
from patients.finding import COLUMNS
from patients.models import Patient

MAX_RECENT = 8
# Somebody who imports has many events. Only the last ones are looked at, so that the page costs the same.
_EVENTS = 1000
# More than are shown, as some may be archived or no longer visible.
_CANDIDATES = 3 * MAX_RECENT


def recent_patients(actor: Actor) -> list[Patient]:
    """Return the unarchived patients in scope whose charts `actor` opened last in the admin, the last one first.

    Each has `opened_at`. Two statements; the caller audits whom it shows.
    """
    opened = {row["patient_id"]: row["opened_at"] for row in _opened(actor)[:_CANDIDATES]}
    rows = scope(actor, Patient.objects.filter(pk__anyof=sorted(opened), deleted_at=None)).only(*COLUMNS)
    patients = sorted(rows, key=lambda patient: opened[patient.pk], reverse=True)[:MAX_RECENT]
    for patient in patients:
        vars(patient)["opened_at"] = opened[patient.pk]
    return patients


def _opened(actor: Actor) -> QuerySet:
    last = AuditEvent.objects.filter(organization_id=actor.organization_id, user_id=actor.user_id).order_by("-id")
    reads = AuditedPatient.objects.filter(event__in=last.values("pk")[:_EVENTS], event__action="patient.read", event__key_id="")
    return reads.values("patient_id").annotate(opened_at=Max("event__at"), last=Max("event_id")).order_by("-last")
