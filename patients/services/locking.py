"""Locking patients' rows."""

from collections.abc import Collection

from config.core.exceptions import NotFound, UnknownReference
from patients.models import Patient


def lock_patient(patient_id: int, *, archived: bool = False, **named: int | None) -> Patient:
    """Return the patient with its row locked: the first lock that every write of a patient takes.

    `named` are other patients whom the write will name, by the model field that will hold them, None
    for nobody: they are locked with it, so that nobody archives them meanwhile. Rows are locked in
    the order of their ids. NotFound where the patient is not there (or not archived, with
    `archived`), UnknownReference where one of the others is not.
    """
    found = lock_patients({patient_id, *named.values()})
    patient = found.get(patient_id)
    if patient is None or (patient.deleted_at is not None) != archived:
        raise NotFound("Patient")
    for field, pk in named.items():
        if pk is not None:
            check_reference(found.get(pk), field)
    return patient


def lock_patients(ids: Collection[int | None]) -> dict[int, Patient]:
    """Return the patients with these ids, as far as they are there, with their rows locked in the order of their ids.

    None stands for nobody.
    """
    patients = Patient.objects.select_related("organization").select_for_update(of=("self",))
    wanted = sorted(pk for pk in ids if pk is not None)
    return {patient.pk: patient for patient in patients.filter(pk__anyof=wanted).order_by("pk")}


def lock_guarantor(guarantor_id: int) -> None:
    """Lock the guarantor whom a new patient will name; UnknownReference where they are archived."""
    check_reference(Patient.objects.select_for_update().filter(pk=guarantor_id).first(), "responsible_party")


def check_reference(patient: Patient | None, field: str) -> None:
    """Raise UnknownReference for a patient whom the model field `field` shall name and who is not there, or archived."""
    if patient is None or patient.deleted_at is not None:
        raise UnknownReference(field, "Patient")
