"""Locking patients' rows, and telling what was done to them."""

import datetime
from collections.abc import Iterable

from accounts import audit, events
from accounts.scope import Actor
from config.exceptions import NotFound, UnknownReference
from patients.models import Patient


def lock_patient(patient_id: int, guarantor_id: int | None = None, *, archived: bool = False) -> Patient:
    """Return the patient with its row locked: the first lock that every write of a patient takes.

    A guarantor whom the write will name is locked with it, so that nobody archives them meanwhile.
    Rows are locked in the order of their ids. NotFound where the patient is not there (or not
    archived, with `archived`), UnknownReference where the guarantor is not.
    """
    ids = {patient_id, guarantor_id} - {None}
    patients = Patient.objects.select_related("organization").select_for_update(of=("self",))
    found = {patient.pk: patient for patient in patients.filter(pk__in=ids).order_by("pk")}
    patient = found.get(patient_id)
    if patient is None or (patient.deleted_at is not None) != archived:
        raise NotFound("Patient")
    if guarantor_id is not None:
        _check_guarantor(found.get(guarantor_id))
    return patient


def lock_guarantor(guarantor_id: int) -> None:
    """Lock the guarantor whom a new patient will name; UnknownReference where they are archived."""
    _check_guarantor(Patient.objects.select_for_update().filter(pk=guarantor_id).first())


def _check_guarantor(guarantor: Patient | None) -> None:
    if guarantor is None or guarantor.deleted_at is not None:
        raise UnknownReference("responsible_party", "Patient")


def today_of(patient: Patient) -> datetime.date:
    """Return today's date in the time zone of the patient's organization."""
    return datetime.datetime.now(patient.organization.zone).date()


def tell(actor: Actor, patient: Patient, action: str, event: str, changed: Iterable[str]) -> None:
    """Audit `action` on a patient and put `event` into the outbox, in the transaction that is open."""
    audit.record(
        actor,
        action,
        organization_id=patient.organization_id,
        patients=[patient.pk],
        subject="patient",
        subject_id=patient.pk,
        changed=changed,
    )
    events.emit(event, organization_id=patient.organization_id, subject=patient.uuid)
