"""Shared by all Synthea tables: reading rows and cells, chunks, and counting results."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.bulk_writes import WriteTurns
from config.core.databases import broken_constraint
from config.core.exceptions import DomainError, Invalid
from config.core.table_cells import CellFault, CellReader, DateOrder
from config.core.tables import FileRefused, Table, TableRow, UnreadLine, legible
from config.core.text import is_blank
from patients.models import Patient, PatientIdentifier
from patients.services.locking import lock_patients

IDENTIFIER_SYSTEM = "urn:synthea:patient"
# Units per transaction: on SQLite everybody else waits for its end.
CHUNK = 50

Cells = dict[str, str]


class RowRefused(Exception):
    """A row that cannot be imported. The message names the column and the rule, never the value."""


class Row(NamedTuple):
    """A row of a file: the line it begins on, and its cells by column."""

    line: int
    cells: Cells


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
        return datetime.date.fromisoformat(text[:10] if text[10:11] in ("T", " ") else text) if text else None
    except ValueError as error:
        raise RowRefused(f"{column}: is not a date") from error


def moment(cells: Cells, column: str, zone: ZoneInfo) -> datetime.datetime:
    """Return the moment in a cell in the time zone `zone`. Without an offset, which spreadsheets drop, it is in UTC."""
    try:
        written = datetime.datetime.fromisoformat(cells[column])
        return (written if written.tzinfo else written.replace(tzinfo=datetime.UTC)).astimezone(zone)
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
    """Counts of what an import has done so far.

    `left_out` counts by code the rows that the record has no column for, `uncoded` the entries without their code, as the
    system of it is not known.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    uncoded: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


class TableImport:
    """Imports the rows of one table into an organization.

    `report(text)` is called for every row that cannot be imported; the others go on. The observations of one moment are one
    entry: except for refused rows, counts are of entries.
    """

    table: ClassVar[str]
    columns: ClassVar[frozenset[str]]
    """The columns that are read where they are there. Versions of Synthea differ in which of them they write."""
    required: ClassVar[tuple[str, ...]]
    """The columns in which every row has a value."""
    needed: ClassVar[tuple[str, ...]] = ()
    """Further columns that the header must name."""
    codes: ClassVar[frozenset[str]] = frozenset()
    days: ClassVar[frozenset[str]] = frozenset()
    moments: ClassVar[frozenset[str]] = frozenset()
    """The columns of codes, of days, and of days that may have a time; the others are text."""

    def __init__(
        self,
        *,
        actor: Actor,
        organization: Organization,
        report: Callable[[str], object],
        date_order: DateOrder | None = None,
    ):
        self.actor, self.organization, self.report, self.date_order = actor, organization, report, date_order
        self.counts, self.turns = ImportCounts(), WriteTurns()

    @property
    def file_name(self) -> str:
        """The name of the table's file."""
        return f"{self.table}.csv"

    def check_header(self, table: Table) -> None:
        """Raise FileRefused if the table lacks a column without which none of its rows can be imported."""
        if missing := {*self.required, *self.needed} - set(table.header):
            raise FileRefused(f"the columns {', '.join(sorted(missing))} are missing")

    def run(self, table: Table) -> Iterator[ImportCounts]:
        """Import the rows of a table, committing every CHUNK units of them; yields the counts after each."""
        self.header = table.header
        self.cells = CellReader(self.date_order, decimal_comma=table.decimal_comma)
        self.readers = {column: self._reader_of(column) for column in self.columns}
        units = self.units(self._good_rows(table))
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

    def _good_rows(self, table: Table) -> Iterator[Row]:
        for row in table:
            self.counts.rows += 1
            if isinstance(row, UnreadLine):
                self._refuse_line(row)
                continue
            try:
                yield Row(row.line, self._cells(row, table))
            except RowRefused as error:
                self.refuse_row(row.line, str(error))

    def _refuse_line(self, line: UnreadLine) -> None:
        """Count a line that cannot be read; the first of those that are unreadable together speaks for all."""
        if line.begins:
            self.refuse_row(line.line, line.fault)
        else:
            self.counts.refused += 1

    def _cells(self, row: TableRow, table: Table) -> Cells:
        """Return the cells of the columns that are read, "" in those that are not there. Raises RowRefused."""
        if row.fault:
            raise RowRefused(row.fault)
        cells = dict.fromkeys(self.columns, "")
        for column, text in zip(table.header, row.cells, strict=True):
            if not legible(text):
                raise RowRefused(f"{column}: holds control characters or is not {table.encoding_name}")
            if column in self.readers and text.strip():
                cells[column] = self._read(column, text)
        for column in self.required:
            if is_blank(cells[column]):
                raise RowRefused(f"{column}: is empty")
        return cells

    def _read(self, column: str, text: str) -> str:
        try:
            return self.readers[column](text).strip()
        except CellFault as error:
            raise RowRefused(f"{column}: {error}") from error

    def _reader_of(self, column: str) -> Callable[[str], str]:
        if column in self.codes:
            return self.cells.code
        if column in self.days:
            return self.cells.day
        return self.cells.moment if column in self.moments else self.cells.text

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

    codes = frozenset({"PATIENT", "CODE"})
    moments = frozenset({"START", "STOP", "DATE"})

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
