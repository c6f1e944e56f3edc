"""Writing the changes of a merge, and remembering them row by row, so that they can be taken back."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import F, Field, Model

from accounts.audit import record_change
from accounts.scope import Actor
from accounts.services.pruning import add_removal, delete_in_turns
from config.core.bulk_writes import insert_many
from config.core.caching import cached
from config.core.databases import DatabaseNow
from config.core.orm import Timestamped, Versioned, word_for
from patients.models import MergedRow, Patient, PatientMerge
from patients.services.merging.rules import Change, Reference


def write_changes(actor: Actor, patient: Patient, model: type[Model], changes: Collection[Change]) -> None:
    """Write `changes` into rows of `model` that are locked, or whose patients are, by one statement for each set of values.

    Versions rise, and what has one is audited and published as updated. `patient` is the record that the rows were about.
    """
    for values, rows in _by_values(changes):
        stamps: dict[str, Any] = {"updated_at": DatabaseNow()} if issubclass(model, Timestamped) else {}
        if issubclass(model, Versioned):
            stamps["version"] = F("version") + 1
        model._base_manager.filter(pk__anyof=sorted(row.pk for row in rows)).update(**values, **stamps)
        if issubclass(model, Versioned):
            for row in rows:
                for name, value in values.items():
                    setattr(row, name, value)
            word, columns = word_for(model), [name.removesuffix("_id") for name in values]
            record_change(actor, f"{word}.update", rows, event=f"{word}.updated", changed=columns, patient=patient)


def _by_values(changes: Iterable[Change]) -> Iterator[tuple[Mapping[str, Any], list[Any]]]:
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        groups[repr(sorted(change.values.items()))].append(change)
    for alike in groups.values():
        yield alike[0].values, [change.row for change in alike]


def remember(merge: PatientMerge, reference: Reference, changes: Collection[Change]) -> None:
    """Keep what `changes` will write because of `reference`, and what stands there before."""
    rows = []
    for change in changes:
        before = {name: getattr(change.row, name) for name in change.values}
        rows.append(_merged_row(merge, reference.model, change.row.pk, before, change.values))
        rows[-1].column = reference.column
    insert_many(MergedRow, rows)


def remember_patient(merge: PatientMerge, before: Patient, after: Patient, columns: Iterable[str]) -> None:
    """Keep which of `columns` the merge has changed in a record."""
    changed = [name for name in columns if as_json(Patient, name, before) != as_json(Patient, name, after)]
    old, new = ({name: getattr(patient, name) for name in changed} for patient in (before, after))
    _merged_row(merge, Patient, before.pk, old, new).save(force_insert=True)


def _merged_row(
    merge: PatientMerge, model: type[Model], pk: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> MergedRow:
    return MergedRow(
        organization_id=merge.organization_id,
        merge=merge,
        table=model._meta.label_lower,
        row_id=pk,
        before={name: _json(column_of(model, name), value) for name, value in before.items()},
        after={name: _json(column_of(model, name), value) for name, value in after.items()},
    )


def reference_of(row: MergedRow) -> Reference:
    """Return because of which reference a row was changed."""
    return Reference(apps.get_model(row.table), row.column)


@cached
def column_of(model: type[Model], attname: str) -> Field:
    """Return the column of `model` with this attribute name."""
    return next(column for column in model._meta.concrete_fields if column.attname == attname)


def as_json(model: type[Model], attname: str, row: Model) -> Any:
    """Return the value of a column as it is remembered."""
    return _json(column_of(model, attname), getattr(row, attname))


def _json(column: Field, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    # Django's own form of serialized values, for dates, numbers and bytes.
    holder = column.model()
    setattr(holder, column.attname, value)
    return column.value_to_string(holder)


def from_json(column: Field, value: Any) -> Any:
    """Return a value that was remembered as the column takes it."""
    return None if value is None else column.to_python(value)


def kept_since(now: datetime.datetime) -> datetime.datetime:
    """Return since when a merge must have been made to be undone."""
    return now - datetime.timedelta(days=settings.MERGE_RETENTION_DAYS)


def _remove_expired(now: datetime.datetime) -> int:
    return delete_in_turns(MergedRow.objects.filter(merge__created_at__lt=kept_since(now)))


add_removal("rows of old merges", _remove_expired)
