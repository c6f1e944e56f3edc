"""Import files of patients: the columns of the table and what their cells hold, and the error files written beside them."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from django.utils.translation import gettext as _
from rest_framework.fields import BooleanField, DateField, DateTimeField, DecimalField, Field, IntegerField

from config.core.table_cells import CellFault, CellReader, DateOrder
from config.core.tables import FileRefused, Table, TableRow, UnreadLine
from config.rest.fields import Text
from config.rest.request_body import storable

# As spreadsheets write them in the languages of the platform; fields of booleans read those in English.
TRUTHS = {**dict.fromkeys(("waar", "wahr", "vrai"), True), **dict.fromkeys(("onwaar", "falsch", "faux"), False)}
# Columns of text whose values may be mistaken for numbers or dates. UUIDs are codes, too.
CODES = frozenset({"chart_number", "medicaid_id", "postal_code", "social_security_number"})
# What stands before the columns of the file in a table of its errors.
ERROR_COLUMNS = ("line", "field", "message")
PHONES = frozenset({"emergency_contact_phone", "home_phone", "mobile_phone", "work_phone"})


@dataclass(frozen=True)
class FixedLength:
    """Numbers that always have `digits` digits in some countries, so that those with one or two less have lost zeros."""

    digits: int
    countries: frozenset[str]

    def lacks_zeros(self, text: str, country: str) -> bool:
        """Tell whether `text` is such a number without the zeros that it began with."""
        lengths = (self.digits - 2, self.digits - 1)
        return country.upper() in self.countries and len(text) in lengths and text.isascii() and text.isdigit()


_UNITED_STATES = frozenset({"US", "USA"})
FIXED_LENGTHS = {
    "postal_code": FixedLength(5, _UNITED_STATES),
    "social_security_number": FixedLength(9, _UNITED_STATES | {"NL"}),
}


@dataclass(frozen=True)
class FileRow:
    """A row of a file: its line, its cells, and its values as in a JSON body, or what is wrong with it, by column.

    A fault of the whole row is under "".
    """

    line: int
    cells: list[str]
    values: dict[str, Any]
    faults: Mapping[str, str]


class PatientTable:
    """An open file whose header names `fields`, as an iterable of its rows. Raises FileRefused if the header is wrong.

    Cells of blanks are left out; true, yes and 1 are true. Text is kept verbatim. `country` is the organization's.
    `columns` are given where the header names other things: the field of each column, None for one that is left out.
    """

    def __init__(
        self,
        file: TextIO,
        fields: Mapping[str, Field],
        required: set[str],
        *,
        columns: Sequence[str | None] | None = None,
        date_order: DateOrder | None = None,
        country: str = "",
    ):
        self.fields, self.country, self.table = fields, country, Table(file, fields)
        self.columns: Sequence[str | None] = self.table.header if columns is None else columns
        self._check_columns(required)
        self.cells = CellReader(date_order, decimal_comma=self.table.decimal_comma)
        self.readers = {name: self._reader_of(name) for name in self.columns if name}

    def _check_columns(self, required: set[str]) -> None:
        if unknown := {name for name in self.columns if name and name not in self.fields}:
            told = {"unknown": _listed(unknown), "known": _listed(self.fields)}
            raise FileRefused(_("there are no such columns: %(unknown)s. Known are: %(known)s") % told)
        if missing := required - set(self.columns):
            raise FileRefused(_("columns are missing: %(columns)s") % {"columns": _listed(missing)})

    def _reader_of(self, name: str) -> Callable[[str], str]:
        field = self.fields[name]
        if name in CODES or name.endswith("uuid"):
            return self.cells.code
        if name in PHONES:
            return self.cells.phone
        if isinstance(field, DateTimeField):
            return self.cells.moment
        if isinstance(field, DateField):
            return self.cells.day
        return self.cells.number if isinstance(field, (DecimalField, IntegerField)) else self.cells.text

    def __iter__(self) -> Iterator[FileRow]:
        return map(self.read, self.table)

    def read(self, row: TableRow | UnreadLine) -> FileRow:
        """Return a row of the table with its values, or with what is wrong with it."""
        if isinstance(row, UnreadLine):
            return FileRow(row.line, [row.text], {}, {"": row.fault})
        if row.fault:
            return FileRow(row.line, row.cells, {}, {"": row.fault})
        return self._row(row.line, row.cells)

    def _row(self, line: int, cells: list[str]) -> FileRow:
        named = list(zip(self.columns, cells, strict=True))
        for number, (name, text) in enumerate(named, 1):
            if name == "" and text.strip():
                fault = _("has a cell in column %(number)s, which has no name") % {"number": number}
                return FileRow(line, cells, {}, {"": fault})
        filled = {name: text for name, text in named if name and text.strip()}
        values, faults = {}, {}
        for name, text in filled.items():
            try:
                values[name] = self._value(name, text, filled.get("country") or self.country)
            except CellFault as error:
                faults[name] = str(error)
        return FileRow(line, cells, values, faults)

    def _value(self, name: str, text: str, country: str) -> Any:
        if not storable(text):
            raise CellFault(self.table.encoding_fault)
        read = self.readers[name](text)
        if name in FIXED_LENGTHS and FIXED_LENGTHS[name].lacks_zeros(read.strip(), country.strip()):
            fault = _(
                "has fewer than %(digits)s digits, as if a spreadsheet had cut zeros at its beginning: "
                "format the column as text and write them"
            )
            raise CellFault(fault % {"digits": FIXED_LENGTHS[name].digits})
        return value_of(self.fields[name], read)


def value_of(field: Field, text: str) -> Any:
    """Return a cell as a JSON value. What does not parse stays text, and fails validation later."""
    if isinstance(field, Text):
        return text
    bare = text.strip()
    return TRUTHS.get(bare.lower(), bare) if isinstance(field, BooleanField) else bare


class ErrorRows:
    """Writes a table with line, field and message of each error, and the original row, with the separator of `table`."""

    def __init__(self, file: TextIO, table: Table):
        self.writer = csv.writer(file, delimiter=table.separator)
        self.writer.writerow([*ERROR_COLUMNS, *table.titles])

    def write(self, row: FileRow, field: str, message: str) -> None:
        """Add one error of a row."""
        self.writer.writerow([row.line, field, message, *row.cells])


class ErrorFile:
    """The table of errors beside the imported one.

    Its encoding and separator are those of `table`. It is created when the first row fails; the file of an earlier import is
    deleted at the start.
    """

    def __init__(self, imported: Path, table: Table):
        self.path, self.table = imported.with_suffix(".errors.csv"), table
        self.file: TextIO | None = None
        self.rows: ErrorRows | None = None

    def __enter__(self) -> "ErrorFile":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.file:
            self.file.close()

    def write(self, row: FileRow, field: str, message: str) -> None:
        """Add one error of a row."""
        if self.rows is None:
            self.file = self._create()
            self.rows = ErrorRows(self.file, self.table)
        self.rows.write(row, field, message)

    def _create(self) -> TextIO:
        # It contains patient data: only its owner may read it.
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return os.fdopen(handle, "w", encoding=self.table.encoding, errors=encoding_errors(self.table), newline="")


def encoding_errors(table: Table) -> str:
    """Return how what the encoding of `table` cannot say is written in a table of its errors."""
    # In other encodings than Unicode's a message may have characters that are not there.
    return str(table.file.errors) if table.encoding.startswith("utf") else "backslashreplace"


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
