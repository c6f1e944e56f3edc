"""Creating and changing medications, with the RxNorm code of their definition."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.scope import Actor
from clinical.models import CodeSystem, Medication, MedicationDefinition
from clinical.models.medications import RX_CUI_LENGTH
from patients.services.charts import create_entry, lock_entry, update_entry


@transaction.atomic
def create_medication(*, actor: Actor, patient_id: int, **values: Any) -> Medication:
    """Add a medication to the chart of a patient who is not archived; see `create_entry`.

    `rx_cui` defaults to the RxNorm code of the definition, if it has one.
    """
    return create_entry(actor=actor, model=Medication, patient_id=patient_id, **_with_code(values, None))


@transaction.atomic
def update_medication(
    *, actor: Actor, patient_id: int, entry_id: int, base_version: int, changes: Mapping[str, Any]
) -> Medication:
    """Write `changes` into a medication that is not archived; see `update_entry`.

    If they have another definition but no `rx_cui`, it becomes that definition's RxNorm code or null: the old code would
    mean another medication.
    """
    if "medication_definition_id" in changes:
        stored = lock_entry(Medication, patient_id, entry_id)
        changes = _with_code(changes, stored.medication_definition_id)
    return update_entry(
        actor=actor, model=Medication, patient_id=patient_id, entry_id=entry_id, base_version=base_version, changes=changes
    )


def _with_code(values: Mapping[str, Any], stored: int | None) -> dict[str, Any]:
    named = values.get("medication_definition_id")
    if named in (None, stored) or "rx_cui" in values:
        return dict(values)
    coded = MedicationDefinition.objects.filter(pk=named, concept_system=CodeSystem.RXNORM)
    code = coded.values_list("concept_code", flat=True).first()
    # The catalog allows codes that are longer than any of RxNorm's.
    return {**values, "rx_cui": code if len(code or "") <= RX_CUI_LENGTH else None}
