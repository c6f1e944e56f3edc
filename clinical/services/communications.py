"""Logging contacts with patients. Logs are append-only."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.scope import Actor
from clinical.models import Appointment, CommunicationLog, CommunicationSource
from config.core.exceptions import UnknownReference
from patients.services.charts import add_entry
from patients.services.locking import lock_patient


@transaction.atomic
def log_communication(
    *,
    actor: Actor,
    patient_id: int,
    appointment_id: int | None = None,
    communication_source: str = CommunicationSource.USER,
    **values: Any,
) -> CommunicationLog:
    """Log a contact with a patient who is not archived, created by the actor.

    `values` are further columns of CommunicationLog. Raises NotFound, or UnknownReference if the appointment is not this
    patient's.
    """
    patient = lock_patient(patient_id)
    if appointment_id is not None:
        if not Appointment.objects.filter(pk=appointment_id, patient=patient, deleted_at=None).exists():
            raise UnknownReference("appointment", _("Appointment"))
        values["appointment_id"] = appointment_id
    written_by = {"communication_source": communication_source, "created_by_id": actor.user_id}
    return add_entry(actor, patient, CommunicationLog, {**values, **written_by})
