"""The patients whom somebody opened last, as the audit trail has it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Max, QuerySet

from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import Actor, viewer_of
from config.core.compiled_queries import QueryDefinition, parameter
from patients.finding import NamedPatients
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
    opened = {patient: at for patient, at, _ in LastOpenings(actor.organization_id, actor.user_id).fetch()}
    rows = NamedPatients(viewer_of(actor), sorted(opened)).instances()
    patients = sorted(rows, key=lambda patient: opened[patient.pk], reverse=True)[:MAX_RECENT]
    for patient in patients:
        vars(patient)["opened_at"] = opened[patient.pk]
    return patients


@dataclass(frozen=True)
class LastOpenings(QueryDefinition):
    """The patients whose charts somebody opened last, each with the moment and the id of the event."""

    organization_id: Any = parameter(BigIntegerField())
    user_id: Any = parameter(BigIntegerField())

    def queryset(self) -> QuerySet:
        last = AuditEvent.objects.filter(organization_id=self.organization_id, user_id=self.user_id).order_by("-id")
        reads = AuditedPatient.objects.filter(event__action="patient.read", event__key_id="")
        opened = (
            reads.filter(event__in=last.values("pk")[:_EVENTS])
            .values_list("patient_id")
            .annotate(opened_at=Max("event__at"), last=Max("event_id"))
        )
        return opened.order_by("-last")[:_CANDIDATES]
