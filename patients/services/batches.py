"""Writing many patients at once: few statements, one audit event, and one outbox event per patient.

What is written is prepared before a transaction is open, as that takes several times as long as to write it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record_change, record_new_patients
from accounts.scope import Actor
from config.core.bulk_writes import PreparedUpdate, insert_prepared, prepare_row, run_updates, set_prepared
from config.core.exceptions import NotFound
from patients.models import NameKey, Patient
from patients.search import TYPED, name_keys
from patients.services.histories import note_changes
from patients.services.patient_values import changed_columns
from patients.services.patients import died, insert_name_keys


@dataclass(frozen=True)
class Creation:
    """A new patient, prepared for writing, with the typeahead's keys."""

    uuid: UUID
    prepared: list[Any]
    keys: list[tuple[str, int]]

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "Creation":
        """Prepare what `new_columns` returned, as far as it can be before a transaction is open."""
        return cls(columns["uuid"], prepare_row(Patient, columns), name_keys(columns))

    def refer(self, references: Mapping[str, int]) -> None:
        """Set references that were not yet known."""
        set_prepared(Patient, self.prepared, references)


@dataclass(frozen=True)
class Change:
    """The changes to a patient that `accepted_changes` returned, as columns; `keys` replace the typeahead's where given."""

    patient: Patient
    accepted: Mapping[str, Any]
    columns: Mapping[str, Any]
    update: PreparedUpdate
    keys: list[tuple[str, int]] | None

    @classmethod
    def of(cls, patient: Patient, accepted: Mapping[str, Any]) -> "Change":
        """Prepare all that can be prepared before a transaction is open. Derived columns that stay are left out."""
        changed = changed_columns(patient, accepted)
        columns = {name: value for name, value in changed.items() if getattr(patient, name) != value}
        renamed = not accepted.keys().isdisjoint(TYPED)
        keys = name_keys({**vars(patient), **columns}) if renamed else None
        return cls(patient, accepted, columns, PreparedUpdate.of(patient, patient.version, columns), keys)


@transaction.atomic(savepoint=False)
def create_patients(*, actor: Actor, organization_id: int, creations: Collection[Creation], named: Collection[str]) -> None:
    """Save new patients of one organization, whose guarantors are locked.

    `named` are the fields that callers have sent. Raises IntegrityError (chart number taken).
    """
    if not creations:
        return
    ids = insert_prepared(Patient, [creation.prepared for creation in creations])
    insert_name_keys(organization_id, zip(ids, (creation.keys for creation in creations), strict=True))
    patients = dict(zip(ids, (creation.uuid for creation in creations), strict=True))
    record_new_patients(actor, "patient.bulk_create", organization_id, patients, event="patient.created", changed=named)


@transaction.atomic(savepoint=False)
def update_patients(*, actor: Actor, changes: Collection[Change]) -> None:
    """Write `changes` to locked patients, in order. Raises IntegrityError (chart number taken)."""
    if not changes:
        return
    note_changes(actor, [(change.patient, change.columns) for change in changes])
    if run_updates(change.update for change in changes) != len(changes):
        raise NotFound(_("Patient"))
    for change in changes:
        vars(change.patient).update(change.columns)
    renamed = [change for change in changes if change.keys is not None]
    if renamed:
        NameKey.objects.filter(patient_id__anyof=[change.patient.pk for change in renamed]).delete()
        insert_name_keys(renamed[0].patient.organization_id, ((change.patient.pk, change.keys or ()) for change in renamed))
    named = {name for change in changes for name in change.accepted}
    patients = [change.patient for change in changes]
    record_change(actor, "patient.bulk_update", patients, event="patient.updated", changed=named)
    for change in changes:
        if moment := change.accepted.get("date_time_deceased"):
            died.send(Patient, actor=actor, patient=change.patient, at=moment)
