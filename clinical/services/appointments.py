"""Making appointments."""

from typing import Any

from django.db import transaction

from accounts import audit, events
from accounts.scope import Actor
from clinical.models import Appointment
from patients.services.rows import lock_patient


@transaction.atomic
def create_appointment(*, actor: Actor, patient_id: int, **values: Any) -> Appointment:
    """Make an appointment of a patient who is not archived; null for what can not be null is its default.

    `values` are columns of Appointment, references as `<name>_id` that have been found in the actor's
    scope. Raises NotFound, or IntegrityError where the appointment would end before it begins.
    """
    patient = lock_patient(patient_id)
    known = {name: value for name, value in values.items() if value is not None}
    appointment = Appointment.objects.create(organization_id=patient.organization_id, patient=patient, **known)
    audit.record(
        actor,
        "appointment.create",
        organization_id=patient.organization_id,
        patients=[patient.pk],
        subject="appointment",
        subject_id=appointment.pk,
        changed=["patient", *values],
    )
    events.emit("appointment.created", organization_id=patient.organization_id, subject=appointment.uuid)
    return appointment
