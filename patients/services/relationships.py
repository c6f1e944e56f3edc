"""Recording who patients are to each other."""

from typing import Any

from django.db import transaction

from accounts.scope import Actor
from patients.models import Relationship
from patients.services.charts import create_entry
from patients.services.patients import update_patient


@transaction.atomic
def create_relationship(
    *, actor: Actor, patient_id: int, to_patient_id: int, is_responsible_party: bool = False, **values: Any
) -> Relationship:
    """Record a relationship; see `create_entry`. With `is_responsible_party` the other becomes the patient's guarantor.

    Raises NotFound, Invalid, or IntegrityError for a relationship to oneself.
    """
    values["to_patient_id"] = to_patient_id
    entry = create_entry(actor=actor, model=Relationship, patient_id=patient_id, **values)
    if is_responsible_party:
        changes = {"responsible_party_id": to_patient_id}
        update_patient(actor=actor, patient_id=patient_id, base_version=None, changes=changes)
    return entry
