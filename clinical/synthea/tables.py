"""Shared by all Synthea tables: reading rows and cells, chunks, and counting results."""

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
from config.core.bulk_writes import WriteTurns
from config.core.databases import broken_constraint
from config.core.exceptions import DomainError, Invalid
from patients.models import Patient, PatientIdentifier
from patients.services.locking import lock_patients

IDENTIFIER_SYSTEM = "urn:synthea:patient"
# Units per transaction: on SQLite everybody else waits for its end.
CHUNK = 50

Cells = dict[str, str]


class RowRefused(Exception):
    """A row that cannot be imported. The message names the column and the rule, never the value."""


class Row(NamedTuple):
    """A row of a file: the line it ends on, and its cells by column."""

    line: int
    cells: Cells


def read_rows(file: TextIO, columns: Iterable[str]) -> Iterator[tuple[int, Cells | str]]:
    """Yield (line, cells by column) of an open CSV file row by row, or (line, why it cannot be read).

    Raises RowRefused if the header lacks one of `columns`.
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
    """Return what is wrong with a row of any table, or ""."""
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
    """Return the meaning of the word in a cell, or None if it is empty. Raises RowRefused for an unknown word."""
    if not cells[column]:
        return None
    if cells[column] not in codes:
        raise RowRefused(f"{column}: is not one of {', '.join(codes)}")
    return codes[cells[column]]


def day(cells: Cells, column: str) -> datetime.date | None:
    """Return the day in a cell, or None if it is empty. A time of day, which some versions add, is ignored."""
    text = cells[column]
    try:
        return datetime.date.fromisoformat(text[:10] if text[10:11] == "T" else text) if text else None
    except ValueError as error:
        raise RowRefused(f"{column}: is not a date") from error


def moment(cells: Cells, column: str, zone: ZoneInfo) -> datetime.datetime:
    """Return the moment in a cell in the time zone `zone`."""
    try:
        written = datetime.datetime.fromisoformat(cells[column])
        return written.astimezone(zone) if written.tzinfo else written.replace(tzinfo=zone)
    except (ValueError, OverflowError) as error:
        raise RowRefused(f"{column}: is not a date and time") from error


def check_lengths(model: type[models.Model], values: Mapping[str, Any]) -> None:
    """Raise RowRefused for a text among `values` that is too long for its column of `model`."""
    for name, value in values.items():
        field = model._meta.get_field(name)
        if not isinstance(field, (models.CharField, models.TextField)) or not isinstance(value, str):
            continue
        if len(value) > (field.max_length or 0):
            raise RowRefused(f"{name}: is longer than {field.max_length} characters")


@dataclass
class ImportCounts:
    """Counts of what an import has done so far. `left_out` counts rows that the record has no column for."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    left_out: int = 0


class TableImport:
    """Imports the rows of one table into an organization.

    `report(text)` is called for every row that cannot be imported; the others go on. The observations of one moment are one
    entry: except for refused rows, counts are of entries.
    """

    table: ClassVar[str]
    columns: ClassVar[frozenset[str]]
    required: ClassVar[tuple[str, ...]]

    def __init__(self, *, actor: Actor, organization: Organization, report: Callable[[str], object]):
        self.actor, self.organization, self.report = actor, organization, report
        self.counts, self.turns = ImportCounts(), WriteTurns()

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
        """Yield the rows that are imported together: by default each one alone."""
        return ([row] for row in rows)

    def prepare(self, cells: list[Cells]) -> None:
        """Lock and fetch what the rows of a chunk need, in the transaction of the chunk."""
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
        with self.turns.turn():
            self.prepare([row.cells for unit in chunk for row in unit])
            for unit in chunk:
                self._import_unit(unit)

    def _import_unit(self, unit: list[Row]) -> None:
        """Import one unit in its own savepoint, and count the result."""
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
        """Return the ids of patients imported from Synthea before, by Synthea's Id."""
        found = PatientIdentifier.objects.filter(
            organization=self.organization, system=IDENTIFIER_SYSTEM, value__in=set(synthea_ids)
        )
        return dict(scope(self.actor, found).values_list("value", "patient_id"))


class ChartTableImport(TableImport):
    """Imports a table of chart entries. The patients' rows are locked once per chunk."""

    patients: dict[str, Patient]

    def prepare(self, cells: list[Cells]) -> None:
        ids = self.known_ids(one["PATIENT"] for one in cells)
        locked = lock_patients(ids.values())
        self.patients = {synthea_id: locked[pk] for synthea_id, pk in ids.items() if pk in locked}

    def patient_of(self, cells: Cells) -> Patient:
        """Return the locked patient of a row."""
        patient = self.patients.get(cells["PATIENT"])
        if patient is None:
            raise RowRefused("PATIENT: has not been imported")
        if patient.deleted_at is not None:
            raise RowRefused("PATIENT: is archived")
        return patient


def reason(error: Exception) -> str:
    """Return why a row was refused, without any value of the row."""
    if isinstance(error, Invalid):
        return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in error.errors.items())
    if isinstance(error, IntegrityError):
        return f"breaks the rule {broken_constraint(error) or 'of a table'}"
    return str(error)
