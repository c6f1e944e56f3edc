"""The lifecycle of patients: archive, restore, transition of status, death."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.dates import today_at
from config.core.exceptions import Invalid, NotFound, UnknownReference, VersionConflict
from patients.models import Patient, Status
from patients.services.histories import note_changes
from patients.services.locking import lock_patient
from patients.services.patient_values import changed_columns
from patients.services.patients import died, index_names, restored
from patients.services.rules import check_values

# Allowed transitions. Only `archive_patient` and `restore_patient` enter and leave the status archived.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    Status.PROSPECTIVE: frozenset({Status.ACTIVE}),
    Status.ACTIVE: frozenset({Status.INACTIVE, Status.DECEASED}),
    Status.INACTIVE: frozenset({Status.ACTIVE}),
    Status.DECEASED: frozenset(),
}


@transaction.atomic
def archive_patient(*, actor: Actor, patient_id: int) -> None:
    """Archive a patient. Raises Invalid if they are the guarantor of patients who are not archived.

    The row is locked, and so it is by whoever refers to it as a guarantor: no dependent can be added meanwhile.
    """
    patient = lock_patient(patient_id)
    if Patient.objects.filter(responsible_party=patient, deleted_at=None).exists():
        raise Invalid(_("The patient is the guarantor of active dependents."), "", "guarantor")
    _write(actor, patient, status=Status.ARCHIVED, deleted_at=timezone.now())
    index_names(patient.pk, patient.organization_id, {})
    record_change(actor, "patient.archive", patient, event="patient.archived", changed=["status", "deleted_at"])


@transaction.atomic
def restore_patient(*, actor: Actor, patient_id: int) -> None:
    """Restore an archived patient as inactive.

    Raises Invalid if they are not archived, if they are merged into another record, or if their guarantor is archived, who
    must be restored first. Raises IntegrityError if their chart number has been taken meanwhile.
    """
    # The guarantor is read before both rows are locked; the version check catches a change in between.
    seen = Patient.objects.only("version", "status", "organization", "responsible_party", "merged_into").get(pk=patient_id)
    try:
        patient = lock_patient(patient_id, archived=True, responsible_party=seen.responsible_party_id)
    except UnknownReference as error:
        raise Invalid(_("The guarantor of the patient is archived."), "", "guarantor") from error
    except NotFound as error:
        raise Invalid(_("The patient is not archived."), "", "not_archived") from error
    if patient.merged_into_id is not None:
        raise Invalid(_("The record is merged into another one. Undo the merge instead."), "", "merged")
    _write(actor, seen, status=Status.INACTIVE, deleted_at=None)
    index_names(patient.pk, patient.organization_id, patient.__dict__)
    record_change(actor, "patient.restore", patient, event="patient.restored", changed=["status", "deleted_at"])
    restored.send(Patient, actor=actor, patient=lock_patient(patient.pk))


@transaction.atomic
def transition_status(*, actor: Actor, patient_id: int, base_version: int, new_status: str) -> None:
    """Change the status of a patient. Raises Invalid if TRANSITIONS does not allow it, or VersionConflict."""
    patient = lock_patient(patient_id)
    # The version comes first: the caller decided by the status that they saw, and of two callers only one may win.
    if base_version != patient.version:
        raise VersionConflict(expected=patient.version, got=base_version)
    if new_status not in TRANSITIONS[patient.status]:
        message = _("A patient cannot go from %(former)s to %(status)s.") % {"former": patient.status, "status": new_status}
        raise Invalid(message, "new_status", "transition")
    _write(actor, patient, status=new_status, **_moments(patient, new_status))
    record_change(actor, "patient.transition_status", patient, event=f"patient.{new_status}", changed=["status"])
    if new_status == Status.DECEASED:
        died.send(Patient, actor=actor, patient=patient, at=timezone.now())


@transaction.atomic
def record_death(*, actor: Actor, patient_id: int, at: datetime.datetime) -> None:
    """Record the death of a patient. Raises NotFound (unknown, archived) or Invalid (impossible time)."""
    patient = lock_patient(patient_id)
    death = {"status": Status.DECEASED, "date_time_deceased": at}
    check_values({"date_of_birth": patient.date_of_birth, **death}, death, today_at(patient.organization.timezone))
    _write(actor, patient, **changed_columns(patient, death), **_moments(patient, Status.DECEASED))
    record_change(actor, "patient.record_death", patient, event="patient.deceased", changed=death)
    died.send(Patient, actor=actor, patient=patient, at=at)


def _moments(patient: Patient, status: str) -> dict[str, Any]:
    """Return the columns for when the patient became active, or stopped being active."""
    now = timezone.now()
    if status == Status.ACTIVE:
        return {"activated_at": patient.activated_at or now, "stopped_at": None}
    return {"stopped_at": now}


def _write(actor: Actor, patient: Patient, **values: Any) -> None:
    note_changes(actor, [(patient, values)])
    Patient.objects.change(patient.pk, patient.version, _("Patient"), **values)
