"""Rows of reports as CSV and NDJSON, a chunk at a time."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from config.rest.rendering import to_json

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a cell begins with that a spreadsheet takes for more than text."""


def defused(value: Any) -> Any:
    """Return a cell that no spreadsheet runs: text that begins like a formula gets an apostrophe before it; numbers stay."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_chunks(columns: Sequence[str], chunks: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """Yield the header, then each chunk of rows, quoted as RFC 4180 has it."""
    yield _lines([columns])
    for rows in chunks:
        yield _lines([[defused(row[name]) for name in columns] for row in rows])


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def ndjson_chunks(columns: Sequence[str], chunks: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """Yield each chunk of rows, one JSON object a line."""
    for rows in chunks:
        yield b"".join(to_json(row) + b"\n" for row in rows)
