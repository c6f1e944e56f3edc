"""Locking patients' rows."""

from collections.abc import Collection

from config.core.exceptions import NotFound, UnknownReference
from patients.models import Patient


def lock_patient(patient_id: int, *, archived: bool = False, **named: int | None) -> Patient:
    """Lock a patient's row and return the patient. Every write about a patient takes this lock first.

    `named` are ids of further patients to refer to, or None, by the model field that will hold them. They are locked too,
    so that nobody archives them meanwhile. Rows are locked in the order of ids. Raises NotFound if the patient is missing
    or archived (or, with `archived`, is not), and UnknownReference if one of the others is missing or archived.
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
    """Lock the rows with these ids, in the order of ids, and return the patients that exist by id.

    None is ignored.
    """
    patients = Patient.objects.select_related("organization").select_for_update(of=("self",))
    wanted = sorted(pk for pk in ids if pk is not None)
    return {patient.pk: patient for patient in patients.filter(pk__anyof=wanted).order_by("pk")}


def lock_guarantor(guarantor_id: int) -> None:
    """Lock the guarantor of a new patient. Raises UnknownReference if they are missing or archived."""
    check_reference(Patient.objects.select_for_update().filter(pk=guarantor_id).first(), "responsible_party")


def check_reference(patient: Patient | None, field: str) -> None:
    """Raise UnknownReference for the model field `field` if the referenced patient is missing or archived."""
    if patient is None or patient.deleted_at is not None:
        raise UnknownReference(field, "Patient")
