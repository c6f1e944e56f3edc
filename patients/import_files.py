"""Import files: CSV tables of patients, and the error files written beside them."""

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from rest_framework.fields import BooleanField, Field, IntegerField

from config.rest.fields import Text
from config.rest.request_body import storable

TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# The byte order marks of UTF-16, which spreadsheets call "Unicode text".
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class FileRefused(Exception):
    """A file that cannot be read at all. The message says why."""


@dataclass(frozen=True)
class FileRow:
    """A row of a file: its first line, its cells, and its values as in a JSON body, or why it is unreadable."""

    line: int
    cells: list[str]
    values: dict[str, Any] | None = None
    unreadable: str = ""


class PatientTable:
    """An open CSV file whose header names `fields`. Raises FileRefused if the header is wrong.

    Empty cells and empty lines are skipped; true, yes and 1 are true. Text is kept verbatim.
    """

    def __init__(self, file: TextIO, fields: Mapping[str, Field], required: set[str]):
        self.fields, self.file = fields, file
        self.reader = csv.reader(file, strict=True)
        try:
            self.header = next(self.reader, [])
        except csv.Error as error:
            raise FileRefused(f"the header cannot be read as CSV ({error})") from error
        self._check_header(required)

    def _check_header(self, required: set[str]) -> None:
        if not any(self.header):
            raise FileRefused("the file is empty, or its first line is: it must name the columns")
        if not all(map(storable, self.header)):
            raise FileRefused("the header is not UTF-8 text: save the file as CSV in UTF-8")
        if twice := {name for name in self.header if self.header.count(name) > 1}:
            raise FileRefused(f"columns are named more than once: {_listed(twice)}")
        if unknown := set(self.header) - set(self.fields):
            raise FileRefused(f"there are no such columns: {_listed(unknown)}. Known are: {_listed(self.fields)}")
        if missing := required - set(self.header):
            raise FileRefused(f"columns are missing: {_listed(missing)}")

    def __iter__(self) -> Iterator[FileRow]:
        while True:
            line, cells = self.reader.line_num + 1, []
            try:
                cells = next(self.reader)
                if any(cells):
                    yield self._row(line, cells)
            except StopIteration:
                return
            except csv.Error as error:
                yield FileRow(line, cells, unreadable=f"not readable as CSV ({error})")

    def _row(self, line: int, cells: list[str]) -> FileRow:
        if len(cells) != len(self.header):
            return FileRow(line, cells, unreadable=f"has {len(cells)} cells where the header has {len(self.header)}")
        for name, text in zip(self.header, cells, strict=True):
            if not storable(text):
                return FileRow(line, cells, unreadable=f"{name} is not UTF-8 text")
        pairs = zip(self.header, cells, strict=True)
        return FileRow(line, cells, {name: value_of(self.fields[name], text) for name, text in pairs if text})


def value_of(field: Field, text: str) -> Any:
    """Return a cell as a JSON value. What does not parse stays text, and fails validation later."""
    if isinstance(field, Text):
        return text
    bare = text.strip()
    if isinstance(field, BooleanField):
        return TRUTHS.get(bare.lower(), bare)
    if isinstance(field, IntegerField) and re.fullmatch(r"-?\d{1,18}", bare, re.ASCII):
        return int(bare)
    return bare


def open_table(path: Path) -> TextIO:
    """Open a CSV file. Bytes that are not UTF-8 become surrogates, so that only their own row fails."""
    try:
        with path.open("rb") as file:
            if file.read(2) in _WIDE:
                raise FileRefused("the file is UTF-16: save it as CSV in UTF-8")
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise FileRefused(str(error.strerror)) from error


class ErrorFile:
    """A CSV file beside the imported one, with line, field and message of each error, and the original row.

    It is created when the first row fails; the file of an earlier import is deleted at the start.
    """

    def __init__(self, imported: Path, header: list[str]):
        self.path, self.header = imported.with_suffix(".errors.csv"), header
        self.file: TextIO | None = None

    def __enter__(self) -> "ErrorFile":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.file:
            self.file.close()

    def write(self, row: FileRow, field: str, message: str) -> None:
        """Add one error of a row."""
        if self.file is None:
            # It contains patient data: only its owner may read it.
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self.file = os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="")
            csv.writer(self.file).writerow(["line", "field", "message", *self.header])
        csv.writer(self.file).writerow([row.line, field, message, *row.cells])


def _listed(names: Any) -> str:
    return ", ".join(sorted(name or "(no name)" for name in names))
