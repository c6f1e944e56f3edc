"""Recording social history, and keeping the patient's smoking status in step with it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.scope import Actor
from clinical.models import SocialHistory, SocialHistoryCategory
from config.core.databases import DatabaseNow
from patients.models import Patient
from patients.services.charts import archive_entry, create_entry, update_entry


@transaction.atomic
def create_social_history(*, actor: Actor, patient_id: int, **values: Any) -> SocialHistory:
    """Record one aspect of a patient's life; see `create_entry`. Raises IntegrityError if the category has an entry."""
    entry = create_entry(actor=actor, model=SocialHistory, patient_id=patient_id, **values)
    keep_smoking_status(entry.patient)
    return entry


@transaction.atomic
def update_social_history(*, actor: Actor, patient_id: int, entry_id: int, base_version: int, changes: Mapping[str, Any]) -> None:
    """Correct an entry; see `update_entry`. Raises IntegrityError if its new category has an entry."""
    entry = update_entry(
        actor=actor, model=SocialHistory, patient_id=patient_id, entry_id=entry_id, base_version=base_version, changes=changes
    )
    keep_smoking_status(entry.patient)


@transaction.atomic
def archive_social_history(*, actor: Actor, patient_id: int, entry_id: int) -> None:
    """Archive an entry, which frees its category."""
    entry = archive_entry(actor=actor, model=SocialHistory, patient_id=patient_id, entry_id=entry_id)
    keep_smoking_status(entry.patient)


def keep_smoking_status(patient: Patient) -> None:
    """Set the smoking status of the locked patient to the code of their tobacco entry, or null.

    The version does not change, so that a chart entry does not make open patient forms stale. `updated_at` does, so that
    clients that follow changed patients see this one.
    """
    tobacco = SocialHistory.objects.filter(patient=patient, category=SocialHistoryCategory.TOBACCO, deleted_at=None)
    code = tobacco.values_list("snomed_code", flat=True).first()
    if code != patient.smoking_snomed:
        Patient._base_manager.filter(pk=patient.pk).update(smoking_snomed=code, updated_at=DatabaseNow())
