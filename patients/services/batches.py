"""Writing many patients at once: few statements, one audit event, and one outbox event per patient."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.bulk_writes import insert_many
from config.core.exceptions import NotFound
from config.core.orm import update_row
from patients.models import NameKey, Patient
from patients.search import TYPED, name_keys
from patients.services.histories import note_changes
from patients.services.patient_values import changed_columns


@dataclass(frozen=True)
class Creation:
    """A patient that `new_patient` built, with the typeahead's keys."""

    patient: Patient
    keys: list[NameKey]

    @classmethod
    def of(cls, patient: Patient) -> "Creation":
        """Prepare all that can be prepared before a transaction is open."""
        return cls(patient, _keys(patient, vars(patient)))


@dataclass(frozen=True)
class Change:
    """The changes to a patient that `accepted_changes` returned, as columns; `keys` replace the typeahead's where given."""

    patient: Patient
    accepted: Mapping[str, Any]
    columns: Mapping[str, Any]
    keys: list[NameKey] | None

    @classmethod
    def of(cls, patient: Patient, accepted: Mapping[str, Any]) -> "Change":
        """Prepare all that can be prepared before a transaction is open."""
        columns = changed_columns(patient, accepted)
        renamed = not accepted.keys().isdisjoint(TYPED)
        return cls(patient, accepted, columns, _keys(patient, {**vars(patient), **columns}) if renamed else None)


@transaction.atomic
def create_patients(*, actor: Actor, creations: Collection[Creation], named: Collection[str]) -> None:
    """Save new patients, whose guarantors are locked.

    `named` are the fields that callers have sent. Raises IntegrityError (chart number taken).
    """
    if not creations:
        return
    patients = [creation.patient for creation in creations]
    insert_many(Patient, patients, with_ids=True)
    for creation in creations:
        for key in creation.keys:
            key.patient_id = creation.patient.pk
    insert_many(NameKey, [key for creation in creations for key in creation.keys])
    record_change(actor, "patient.bulk_create", patients, event="patient.created", changed=named)


@transaction.atomic
def update_patients(*, actor: Actor, changes: Collection[Change]) -> None:
    """Write `changes` to locked patients, in order. Raises IntegrityError (chart number taken)."""
    if not changes:
        return
    note_changes(actor, [(change.patient, change.columns) for change in changes])
    for change in changes:
        if not update_row(Patient, change.patient.pk, change.patient.version, change.columns):
            raise NotFound("Patient")
        vars(change.patient).update(change.columns)
    renamed = [change for change in changes if change.keys is not None]
    NameKey.objects.filter(patient_id__anyof=[change.patient.pk for change in renamed]).delete()
    insert_many(NameKey, [key for change in renamed for key in change.keys or ()])
    named = {name for change in changes for name in change.accepted}
    patients = [change.patient for change in changes]
    record_change(actor, "patient.bulk_update", patients, event="patient.updated", changed=named)


def _keys(patient: Patient, values: Mapping[str, Any]) -> list[NameKey]:
    return [NameKey(patient_id=patient.pk, organization_id=patient.organization_id, key=key) for key in sorted(name_keys(values))]
