"""Recording how patients live, and keeping the patient's smoking status in step with it."""

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
    """Record one side of a patient's life; see `create_entry`. IntegrityError where the category has an entry."""
    entry = create_entry(actor=actor, model=SocialHistory, patient_id=patient_id, **values)
    _keep_smoking_status(entry.patient)
    return entry


@transaction.atomic
def update_social_history(*, actor: Actor, patient_id: int, entry_id: int, base_version: int, changes: Mapping[str, Any]) -> None:
    """Correct an entry; see `update_entry`. IntegrityError where it moves to a category that has an entry."""
    entry = update_entry(
        actor=actor, model=SocialHistory, patient_id=patient_id, entry_id=entry_id, base_version=base_version, changes=changes
    )
    _keep_smoking_status(entry.patient)


@transaction.atomic
def archive_social_history(*, actor: Actor, patient_id: int, entry_id: int) -> None:
    """Archive an entry, so that its category is free again."""
    entry = archive_entry(actor=actor, model=SocialHistory, patient_id=patient_id, entry_id=entry_id)
    _keep_smoking_status(entry.patient)


def _keep_smoking_status(patient: Patient) -> None:
    """Give the patient, whose row is locked, the code of their tobacco entry, null without one.

    The version stays: nobody's open form about the patient becomes stale by a chart entry. The time
    of the change does not, so that whoever follows changed patients sees this one.
    """
    tobacco = SocialHistory.objects.filter(patient=patient, category=SocialHistoryCategory.TOBACCO, deleted_at=None)
    code = tobacco.values_list("snomed_code", flat=True).first()
    if code != patient.smoking_snomed:
        Patient._base_manager.filter(pk=patient.pk).update(smoking_snomed=code, updated_at=DatabaseNow())
