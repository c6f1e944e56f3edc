"""Undoing a merge: every row that was the merged record's goes back to it, with what has been changed since."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.databases import DatabaseNow
from config.core.encryption import unseal
from config.core.exceptions import Conflict, Invalid
from config.core.orm import verbose_name
from patients.models import MergedRow, Patient, PatientMerge
from patients.services.histories import note_changes
from patients.services.locking import lock_patients
from patients.services.merging.merge import tell_chart_moved
from patients.services.merging.remembering import as_json, column_of, from_json, kept_since, reference_of, write_changes
from patients.services.merging.rules import Change, Reference, references_to_patients
from patients.services.patient_values import changed_columns
from patients.services.patients import index_names
from patients.services.rules import SEALED


@transaction.atomic
def unmerge_patients(*, actor: Actor, patient_id: int) -> None:
    """Undo the merge of the record `patient_id` into another one, which is in the actor's scope too.

    Every row and value that the merge has changed gets back what it had, unless it has been changed since: then that stays. A
    row goes back to its record in any case; what was added to the survivor since remains there. The record gets back the
    status that it had.

    Raises Invalid if the record is not merged, if too long ago (MERGE_RETENTION_DAYS), or if a later merge must be undone
    first; Conflict if something else has taken the place of what must go back.
    """
    merge, rows, patients = _locked(patient_id)
    survivor, other = patients[merge.patient_id], patients[merge.other_id]
    # What has been pruned stays so, however long merges are kept by now.
    if not rows or merge.created_at < kept_since(timezone.now()):
        message = ngettext(
            "A merge can be undone for %(days)s day.", "A merge can be undone for %(days)s days.", settings.MERGE_RETENTION_DAYS
        )
        raise Invalid(message % {"days": settings.MERGE_RETENTION_DAYS}, "", "expired")
    _check(merge, survivor, other, patients)
    own = {row.row_id: row for row in rows if not row.column}
    # The last first: what was settled because of a row that came is settled no more when that has gone.
    for reference, changed in groupby((row for row in rows if row.column), reference_of):
        _give_back(actor, other, reference.model, _changes(reference.model, changed))
    try:
        with transaction.atomic():
            values = _values_before(merge, own[survivor.pk], patients)
            _write_survivor(actor, survivor, values)
            _write_other(actor, other, own[other.pk])
    except IntegrityError as error:
        raise Conflict(_("Another patient has the chart number or the account name of one of the records by now.")) from error
    tell_chart_moved(actor, survivor.pk, other.pk)
    PatientMerge.objects.filter(pk=merge.pk).update(
        undone_at=timezone.now(), undone_by_id=actor.user_id, updated_at=DatabaseNow()
    )
    record_change(actor, "patient.restore", other, event="patient.restored", changed=["status", "deleted_at"])
    record_change(actor, "patient.unmerge", [survivor, other], event="patient.unmerged", changed=values)


def _locked(patient_id: int) -> tuple[PatientMerge, list[MergedRow], dict[int, Patient]]:
    """Lock all whom the merge of a record concerns, in the order of ids; return it, what it changed, last first, and them."""
    merge = PatientMerge.objects.filter(other_id=patient_id, undone_at=None).first()
    if merge is None:
        raise Invalid(_("The record is not merged into another one."), "", "not_merged")
    rows = list(MergedRow.objects.filter(merge=merge).order_by("-id"))
    pair = {merge.patient_id, merge.other_id}
    guarantors = Patient.objects.filter(pk__in=pair).values_list("responsible_party_id", flat=True)
    patients = lock_patients({*pair, *guarantors, *_guarantors_before(rows), *_owners(rows)})
    if not PatientMerge.objects.filter(pk=merge.pk, undone_at=None).exists():
        raise Invalid(_("The record is not merged into another one."), "", "not_merged")
    return merge, rows, patients


def _owners(rows: Iterable[MergedRow]) -> set[int]:
    """Return the ids of the patients on whose charts rows stand that the merge has changed."""
    found: set[int] = set()
    for reference, changed in groupby(rows, reference_of):
        ids = [row.row_id for row in changed]
        owner = "pk" if reference.model is Patient else "patient_id"
        found |= set(reference.model._base_manager.filter(pk__anyof=ids).order_by().values_list(owner, flat=True))
    return found


def _guarantors_before(rows: Iterable[MergedRow]) -> set[int | None]:
    return {row.before.get("responsible_party_id") for row in rows if row.table == Patient._meta.label_lower}


def _check(merge: PatientMerge, survivor: Patient, other: Patient, patients: Mapping[int, Patient]) -> None:
    """Raise Invalid if something else must be done first."""
    if survivor.merged_into_id:
        message = _("The record that it was merged into has been merged itself since. Undo that merge first.")
        raise Invalid(message, "", "merged_since")
    if survivor.deleted_at is not None:
        raise Invalid(_("The record that it was merged into is archived. Restore that first."), "", "archived")
    if PatientMerge.objects.filter(patient=survivor, undone_at=None, pk__gt=merge.pk).exists():
        message = _("Another record has been merged into the same one since. Undo that merge first.")
        raise Invalid(message, "", "merged_since")
    if _is_archived(other.responsible_party_id, patients):
        raise Invalid(_("The guarantor of the patient is archived."), "", "guarantor")


def _is_archived(patient_id: int | None, patients: Mapping[int, Patient]) -> bool:
    return patient_id is not None and patients[patient_id].deleted_at is not None


def _changes(model: type[Model], rows: Iterable[MergedRow]) -> list[Change]:
    """Return what gives rows of `model` back what they had, as far as they still have what the merge gave them."""
    stored = {row.row_id: row for row in rows}
    changes = []
    for row in model._base_manager.filter(pk__anyof=sorted(stored)).order_by("pk"):
        before, after = stored[row.pk].before, stored[row.pk].after
        unchanged = [name for name in before if as_json(model, name, row) == after[name]]
        if unchanged:
            changes.append(Change(row, {name: from_json(column_of(model, name), before[name]) for name in unchanged}))
    return changes


def _give_back(actor: Actor, other: Patient, model: type[Model], changes: list[Change]) -> None:
    """Write `changes`. Where something has taken the place of what a row was, the row only goes back to its record."""
    try:
        with transaction.atomic():
            write_changes(actor, other, model, changes)
    except IntegrityError:
        for change in changes:
            _give_back_one(actor, other, model, change)


def _give_back_one(actor: Actor, other: Patient, model: type[Model], change: Change) -> None:
    references = {name: value for name, value in change.values.items() if Reference(model, name) in references_to_patients()}
    for values in (change.values, references):
        row = model._base_manager.get(pk=change.row.pk)
        try:
            with transaction.atomic():
                return write_changes(actor, other, model, [Change(row, values)] if values else [])
        except IntegrityError:
            continue
    message = _("The record has another %(kind)s in the place of one that was changed since. Archive or correct it first.")
    raise Conflict(message % {"kind": verbose_name(model)})


def _values_before(merge: PatientMerge, row: MergedRow, patients: Mapping[int, Patient]) -> dict[str, Any]:
    """Return the values of the survivor before the merge, of those that are still what the merge made of them.

    A guarantor who has been archived since is none any more.
    """
    survivor = patients[merge.patient_id]
    values: dict[str, Any] = {}
    for name, before in row.before.items():
        number = name.removesuffix("_index")
        if as_json(Patient, name, survivor) != row.after[name] or name.removesuffix("_sealed") in SEALED:
            continue
        if number in SEALED:
            sealed = from_json(column_of(Patient, f"{number}_sealed"), row.before[f"{number}_sealed"])
            values[number] = None if sealed is None else unseal(sealed, f"patient.{number}", survivor.uuid)
        else:
            values[name] = from_json(column_of(Patient, name), before)
    guarantor = values.get("responsible_party_id")
    if guarantor != merge.other_id and _is_archived(guarantor, patients):
        del values["responsible_party_id"]
    return values


def _write_survivor(actor: Actor, survivor: Patient, values: Mapping[str, Any]) -> None:
    """Give the survivor the `values` that they had. Rules are not asked: a value that was there may be there again."""
    columns = changed_columns(survivor, values) if values else {}
    note_changes(actor, [(survivor, columns)])
    Patient.objects.change(survivor.pk, survivor.version, _("Patient"), **columns)
    index_names(survivor.pk, survivor.organization_id, {**vars(survivor), **values})
    if values:
        record_change(actor, "patient.update", survivor, event="patient.updated", changed=values)


def _write_other(actor: Actor, other: Patient, row: MergedRow) -> None:
    """Give the merged record back the status and the values that it had."""
    columns = {name: from_json(column_of(Patient, name), value) for name, value in row.before.items()}
    note_changes(actor, [(other, columns)])
    Patient.objects.change(other.pk, other.version, _("Patient"), **columns)
    index_names(other.pk, other.organization_id, {**vars(other), **columns})
