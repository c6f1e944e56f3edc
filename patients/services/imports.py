"""Undoing an import: patients whom it created, and whom nobody has changed since, are archived."""

from collections.abc import Collection
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.databases import DatabaseNow
from config.core.exceptions import Conflict
from patients.models import ImportCreation, ImportState, NameKey, Patient, PatientImport
from patients.services.lifecycle import archive_patient
from patients.services.locking import lock_patients

# Patients of one call: each takes a dozen statements, and on SQLite everybody else waits for the end of the transaction.
ROWS = 20
# What every patient has from the start.
_FROM_THE_START = (ImportCreation, NameKey)


@transaction.atomic
def begin_undo(*, actor: Actor, run: PatientImport) -> None:
    """Begin to undo an import that has ended. Raises Conflict where it has not, or was undone already."""
    ended = PatientImport.objects.filter(pk=run.pk, state__in=[ImportState.DONE, ImportState.STOPPED])
    gone = {"content_sealed": None, "findings_sealed": None}
    if not ended.update(state=ImportState.UNDOING, updated_at=DatabaseNow(), **gone):
        raise Conflict(_("This import has gone on meanwhile: look at it again."))
    record_change(actor, "patient_import.undo", run, event=None)  # The patients are published, each with its own event.


@transaction.atomic
def undo_rows(*, actor: Actor, run: PatientImport) -> None:
    """Archive the next ROWS patients whom the import created, apart from those who were changed since.

    Their rows are locked first, as by everybody who writes about a patient: nothing can be added to them meanwhile.
    """
    locked = PatientImport.objects.select_for_update().only("state").get(pk=run.pk)
    if locked.state != ImportState.UNDOING:
        return
    waiting = ImportCreation.objects.filter(patient_import=run, archived=None).order_by("pk")
    patients = list(waiting.values_list("patient_id", flat=True)[:ROWS])
    lock_patients(patients)
    kept = changed_since(patients)
    for patient_id in sorted({*patients} - kept):
        archive_patient(actor=actor, patient_id=patient_id)
    for done, archived in (({*patients} - kept, True), (kept, False)):
        ImportCreation.objects.filter(patient_id__anyof=sorted(done)).update(archived=archived)
    if not waiting.exists():
        PatientImport.objects.filter(pk=run.pk).update(state=ImportState.UNDONE, updated_at=DatabaseNow())


def changed_since(patients: Collection[int]) -> set[int]:
    """Return which of the `patients` whom imports created somebody has changed, archived, or added anything to since."""
    creations = ImportCreation.objects.filter(patient_id__anyof=sorted(patients)).order_by()
    # Archiving raises the version. What is derived from entries of the chart moves the time alone.
    changed = creations.filter(Q(patient__version__gt=1) | Q(patient__updated_at__gt=F("created_at"))).values_list("patient_id")
    return {pk for (pk,) in changed.union(*(_referring(column, patients) for column in references()))}


def references() -> list[models.ForeignKey]:
    """Return the columns of all tables, of later apps too, that refer to a patient and are empty for a new one."""
    related: list[Any] = [found for found in Patient._meta.get_fields(include_hidden=True) if found.auto_created]
    columns = [found.field for found in related if not found.concrete]
    return [column for column in columns if column.model not in _FROM_THE_START]


def _referring(column: models.ForeignKey, patients: Collection[int]) -> QuerySet:
    rows = column.model._base_manager.filter(**{f"{column.name}__anyof": sorted(patients)})
    return rows.order_by().values_list(column.attname)
