"""patients.csv. A patient is identified by Synthea's Id, which is stored as an identifier."""

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import CareGroup
from accounts.scope import scope
from clinical.synthea.tables import IDENTIFIER_SYSTEM, Cells, Row, RowRefused, TableImport, check_lengths, coded, day
from config.core.encryption import unseal
from patients.models import Gender, MaritalStatus, Patient, Sex, Status
from patients.services.lifecycle import record_death
from patients.services.patients import create_patient, update_patient

COUNTRY = "US"

_TEXTS = {
    "PREFIX": "title",
    "FIRST": "first_name",
    "MIDDLE": "middle_name",
    "LAST": "last_name",
    "ADDRESS": "address_line1",
    "CITY": "city",
    "STATE": "state",
    "ZIP": "postal_code",
}
_REQUIRED = ("Id", "BIRTHDATE", "FIRST", "LAST", "GENDER")
_SEXES = {"F": {"sex": Sex.FEMALE, "gender": Gender.FEMALE}, "M": {"sex": Sex.MALE, "gender": Gender.MALE}}
_MARITAL = {
    "D": {"marital_status": MaritalStatus.DIVORCED},
    "M": {"marital_status": MaritalStatus.MARRIED},
    "S": {"marital_status": MaritalStatus.SINGLE},
    "W": {"marital_status": MaritalStatus.WIDOWED},
}
_SSN = "social_security_number"


def patient_values(cells: Cells, zone: ZoneInfo) -> dict[str, Any]:
    """Return a row as values for the patient services, without empty cells. Raises RowRefused.

    `zone` is the organization's: a date of death becomes the beginning of that day there.
    """
    if len(cells["Id"]) > 255:
        raise RowRefused("Id: is too long")
    texts = {name: cells[column] for column, name in _TEXTS.items() if cells[column]}
    if "postal_code" in texts:
        texts["postal_code"] = _zip_code(texts["postal_code"])
    check_lengths(Patient, texts)
    values: dict[str, Any] = {**texts}
    values |= coded(cells, "GENDER", _SEXES) | (coded(cells, "MARITAL", _MARITAL) or {})
    values |= {"country": COUNTRY, "date_of_birth": day(cells, "BIRTHDATE")}
    if cells["SSN"]:
        values[_SSN] = _social_security_number(cells["SSN"])
    if died := day(cells, "DEATHDATE"):
        moment = datetime.datetime.combine(died, datetime.time(), zone)
        values |= {"status": Status.DECEASED, "date_time_deceased": moment}
    return values


def _zip_code(text: str) -> str:
    """Return a ZIP code with its leading zeros, which spreadsheets drop: it has five digits."""
    return text.zfill(5) if re.fullmatch(r"\d{3,4}", text, re.ASCII) else text


def _social_security_number(text: str) -> str:
    if not re.fullmatch(r"\d{3}-\d{2}-\d{4}", text, re.ASCII):
        raise RowRefused("SSN: is not of the form 999-99-9999")
    return text


class PatientImport(TableImport):
    """Imports patients.csv into an organization, and into `care_group` if one is given."""

    table = "patients"
    columns = frozenset({*_TEXTS, *_REQUIRED, "DEATHDATE", "MARITAL", "SSN"})
    required = _REQUIRED
    codes = frozenset({"Id", "SSN", "ZIP"})
    days = frozenset({"BIRTHDATE", "DEATHDATE"})

    known: dict[str, Patient]

    def __init__(self, *, care_group: CareGroup | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.fixed = {"care_group_id": care_group.pk} if care_group else {}

    def prepare(self, cells: list[Cells]) -> None:
        ids = self.known_ids(one["Id"] for one in cells)
        patients = scope(self.actor, Patient.objects.filter(pk__anyof=sorted(ids.values()))).in_bulk()
        self.known = {synthea_id: patients[pk] for synthea_id, pk in ids.items()}

    def import_unit(self, unit: list[Row]) -> str:
        ((_, cells),) = unit
        values = patient_values(cells, self.organization.zone) | self.fixed
        synthea_id = cells["Id"]
        patient = self.known.get(synthea_id)
        if patient is None:
            self.known[synthea_id] = self._create(synthea_id, values)
            return "created"
        changes = {name: value for name, value in values.items() if stored(patient, name) != value}
        if not changes:
            return "unchanged"
        self._update(patient, values, changes)
        self.known[synthea_id] = Patient.objects.get(pk=patient.pk)
        return "updated"

    def _create(self, synthea_id: str, values: dict) -> Patient:
        return create_patient(
            actor=self.actor,
            organization=self.organization,
            values={**values, "timezone": self.organization.timezone},
            identifiers=[{"system": IDENTIFIER_SYSTEM, "value": synthea_id, "use": "secondary"}],
        )

    def _update(self, patient: Patient, values: dict, changes: dict) -> None:
        if changes.pop("status", None):
            record_death(actor=self.actor, patient_id=patient.pk, at=values["date_time_deceased"])
            changes.pop("date_time_deceased", None)
        if changes:
            update_patient(actor=self.actor, patient_id=patient.pk, base_version=None, changes=changes)


def stored(patient: Patient, name: str) -> object:
    """Return a stored value by the name used in services, sealed values in clear."""
    if name != _SSN:
        return getattr(patient, name)
    sealed = patient.social_security_number_sealed
    return unseal(sealed, f"patient.{_SSN}", patient.uuid) if sealed else None
