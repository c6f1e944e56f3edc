"""Import files of patients: the columns of the table and what their cells hold, and the error files written beside them."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from rest_framework.fields import BooleanField, DateField, DateTimeField, DecimalField, Field, IntegerField

from config.core.table_cells import CellFault, CellReader, DateOrder
from config.core.tables import FileRefused, Table, UnreadLine
from config.rest.fields import Text
from config.rest.request_body import storable

# As spreadsheets write them in the languages of the platform; fields of booleans read those in English.
TRUTHS = {**dict.fromkeys(("waar", "wahr", "vrai"), True), **dict.fromkeys(("onwaar", "falsch", "faux"), False)}
# Columns of text whose values may be mistaken for numbers or dates. UUIDs are codes, too.
CODES = frozenset({"chart_number", "medicaid_id", "postal_code", "social_security_number"})
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
    """

    def __init__(
        self,
        file: TextIO,
        fields: Mapping[str, Field],
        required: set[str],
        *,
        date_order: DateOrder | None = None,
        country: str = "",
    ):
        self.fields, self.country, self.table = fields, country, Table(file, fields)
        self._check_header(required)
        self.cells = CellReader(date_order, decimal_comma=self.table.decimal_comma)
        self.readers = {name: self._reader_of(name) for name in self.table.header if name}

    def _check_header(self, required: set[str]) -> None:
        header = self.table.header
        if unknown := set(header) - {*self.fields, ""}:
            raise FileRefused(f"there are no such columns: {_listed(unknown)}. Known are: {_listed(self.fields)}")
        if missing := required - set(header):
            raise FileRefused(f"columns are missing: {_listed(missing)}")

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
        for row in self.table:
            if isinstance(row, UnreadLine):
                yield FileRow(row.line, [row.text], {}, {"": row.fault})
            elif row.fault:
                yield FileRow(row.line, row.cells, {}, {"": row.fault})
            else:
                yield self._row(row.line, row.cells)

    def _row(self, line: int, cells: list[str]) -> FileRow:
        named = list(zip(self.table.header, cells, strict=True))
        for number, (name, text) in enumerate(named, 1):
            if not name and text.strip():
                return FileRow(line, cells, {}, {"": f"has a cell in column {number}, which has no name"})
        filled = {name: text for name, text in named if text.strip()}
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
            raise CellFault(
                f"has less than {FIXED_LENGTHS[name].digits} digits, as if a spreadsheet had cut zeros at its beginning: "
                "format the column as text and write them"
            )
        return value_of(self.fields[name], read)


def value_of(field: Field, text: str) -> Any:
    """Return a cell as a JSON value. What does not parse stays text, and fails validation later."""
    if isinstance(field, Text):
        return text
    bare = text.strip()
    return TRUTHS.get(bare.lower(), bare) if isinstance(field, BooleanField) else bare


class ErrorFile:
    """A table beside the imported one, with line, field and message of each error, and the original row.

    Its encoding and separator are those of `table`. It is created when the first row fails; the file of an earlier import is
    deleted at the start.
    """

    def __init__(self, imported: Path, table: Table):
        self.path, self.table = imported.with_suffix(".errors.csv"), table
        self.file: TextIO | None = None
        self.writer: Any = None

    def __enter__(self) -> "ErrorFile":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.file:
            self.file.close()

    def write(self, row: FileRow, field: str, message: str) -> None:
        """Add one error of a row."""
        if self.file is None:
            self.file = self._create()
            self.writer = csv.writer(self.file, delimiter=self.table.separator)
            self.writer.writerow(["line", "field", "message", *self.table.header])
        self.writer.writerow([row.line, field, message, *row.cells])

    def _create(self) -> TextIO:
        # It contains patient data: only its owner may read it.
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # In other encodings than Unicode's a message may have characters that are not there.
        errors = self.table.file.errors if self.table.encoding.startswith("utf") else "backslashreplace"
        return os.fdopen(handle, "w", encoding=self.table.encoding, errors=errors, newline="")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
