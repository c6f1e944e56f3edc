"""Writing many patients at once: few statements, one audit event, and one outbox event per patient."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.audit import record_change
from accounts.models import Organization
from accounts.scope import Actor
from config.core.databases import insert_many
from patients.models import NameKey, Patient
from patients.search import TYPED, name_keys
from patients.services.histories import note_changes
from patients.services.patient_values import changed_columns


@dataclass(frozen=True)
class Change:
    """The changes to a locked patient that `accepted_changes` returned."""

    patient: Patient
    accepted: Mapping[str, Any]


@transaction.atomic
def create_patients(*, actor: Actor, organization: Organization, patients: Collection[Patient], named: Collection[str]) -> None:
    """Save patients built by `new_patient`, whose guarantors are locked.

    `named` are the fields that callers have sent. Raises IntegrityError (chart number taken).
    """
    if patients:
        insert_many(Patient, patients, with_ids=True)
        insert_many(NameKey, list(_keys(patients)))
        record_change(actor, "patient.bulk_create", patients, event="patient.created", changed=named)


@transaction.atomic
def update_patients(*, actor: Actor, organization: Organization, changes: Collection[Change]) -> None:
    """Write `changes` in order. Raises IntegrityError (chart number taken)."""
    if not changes:
        return
    written = [(change.patient, changed_columns(change.patient, change.accepted)) for change in changes]
    note_changes(actor, written)
    for change, (_, columns) in zip(changes, written, strict=True):
        Patient.objects.filter(deleted_at=None).change(change.patient.pk, change.patient.version, "Patient", **columns)
        vars(change.patient).update(columns)
    renamed = [change.patient for change in changes if set(TYPED) & change.accepted.keys()]
    NameKey.objects.filter(patient_id__anyof=[patient.pk for patient in renamed]).delete()
    insert_many(NameKey, list(_keys(renamed)))
    named = {name for change in changes for name in change.accepted}
    patients = [change.patient for change in changes]
    record_change(actor, "patient.bulk_update", patients, event="patient.updated", changed=named)


def _keys(patients: Collection[Patient]) -> Iterator[NameKey]:
    for patient in patients:
        for key in sorted(name_keys(vars(patient))):
            yield NameKey(patient_id=patient.pk, organization_id=patient.organization_id, key=key)
