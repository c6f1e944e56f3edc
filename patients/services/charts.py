"""Writing chart entries. Every write locks the patient's row first, and then the entry's."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from accounts.audit import Overridden, record_read
from accounts.scope import Actor
from config.core.databases import DatabaseNow
from config.core.exceptions import NotFound, VersionConflict
from config.core.orm import Versioned, check_required_texts, drop_nulls_for_not_null_columns, has_column, verbose_name, word_for
from patients.models import ChartEntry, Patient
from patients.services.locking import lock_patient
from patients.services.overridden import record_chart_change

Entry = TypeVar("Entry", bound=ChartEntry)


@transaction.atomic
def create_entry(
    *, actor: Actor, model: type[Entry], patient_id: int, overridden: Overridden | None = None, **values: Any
) -> Entry:
    """Add an entry to the chart of a patient who is not archived.

    `values` are columns of `model`; references are `<name>_id` and must have been found in the actor's scope. Null for a
    column that cannot be null means its default. `overridden` tells that a person saves against warnings, and why. Raises
    NotFound (UnknownReference if another patient it refers to is archived), Invalid for a blank text that is required, or
    IntegrityError if a constraint is violated.
    """
    others: dict[str, Any] = {column.removesuffix("_id"): values.get(column) for column in model.others}
    return add_entry(actor, lock_patient(patient_id, **others), model, values, overridden)


def add_entry(
    actor: Actor, patient: Patient, model: type[Entry], values: Mapping[str, Any], overridden: Overridden | None = None
) -> Entry:
    """Add an entry to the chart of `patient`, whose row is locked; see `create_entry`."""
    check_required_texts(model, values)
    written = drop_nulls_for_not_null_columns(model, values)
    entry = model(organization_id=patient.organization_id, patient=patient, **written)
    entry.save(force_insert=True)
    word = word_for(model)
    record_chart_change(actor, f"{word}.create", entry, event=f"{word}.created", changed=values, overridden=overridden)
    return entry


@transaction.atomic
def update_entry(
    *,
    actor: Actor,
    model: type[Entry],
    patient_id: int,
    entry_id: int,
    base_version: int,
    changes: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> Entry:
    """Write `changes` into an entry that is not archived; null leaves a column that cannot be null as it is.

    Returns the entry as it was before. Raises NotFound, Invalid for a blank text that is required, VersionConflict, or
    IntegrityError if a constraint is violated.
    """
    check_required_texts(model, changes)
    entry = lock_entry(model, patient_id, entry_id)
    correct_entry(actor, entry, base_version, drop_nulls_for_not_null_columns(model, changes), overridden=overridden)
    return entry


def correct_entry(
    actor: Actor,
    entry: ChartEntry,
    base_version: int,
    values: Mapping[str, Any],
    *,
    event: str = "updated",
    overridden: Overridden | None = None,
) -> None:
    """Write `values` into a locked entry, audit and publish it. Raises VersionConflict, or IntegrityError.

    Without values nothing is written, and what the caller is shown is audited as read.
    """
    word = word_for(type(entry))
    if not values:
        check_version(entry, base_version)
        record_read(actor, f"{word}.read", patients=[(entry.organization_id, pk) for pk in entry.affected_patients()])
        return
    change_entry(entry, base_version, **values)
    record_chart_change(actor, f"{word}.update", entry, event=f"{word}.{event}", changed=values, overridden=overridden)


def check_version(entry: Any, base_version: int) -> None:
    """Raise VersionConflict unless a locked entry has the version that the caller decided by."""
    if base_version != entry.version:
        raise VersionConflict(expected=entry.version, got=base_version)


@transaction.atomic
def archive_entry(*, actor: Actor, model: type[Entry], patient_id: int, entry_id: int, base_version: int | None = None) -> Entry:
    """Archive an entry. `base_version` is None where the API contract has no version; then it is not checked."""
    entry = lock_entry(model, patient_id, entry_id)
    change_entry(entry, base_version, deleted_at=timezone.now())
    word = word_for(model)
    record_chart_change(actor, f"{word}.archive", entry, event=f"{word}.archived", changed=["deleted_at"])
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
