"""Writing chart entries. Every write locks the patient's row first, and then the entry's."""

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

    `values` are columns of `model`; references are `<name>_id` and must have been found in the actor's scope. Null for a
    column that cannot be null means its default. Raises NotFound (UnknownReference if another patient it refers to is
    archived), or IntegrityError if a constraint is violated.
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

    Returns the entry as it was before. Raises NotFound, VersionConflict, or IntegrityError if a constraint is violated.
    """
    entry = lock_entry(model, patient_id, entry_id)
    change_entry(entry, base_version, **drop_nulls_for_not_null_columns(model, changes))
    word = word_for(model)
    record_change(actor, f"{word}.update", entry, event=f"{word}.updated", changed=changes)
    return entry


@transaction.atomic
def archive_entry(*, actor: Actor, model: type[Entry], patient_id: int, entry_id: int, base_version: int | None = None) -> Entry:
    """Archive an entry. `base_version` is None where the API contract has no version; then it is not checked."""
    entry = lock_entry(model, patient_id, entry_id)
    change_entry(entry, base_version, deleted_at=timezone.now())
    word = word_for(model)
    record_change(actor, f"{word}.archive", entry, event=f"{word}.archived", changed=["deleted_at"])
    return entry


def lock_entry(model: type[Entry], patient_id: int, entry_id: int) -> Entry:
    """Lock the patient's row, then the entry's, and return the entry. Raises NotFound if either is missing or archived."""
    patient = lock_patient(patient_id)
    rows = model._base_manager.select_for_update().filter(patient_id=patient.pk)
    entry = (rows.filter(deleted_at=None) if has_column(model, "deleted_at") else rows).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(verbose_name(model).capitalize())
    entry.patient = patient
    return entry


def change_entry(entry: ChartEntry, base_version: int | None, **values: Any) -> None:
    """Write `values` into a locked entry. Raises VersionConflict if `base_version` is given and stale."""
    if not isinstance(entry, Versioned):
        type(entry)._base_manager.filter(pk=entry.pk).update(**values, updated_at=DatabaseNow())
        return
    base = entry.version if base_version is None else base_version
    type(entry).objects.change(entry.pk, base, verbose_name(entry).capitalize(), **values)
