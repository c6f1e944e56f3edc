"""What all tables of Synthea have in common: rows with their lines, cells, chunks, and what became of each row."""

import csv
import datetime
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, NamedTuple, TextIO, cast
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.databases import broken_constraint
from config.core.exceptions import DomainError, Invalid
from patients.models import Patient, PatientIdentifier
from patients.services.locking import lock_patients

IDENTIFIER_SYSTEM = "urn:synthea:patient"
CHUNK = 500

Cells = dict[str, str]


class RowRefused(Exception):
    """A row that cannot be imported. The text names the column and the rule, never the value."""


class Row(NamedTuple):
    """A row of a file: the line it ends on, and its cells by column."""

    line: int
    cells: Cells


def read_rows(file: TextIO, columns: Iterable[str]) -> Iterator[tuple[int, Cells | str]]:
    """Yield (line, cells by column) of an open CSV file row by row, or (line, why it cannot be read).

    Raises RowRefused where the header lacks one of `columns`.
    """
    reader = csv.DictReader(file, restval="", strict=True)
    if missing := set(columns) - set(reader.fieldnames or ()):
        raise RowRefused(f"the columns {', '.join(sorted(missing))} are missing")
    while True:
        try:
            cells = next(reader)
            yield reader.line_num, cells
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.reader.line_num, f"not readable as CSV ({error})"


def _fault(cells: Cells | str, required: Iterable[str]) -> str:
    """Return what is wrong with a row whatever its table is, "" for nothing."""
    if isinstance(cells, str):
        return cells
    if None in cells:
        return "more cells than columns"
    for column, text in cells.items():
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            return f"{column}: holds control characters or is not UTF-8"
    for column in required:
        if not cells[column].strip():
            return f"{column}: is empty"
    return ""


def coded(cells: Cells, column: str, codes: Mapping[str, Any]) -> Any:
    """Return what the word in a cell stands for, None for an empty cell. Raises RowRefused for another word."""
    if not cells[column]:
        return None
    if cells[column] not in codes:
        raise RowRefused(f"{column}: is not one of {', '.join(codes)}")
    return codes[cells[column]]


def day(cells: Cells, column: str) -> datetime.date | None:
    """Return the day in a cell, None for an empty one. Of a time of day, which some versions add, nothing is taken."""
    text = cells[column]
    try:
        return datetime.date.fromisoformat(text[:10] if text[10:11] == "T" else text) if text else None
    except ValueError as error:
        raise RowRefused(f"{column}: is not a date") from error


def moment(cells: Cells, column: str, zone: ZoneInfo) -> datetime.datetime:
    """Return the moment in a cell as the clock of `zone` shows it."""
    try:
        written = datetime.datetime.fromisoformat(cells[column])
        return written.astimezone(zone) if written.tzinfo else written.replace(tzinfo=zone)
    except (ValueError, OverflowError) as error:
        raise RowRefused(f"{column}: is not a date and time") from error


def check_lengths(model: type[models.Model], values: Mapping[str, Any]) -> None:
    """Raise RowRefused for a text among `values` that its column of `model` does not hold."""
    for name, value in values.items():
        field = model._meta.get_field(name)
        if isinstance(field, models.CharField) and isinstance(value, str) and len(value) > (field.max_length or 0):
            raise RowRefused(f"{name}: is longer than {field.max_length} characters")


@dataclass
class ImportCounts:
    """What an import did so far. `left_out` counts rows that have no place in the record."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    left_out: int = 0


class TableImport:
    """Brings the rows of one table into an organization.

    `report(text)` is told of every row that cannot be imported; the others go on. For the
    observations of one moment, which are one entry, the counts but for the refused ones are of entries.
    """

    table: ClassVar[str]
    columns: ClassVar[frozenset[str]]
    required: ClassVar[tuple[str, ...]]

    def __init__(self, *, actor: Actor, organization: Organization, report: Callable[[str], object]):
        self.actor, self.organization, self.report = actor, organization, report
        self.counts = ImportCounts()

    @property
    def file_name(self) -> str:
        """The name of the table's file."""
        return f"{self.table}.csv"

    def run(self, file: TextIO) -> Iterator[ImportCounts]:
        """Import the rows of an open file, committing every CHUNK units of them; yields the counts after each."""
        units = self.units(self._good_rows(file))
        while chunk := list(islice(units, CHUNK)):
            self._import_chunk(chunk)
            yield self.counts

    def units(self, rows: Iterator[Row]) -> Iterator[list[Row]]:
        """Yield the rows that are imported together: each alone, unless a table says otherwise."""
        return ([row] for row in rows)

    def prepare(self, cells: list[Cells]) -> None:
        """Lock and fetch what the rows of a chunk need, in a transaction that all of them share."""
        raise NotImplementedError

    def import_unit(self, unit: list[Row]) -> str | None:
        """Import one unit, and return which of ImportCounts it adds to, or None if nothing of it was left to import.

        A RowRefused, DomainError or IntegrityError refuses the rows of `unit`.
        """
        raise NotImplementedError

    def _good_rows(self, file: TextIO) -> Iterator[Row]:
        for line, cells in read_rows(file, self.columns):
            self.counts.rows += 1
            if fault := _fault(cells, self.required):
                self.refuse_row(line, fault)
            else:
                yield Row(line, cast("Cells", cells))

    def _import_chunk(self, chunk: list[list[Row]]) -> None:
        with transaction.atomic():
            self.prepare([row.cells for unit in chunk for row in unit])
            for unit in chunk:
                self._import_unit(unit)

    def _import_unit(self, unit: list[Row]) -> None:
        """Import one unit in a savepoint of its own, and count what became of it."""
        try:
            with transaction.atomic():
                outcome = self.import_unit(unit)
        except (RowRefused, DomainError, IntegrityError) as error:
            for row in unit:
                self.refuse_row(row.line, reason(error))
            return
        if outcome:
            setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)

    def refuse_row(self, line: int, why: str) -> None:
        """Report a row that is not imported, and count it."""
        self.report(f"{self.file_name}, line {line}: {why}")
        self.counts.refused += 1

    def known_ids(self, synthea_ids: Iterable[str]) -> dict[str, int]:
        """Return the ids of the patients who came from Synthea before, by Synthea's Id."""
        found = PatientIdentifier.objects.filter(
            organization=self.organization, system=IDENTIFIER_SYSTEM, value__in=set(synthea_ids)
        )
        return dict(scope(self.actor, found).values_list("value", "patient_id"))


class ChartTableImport(TableImport):
    """Brings a table of what hangs on patients into their charts. Their rows are locked once a chunk."""

    patients: dict[str, Patient]

    def prepare(self, cells: list[Cells]) -> None:
        ids = self.known_ids(one["PATIENT"] for one in cells)
        locked = lock_patients(ids.values())
        self.patients = {synthea_id: locked[pk] for synthea_id, pk in ids.items() if pk in locked}

    def patient_of(self, cells: Cells) -> Patient:
        """Return the patient whom a row is about, whose row is locked."""
        patient = self.patients.get(cells["PATIENT"])
        if patient is None:
            raise RowRefused("PATIENT: has not been imported")
        if patient.deleted_at is not None:
            raise RowRefused("PATIENT: is archived")
        return patient


def reason(error: Exception) -> str:
    """Return why a row was refused, without a value of the row."""
    if isinstance(error, Invalid):
        return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in error.errors.items())
    if isinstance(error, IntegrityError):
        return f"breaks the rule {broken_constraint(error) or 'of a table'}"
    return str(error)
