"""Setting the tags of a patient."""

from collections.abc import Collection

from django.db import transaction

from accounts.scope import Actor
from patients.models import PatientTag
from patients.services.charts import archive_entry, create_entry
from patients.services.locking import lock_patient


@transaction.atomic
def set_tags(*, actor: Actor, patient_id: int, definition_ids: Collection[int]) -> None:
    """Let a patient have the tags of these definitions, in the actor's scope, and no others. Raises NotFound."""
    patient = lock_patient(patient_id)
    tags = PatientTag.objects.filter(patient=patient, deleted_at=None).order_by("id")
    held = {tag.tag_definition_id: tag for tag in tags}
    for definition_id in sorted(set(definition_ids) - held.keys()):
        values = {"tag_definition_id": definition_id, "assigned_by_id": actor.user_id}
        create_entry(actor=actor, model=PatientTag, patient_id=patient.pk, **values)
    for definition_id in sorted(held.keys() - set(definition_ids)):
        archive_entry(actor=actor, model=PatientTag, patient_id=patient.pk, entry_id=held[definition_id].pk)
