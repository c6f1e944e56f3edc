"""Tables as spreadsheets and other programs save them: text whose cells are separated by commas, semicolons, tabs or pipes.

A table is read row by row, whatever its length. What programs add to it is taken off: a byte order mark, a line `sep=;`, blank
lines, rows of empty cells, empty columns at the end, a closing Ctrl-Z; and the header and the mark of a file that was put behind
another one. A row with a cell less or more than the header is faulty.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _

# The first of those that name as many columns is taken.
SEPARATORS = ",;\t|"

# How files begin that are no tables.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;|\t]*\s*', re.IGNORECASE)
_NOTHING = re.compile(r'[\s,;|"\ufeff]*')
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_CTRL_Z = "\x1a"


class FileRefused(Exception):
    """A file that cannot be read at all. The message says why."""


@dataclass(frozen=True)
class TableRow:
    """A row: the line on which it begins, its cells in the order of the header, and what is wrong with their number, or ""."""

    line: int
    cells: list[str]
    fault: str = ""


@dataclass(frozen=True)
class UnreadLine:
    """A line that is not readable as part of a table, and why; `begins` on the first of those that are unreadable together."""

    line: int
    text: str
    fault: str
    begins: bool


class Table:
    """An open file with a header, and an iterable of its TableRows and UnreadLines. Raises FileRefused without a header.

    `known` are the names of the columns that the reader knows. In the header they may be written in any case, with blanks around
    them, and with blanks or hyphens for underscores. By them the separator is found, unless the file names it. `header` has these
    names, `titles` what the file has for them.
    """

    unread_from: int | None = None
    """The line from which on nothing was read, once the table has been read to its end."""

    def __init__(self, file: TextIO, known: Collection[str]):
        self.file, self.encoding = file, file.encoding
        self._lines = _Lines(file)
        self._known = {_header_key(name): name for name in known}
        try:
            self.separator, self.header = self._read_header()
        except csv.Error as error:
            raise FileRefused(_("the header cannot be read as CSV (%(error)s)") % {"error": error}) from error

    def _read_header(self) -> tuple[str, list[str]]:
        first, separator = self._lines.next_filled(), None
        if found := _SEPARATOR_LINE.fullmatch(first):
            first, separator = self._lines.next_filled(), found[1]
        if separator not in (None, *SEPARATORS):
            raise FileRefused(_("its first line names a separator that is none of comma, semicolon, tab and pipe"))
        separator = separator or _separator_of(first, self._known)
        self._lines.put_back(first)
        self._reader = csv.reader(self._lines, delimiter=separator, strict=True)
        cells = next(self._reader, [])
        header = self._names(cells)
        self._check(header)
        self.titles = [cell.strip() for cell in cells[: len(header)]]
        return separator, header

    def _names(self, cells: list[str]) -> list[str]:
        """Return the names of columns that cells are, known ones as they are known, up to the last that is not empty."""
        names = [self._name(cell) for cell in cells]
        while names and not names[-1]:
            names.pop()
        return names

    def _name(self, cell: str) -> str:
        return self._known.get(_header_key(cell), cell.strip())

    def _check(self, header: list[str]) -> None:
        if self._lines.undecodable:
            raise FileRefused(_("it is not %(encoding)s text") % {"encoding": self.encoding_name})
        if not header:
            raise FileRefused(_("it is empty: its first line must name the columns"))
        if not all(map(legible, header)):
            raise FileRefused(_("the header %(fault)s") % {"fault": self.encoding_fault})
        if twice := {name for name in header if name and header.count(name) > 1}:
            raise FileRefused(_("columns are named more than once: %(names)s") % {"names": ", ".join(sorted(twice))})

    @property
    def encoding_name(self) -> str:
        """The encoding as people call it."""
        return self.encoding.removesuffix("-sig").upper()

    @property
    def encoding_fault(self) -> str:
        """What is wrong with bytes that are no text, and what to do about it: the end of a sentence."""
        fault = _(
            "is not %(encoding)s text: save the file as CSV in UTF-8, or name its encoding "
            "(windows-1252 is the one of older spreadsheets)"
        )
        return fault % {"encoding": self.encoding_name}

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers have a comma before their decimals: for this reason semicolons separate the cells."""
        return self.separator == ";"

    def __iter__(self) -> Iterator[TableRow | UnreadLine]:
        while self.unread_from is None:
            line = self._lines.begin_row()
            try:
                cells = next(self._reader)
            except StopIteration:
                yield from self._undecodable(line)
                return
            except csv.Error as error:
                yield from self._unreadable(line, error)
            else:
                if any(cell.strip() for cell in cells) and not self._is_header(cells):
                    yield from self._row(line, cells)

    def _is_header(self, cells: list[str]) -> bool:
        # The first name alone settles it for nearly all rows.
        return self._name(cells[0]) == self.header[0] and self._names(cells) == self.header

    def _row(self, line: int, cells: list[str]) -> Iterator[TableRow | UnreadLine]:
        width = len(self.header)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) == width:
            yield TableRow(line, cells)
            return
        told = {"cells": len(cells), "width": width, "first": line, "last": self._lines.number}
        if len(self._lines.of_row) > 1:
            # A quote that is closed in a later row has made one of several.
            fault = _(
                "lines %(first)s to %(last)s are not read: quotes make them one row, "
                "which has %(cells)s cells where the header has %(width)s"
            )
            yield from self._unread(line, fault % told)
        else:
            yield TableRow(line, cells, _("has %(cells)s cells where the header has %(width)s") % told)

    def _undecodable(self, line: int) -> Iterator[UnreadLine]:
        if self._lines.undecodable:
            self.unread_from = line
            fault = _("not read: from here on the file is not %(encoding)s text") % {"encoding": self.encoding_name}
            yield UnreadLine(line, "", fault, begins=True)

    def _unreadable(self, line: int, error: csv.Error) -> Iterator[UnreadLine]:
        """Yield the lines of a row that cannot be taken apart; all lines to the end where its last quote is not closed."""
        read = "".join(self._lines.of_row)
        # The row may be as long as it is because a quote is open: no later line can be trusted to begin a row.
        too_long = len(read) > csv.field_size_limit() and read.count('"') % 2
        told = {"error": error, "first": line, "last": self._lines.number}
        fault = _("not readable as CSV (%(error)s)") % told
        if self._lines.ended or too_long:
            self.unread_from = line
            fault = _("not read: a quote is opened in the row on line %(first)s and never closed") % told
        elif len(self._lines.of_row) > 1:
            fault = _("lines %(first)s to %(last)s are not read: not readable as CSV (%(error)s)") % told
        yield from self._unread(line, fault)
        if too_long:
            for text in self._lines.rest():
                yield UnreadLine(self._lines.number, text.rstrip("\r\n"), fault, begins=False)

    def _unread(self, line: int, fault: str) -> Iterator[UnreadLine]:
        """Yield the lines of the row that begins on `line`."""
        for number, text in enumerate(self._lines.of_row, line):
            yield UnreadLine(number, text.rstrip("\r\n"), fault, begins=number == line)


class _Lines:
    """The lines of a file, with their line ends. `of_row` are those that were read since the row began, `number` is the last."""

    def __init__(self, file: TextIO):
        self._source = _before_ctrl_z(file)
        self._again: list[str] = []
        self.of_row: list[str] = []
        self.number = 0
        self.ended = self.undecodable = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._next()
        self.of_row.append(line if self.of_row else line.lstrip("\ufeff"))
        return self.of_row[-1]

    def _next(self) -> str:
        try:
            line = self._again.pop() if self._again else next(self._source, None)
        except UnicodeError:
            # UTF-16 that breaks off in the middle of a character.
            line, self.undecodable = None, True
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        return line

    def rest(self) -> Iterator[str]:
        """Yield the lines that follow, of which none is kept."""
        while not self.ended:
            try:
                line = self._next()
            except StopIteration:
                return
            yield line

    def begin_row(self) -> int:
        """Forget the lines of the row before, and return the number of the line that comes next."""
        self.of_row.clear()
        return self.number + 1

    def next_filled(self) -> str:
        """Return the next line on which there is anything, "" at the end."""
        return next((line for line in self.rest() if not _NOTHING.fullmatch(line)), "").lstrip("\ufeff")

    def put_back(self, line: str) -> None:
        """Let `line`, the last one, be the next one again."""
        if line:
            self._again.append(line)
            self.number -= 1


def _before_ctrl_z(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file, the last one without the Ctrl-Z that once marked the end of a text."""
    last = ""
    for line in file:
        if last:
            yield last
        last = line
    if last.rstrip().endswith(_CTRL_Z):
        last = last.rstrip().rstrip(_CTRL_Z)
    if last:
        yield last


def _header_key(name: str) -> str:
    """Return what is the same in all the ways to write the name of a column."""
    return re.sub(r"[\s_-]+", "_", _INVISIBLE.sub("", name).strip()).casefold()


def _separator_of(line: str, known: Collection[str]) -> str:
    """Return the separator by which the most names on a line are `known`, or else are there at all."""

    def named(separator: str) -> tuple[int, int]:
        names = next(csv.reader([line], delimiter=separator), [])
        return sum(_header_key(name) in known for name in names), len(names)

    return max(SEPARATORS, key=named)


def legible(text: str) -> bool:
    """Tell whether `text` has neither control characters nor bytes that could not be decoded."""
    return text.isprintable() or not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def open_table(path: Path, encoding: str | None = None) -> TextIO:
    """Open a table in `encoding`, or else in UTF-8 or UTF-16. Raises FileRefused.

    What cannot be decoded becomes surrogates, so that only its own row is faulty.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileRefused(str(error.strerror)) from error
    return read_table(file, encoding)


def read_table(file: BufferedReader, encoding: str | None = None) -> TextIO:
    """Return an open file of bytes as a table, as `open_table` does. Raises FileRefused, and closes the file then."""
    try:
        chosen = encoding or _encoding_of(file.peek(4)[:4])
        errors = "surrogatepass" if chosen.startswith("utf-16") else "surrogateescape"
        return TextIOWrapper(file, encoding=chosen, errors=errors, newline="")
    except BaseException:
        file.close()
        raise


def _encoding_of(begin: bytes) -> str:
    if begin in _WORKBOOKS:
        raise FileRefused(_("it is a workbook of a spreadsheet program, not a table: save it as CSV in UTF-8"))
    for mark, encoding in _MARKS.items():
        if begin.startswith(mark):
            return encoding
    # UTF-16 without a mark: a header begins with a letter of ASCII, of which it makes two bytes.
    if len(begin) > 1 and (begin[0] == 0) != (begin[1] == 0):
        return "utf-16-le" if begin[0] else "utf-16-be"
    return "utf-8"


def text_encoding(name: str) -> str:
    """Return the name that Python has for an encoding. Raises ValueError if there is no encoding of text with this name."""
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise ValueError(f"there is no encoding called {name}") from error
