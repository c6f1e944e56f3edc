"""Writing the entries of charts. The patient's row is locked first by every one of them, and its entries after it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.databases import DatabaseNow
from config.core.exceptions import NotFound
from config.core.orm import Versioned, drop_nulls_for_not_null_columns, has_column, verbose_name, word_for
from patients.models import ChartEntry, Patient
from patients.services.locking import lock_patient

Entry = TypeVar("Entry", bound=ChartEntry)


@transaction.atomic
def create_entry(*, actor: Actor, model: type[Entry], patient_id: int, **values: Any) -> Entry:
    """Add an entry to the chart of a patient who is not archived.

    `values` are columns of `model`, references as `<name>_id` that have been found in the actor's
    scope; null for a column that cannot be null is its default. Raises NotFound (UnknownReference
    for another patient who is archived), or IntegrityError where a constraint of the model is broken.
    """
    others: dict[str, Any] = {column.removesuffix("_id"): values.get(column) for column in model.others}
    return add_entry(actor, lock_patient(patient_id, **others), model, values)


def add_entry(actor: Actor, patient: Patient, model: type[Entry], values: Mapping[str, Any]) -> Entry:
    """Add an entry to the chart of `patient`, whose row is locked; see `create_entry`."""
    written = drop_nulls_for_not_null_columns(model, values)
    entry = model(organization_id=patient.organization_id, patient=patient, **written)
    entry.save(force_insert=True)
    word = word_for(model)
    record_change(actor, f"{word}.create", entry, event=f"{word}.created", changed=values)
    return entry


@transaction.atomic
def update_entry(
    *, actor: Actor, model: type[Entry], patient_id: int, entry_id: int, base_version: int, changes: Mapping[str, Any]
) -> Entry:
    """Write `changes` into an entry that is not archived; null leaves a column that cannot be null as it is.

    Returns the entry as it stood before. Raises NotFound, VersionConflict, or IntegrityError where a
    constraint of the model is broken.
    """
    entry = lock_entry(model, patient_id, entry_id)
    change_entry(entry, base_version, **drop_nulls_for_not_null_columns(model, changes))
    word = word_for(model)
    record_change(actor, f"{word}.update", entry, event=f"{word}.updated", changed=changes)
    return entry


@transaction.atomic
def archive_entry(*, actor: Actor, model: type[Entry], patient_id: int, entry_id: int, base_version: int | None = None) -> Entry:
    """Archive an entry. Where the contract asks for no version, `base_version` None takes the stored one."""
    entry = lock_entry(model, patient_id, entry_id)
    change_entry(entry, base_version, deleted_at=timezone.now())
    word = word_for(model)
    record_change(actor, f"{word}.archive", entry, event=f"{word}.archived", changed=["deleted_at"])
    return entry


def lock_entry(model: type[Entry], patient_id: int, entry_id: int) -> Entry:
    """Return an entry that is not archived, with its patient's row locked before its own; NotFound for any other."""
    patient = lock_patient(patient_id)
    rows = model._base_manager.select_for_update().filter(patient_id=patient.pk)
    entry = (rows.filter(deleted_at=None) if has_column(model, "deleted_at") else rows).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(verbose_name(model).capitalize())
    entry.patient = patient
    return entry


def change_entry(entry: ChartEntry, base_version: int | None, **values: Any) -> None:
    """Write `values` into an entry whose row is locked; VersionConflict where `base_version` is given and stale."""
    if not isinstance(entry, Versioned):
        type(entry)._base_manager.filter(pk=entry.pk).update(**values, updated_at=DatabaseNow())
        return
    base = entry.version if base_version is None else base_version
    type(entry).objects.change(entry.pk, base, verbose_name(entry).capitalize(), **values)
