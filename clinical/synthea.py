"""Reading the CSV tables that Synthea, the generator of synthetic records, writes: patients.csv.

A patient is recognized by Synthea's Id, which is kept as an identifier, so that the same file may come twice.
"""

import csv
import datetime
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from accounts.models import CareGroup, Organization
from accounts.scope import Actor, scope
from config.databases import broken_constraint
from config.encryption import unseal
from config.exceptions import DomainError, Invalid
from patients.models import Gender, MaritalStatus, Patient, PatientIdentifier, Sex, Status
from patients.services.lifecycle import record_death
from patients.services.patients import create_patient, update_patient

IDENTIFIER_SYSTEM = "urn:synthea:patient"
CHUNK = 500
COUNTRY = "US"

_TEXTS = {
    "PREFIX": "title",
    "FIRST": "first_name",
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
COLUMNS = frozenset({*_TEXTS, *_REQUIRED, "DEATHDATE", "MARITAL", "SSN"})
_SSN = "social_security_number"


class RowRefused(Exception):
    """A row that can not be imported. The text names the column and the rule, never the value."""


class Row(NamedTuple):
    """A row of the file: the line it ends on, and its cells by column; a text where it could not be read."""

    line: int
    cells: dict[str, str] | str


def read_rows(file: TextIO) -> Iterator[Row]:
    """Yield the rows of an open CSV file one by one. Raises RowRefused where the header lacks columns."""
    reader = csv.DictReader(file, restval="", strict=True)
    if missing := COLUMNS - set(reader.fieldnames or ()):
        raise RowRefused(f"the columns {', '.join(sorted(missing))} are missing")
    while True:
        try:
            cells = next(reader)
            yield Row(reader.line_num, cells)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(reader.reader.line_num, f"not readable as CSV ({error})")


def patient_values(cells: dict[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """Return a row as values for the patient services; empty cells are left out. Raises RowRefused.

    `zone` is the organization's: a date of death is taken as the beginning of that day there.
    """
    _check_cells(cells)
    texts = {name: cells[column].strip() for column, name in _TEXTS.items() if cells[column].strip()}
    for name, text in texts.items():
        _check_length(name, text)
    values: dict[str, Any] = {**texts}
    values |= _coded(cells, "GENDER", _SEXES) | _coded(cells, "MARITAL", _MARITAL)
    values |= {"country": COUNTRY, "date_of_birth": _date(cells, "BIRTHDATE")}
    if cells["SSN"]:
        values[_SSN] = _social_security_number(cells["SSN"])
    if died := _date(cells, "DEATHDATE"):
        moment = datetime.datetime.combine(died, datetime.time(), zone)
        values |= {"status": Status.DECEASED, "date_time_deceased": moment}
    return values


def _check_cells(cells: dict[str, str]) -> None:
    if None in cells:
        raise RowRefused("more cells than columns")
    for column, text in cells.items():
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            raise RowRefused(f"{column}: holds control characters or is not UTF-8")
    for column in _REQUIRED:
        if not cells[column].strip():
            raise RowRefused(f"{column}: is empty")
    if len(cells["Id"]) > 255:
        raise RowRefused("Id: is too long")


def _check_length(name: str, text: str) -> None:
    field = Patient._meta.get_field(name)
    if isinstance(field, models.CharField) and len(text) > (field.max_length or 0):
        raise RowRefused(f"{name}: is longer than {field.max_length} characters")


def _coded(cells: dict[str, str], column: str, codes: dict[str, dict]) -> dict:
    if not cells[column]:
        return {}
    if cells[column] not in codes:
        raise RowRefused(f"{column}: is not one of {', '.join(codes)}")
    return codes[cells[column]]


def _date(cells: dict[str, str], column: str) -> datetime.date | None:
    text = cells[column]
    if not text:
        return None
    try:
        # Some versions of Synthea add a time of day; the day is what counts here.
        return datetime.date.fromisoformat(text[:10] if text[10:11] == "T" else text)
    except ValueError as error:
        raise RowRefused(f"{column}: is not a date") from error


def _social_security_number(text: str) -> str:
    if not re.fullmatch(r"\d{3}-\d{2}-\d{4}", text, re.ASCII):
        raise RowRefused("SSN: is not of the form 999-99-9999")
    return text


@dataclass
class Tally:
    """What an import did so far."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        """Rows read."""
        return self.created + self.updated + self.unchanged + self.refused


class PatientImport:
    """Brings rows of patients.csv into an organization.

    `refuse(line, reason)` is told of every row that can not be imported; the others go on. With
    `dry_run` the same work is done and rolled back, so that it reports exactly what would happen.
    """

    def __init__(
        self,
        *,
        actor: Actor,
        organization: Organization,
        refuse: Callable[[int, str], None],
        care_group: CareGroup | None = None,
        dry_run: bool = False,
    ):
        self.actor, self.organization, self.refuse, self.dry_run = actor, organization, refuse, dry_run
        self.fixed = {"care_group_id": care_group.pk} if care_group else {}
        self.tally = Tally()

    def run(self, rows: Iterable[Row]) -> Iterator[Tally]:
        """Import `rows`, committing every CHUNK of them; yields the tally after each."""
        rows = iter(rows)
        while chunk := list(islice(rows, CHUNK)):
            self._import_chunk(chunk)
            yield self.tally

    def _import_chunk(self, chunk: list[Row]) -> None:
        with transaction.atomic():
            known = self._known(row.cells["Id"] for row in chunk if isinstance(row.cells, dict))
            for row in chunk:
                self._import_row(row, known)
            transaction.set_rollback(self.dry_run)

    def _known(self, ids: Iterable[str]) -> dict[str, Patient]:
        """Return the patients who came from Synthea before, by Synthea's Id."""
        found = PatientIdentifier.objects.filter(
            organization=self.organization, system=IDENTIFIER_SYSTEM, value__in=[one for one in ids if one.isprintable()]
        )
        return {identifier.value: identifier.patient for identifier in scope(self.actor, found).select_related("patient")}

    def _import_row(self, row: Row, known: dict[str, Patient]) -> None:
        """Import one row in a savepoint of its own, and count what became of it."""
        try:
            if isinstance(row.cells, str):
                raise RowRefused(row.cells)
            with transaction.atomic():
                outcome = self._import_cells(row.cells, known)
        except (RowRefused, DomainError, IntegrityError) as error:
            self.refuse(row.line, reason(error))
            outcome = "refused"
        setattr(self.tally, outcome, getattr(self.tally, outcome) + 1)

    def _import_cells(self, cells: dict[str, str], known: dict[str, Patient]) -> str:
        values = patient_values(cells, self.organization.zone) | self.fixed
        synthea_id = cells["Id"]
        patient = known.get(synthea_id)
        if patient is None:
            known[synthea_id] = self._create(synthea_id, values)
            return "created"
        changes = {name: value for name, value in values.items() if stored(patient, name) != value}
        if not changes:
            return "unchanged"
        self._update(patient, values, changes)
        known[synthea_id] = Patient.objects.get(pk=patient.pk)
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
    """Return what a patient's record holds under a name that the services take, sealed values in clear."""
    if name != _SSN:
        return getattr(patient, name)
    sealed = patient.social_security_number_sealed
    return unseal(sealed, f"patient.{_SSN}", patient.uuid) if sealed else None


def reason(error: Exception) -> str:
    """Return why a row was refused, without a value of the row."""
    if isinstance(error, Invalid):
        return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in error.errors.items())
    if isinstance(error, IntegrityError):
        return f"breaks the rule {broken_constraint(error) or 'of a table'}"
    return str(error)
