"""Locking patients' rows."""

from collections.abc import Collection

from django.db.models import QuerySet

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
    return _by_id(Patient.objects.select_for_update(of=("self",)), ids)


def find_patients(ids: Collection[int | None]) -> dict[int, Patient]:
    """Return the patients that exist by id, as `lock_patients` does, without a lock: they may change at once."""
    return _by_id(Patient.objects.all(), ids)


def _by_id(patients: QuerySet[Patient], ids: Collection[int | None]) -> dict[int, Patient]:
    wanted = sorted(pk for pk in ids if pk is not None)
    found = patients.select_related("organization").filter(pk__anyof=wanted).order_by("pk")
    return {patient.pk: patient for patient in found}


def lock_guarantor(guarantor_id: int) -> None:
    """Lock the guarantor of a new patient. Raises UnknownReference if they are missing or archived."""
    check_reference(Patient.objects.select_for_update().filter(pk=guarantor_id).first(), "responsible_party")


def check_reference(patient: Patient | None, field: str) -> None:
    """Raise UnknownReference for the model field `field` if the referenced patient is missing or archived."""
    if patient is None or patient.deleted_at is not None:
        raise UnknownReference(field, "Patient")
