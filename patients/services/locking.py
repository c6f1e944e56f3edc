"""Locking patients' rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigAutoField, QuerySet
from django.utils.translation import gettext as _

from config.core.compiled_queries import parameter
from config.core.exceptions import NotFound, UnknownReference
from config.core.instances import InstanceQuery
from patients.models import Patient

# Version, last change, and when the patient was archived.
State = tuple[int, datetime, datetime | None]
_STATE = ("version", "updated_at", "deleted_at")


def lock_patient(patient_id: int, *, archived: bool = False, **named: int | None) -> Patient:
    """Lock a patient's row and return the patient. Every write about a patient takes this lock first.

    `named` are ids of further patients to refer to, or None, by the model field that will hold them. They are locked too,
    so that nobody archives them meanwhile. Rows are locked in the order of ids. Raises NotFound if the patient is missing
    or archived (or, with `archived`, is not), and UnknownReference if one of the others is missing or archived.
    """
    found = lock_patients({patient_id, *named.values()})
    patient = found.get(patient_id)
    if patient is None or (patient.deleted_at is not None) != archived:
        raise NotFound(_("Patient"))
    for field, pk in named.items():
        if pk is not None:
            check_reference(found.get(pk), field)
    return patient


def lock_patients(ids: Collection[int | None]) -> dict[int, Patient]:
    """Lock the rows with these ids, in the order of ids, and return the patients that exist by id.

    None is ignored.
    """
    return _by_id(ids, locked=True)


def find_patients(ids: Collection[int | None]) -> dict[int, Patient]:
    """Return the patients that exist by id, as `lock_patients` does, without a lock: they may change at once."""
    return _by_id(ids, locked=False)


@dataclass(frozen=True)
class PatientsById(InstanceQuery):
    """Patients with their organizations. Every write about a patient runs this, so that it is compiled once."""

    ids: list[int] = parameter(BigAutoField())
    locked: bool = False
    ordered: bool = False

    def queryset(self) -> QuerySet[Patient]:
        rows = Patient.objects.select_related("organization").filter(pk__anyof=self.ids)
        rows = rows.order_by("pk") if self.ordered else rows.order_by()
        return rows.select_for_update(of=("self",)) if self.locked else rows


def _by_id(ids: Collection[int | None], *, locked: bool) -> dict[int, Patient]:
    wanted = sorted(pk for pk in ids if pk is not None)
    # One row is in order, and most often it is one.
    found = PatientsById(wanted, locked, ordered=len(wanted) > 1).instances()
    return {patient.pk: patient for patient in found}


def lock_states(ids: Collection[int]) -> dict[int, State]:
    """Lock the rows with these ids, in the order of ids, and return the states of the patients that exist by id.

    Reads no more of them than that: of many patients whole rows take several times as long.
    """
    rows = Patient.objects.select_for_update().filter(pk__anyof=sorted(ids)).order_by("pk")
    return {pk: (version, changed, deleted) for pk, version, changed, deleted in rows.values_list("pk", *_STATE)}


def state_of(patient: Patient) -> State:
    """Return what has changed of a patient whenever anything else of them has."""
    return patient.version, patient.updated_at, patient.deleted_at


def lock_guarantor(guarantor_id: int) -> None:
    """Lock the guarantor of a new patient. Raises UnknownReference if they are missing or archived."""
    check_reference(Patient.objects.select_for_update().filter(pk=guarantor_id).first(), "responsible_party")


def check_reference(patient: Patient | None, field: str) -> None:
    """Raise UnknownReference for the model field `field` if the referenced patient is missing or archived."""
    if patient is None or patient.deleted_at is not None:
        raise UnknownReference(field, _("Patient"))
