"""Writing report rows as CSV, NDJSON and Parquet, chunk by chunk, and files that are complete or absent.

`kinds` maps the columns of a report, in order, to their type: int or str.
"""

import codecs
import csv
import errno
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from config.core.exceptions import Unavailable
from config.rest.responses import to_json


@dataclass(frozen=True)
class Lines:
    """Rows of a report that are written already, in the format that they are for."""

    text: bytes
    number: int

    def __len__(self) -> int:
        return self.number


Kinds = Mapping[str, type]
Rows = list[dict[str, Any]] | Lines
Chunks = Iterable[Rows]
# Those formats that leave as streams.
MEDIA_TYPES: Mapping[str, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
# How a report that breaks off ends: with what no reader takes for a row, in CSV one cell more than there are columns.
FAILURE_TRAILERS: Mapping[str, Callable[[Kinds, Any], bytes]] = {
    "csv": lambda kinds, error: f'"{Unavailable.message}"{"," * len(kinds)}\r\n'.encode(),
    "ndjson": lambda kinds, error: to_json(error) + b"\n",
}

# Regular expressions that Python and PostgreSQL read alike: `exports/lines.py` has them too.
NUMBER = r"-?[0-9]+(\.[0-9]+)?"
# Characters that begin a formula.
FORMULA_SIGNS = r"=+\-@|%＝＋－＠"
# Characters that a spreadsheet may skip before a formula: blanks, controls, zero-width marks, its own quote.
_UNSEEN = (
    r'["\u0000-\u0008\u000b\u000c\u000e-\u0020\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f'
    r"\u3000\ufeff]"
)
# Positions where a spreadsheet may see the beginning of a formula: at the start, or after a separator of some locale.
FORMULA = rf"^(?=[\t\r\n\u0000])|(?<![^;\t\r\n])(?={_UNSEEN}*[{FORMULA_SIGNS}])"
_NUMBER, _FORMULA = re.compile(NUMBER), re.compile(FORMULA)


def defused(value: Any) -> Any:
    """Return a cell that no spreadsheet evaluates: an apostrophe is put before formulas, but not before numbers."""
    if not isinstance(value, str):
        return value
    # A fast path: nearly every cell begins with a letter or a digit and is a single line.
    if value[:1].isalnum() and ";" not in value and value.isprintable():
        return value
    return value if _NUMBER.fullmatch(value) else _FORMULA.sub("'", value)


def csv_chunks(kinds: Kinds, chunks: Chunks) -> Iterator[bytes]:
    """Yield the header, then each chunk of rows, quoted as in RFC 4180."""
    yield _lines([kinds])
    for rows in chunks:
        yield rows.text if isinstance(rows, Lines) else _lines([[defused(row[name]) for name in kinds] for row in rows])


def marked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file in UTF-8 behind a byte order mark, without which Excel reads CSV in its local encoding."""
    for number, part in enumerate(parts):
        yield part if number else codecs.BOM_UTF8 + part


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def ndjson_chunks(kinds: Kinds, chunks: Chunks) -> Iterator[bytes]:
    """Yield each chunk of rows, one JSON object per line."""
    for rows in chunks:
        yield rows.text if isinstance(rows, Lines) else b"".join(to_json(row) + b"\n" for row in rows)


def parquet_chunks(kinds: Kinds, chunks: Chunks) -> Iterator[bytes]:
    """Yield a Parquet file with a row group per chunk, none of them of Lines. Needs the extra `parquet`."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    shape = pyarrow.schema([(name, pyarrow.int64() if kind is int else pyarrow.string()) for name, kind in kinds.items()])
    sink = _Sink()
    with ParquetWriter(sink, shape) as file:
        for rows in cast(Iterable[list[dict[str, Any]]], chunks):
            cells = {name: [_held(row[name], kind) for row in rows] for name, kind in kinds.items()}
            file.write_table(pyarrow.table(cells, schema=shape))
            yield sink.taken()
    yield sink.taken()


def _held(value: Any, kind: type) -> Any:
    return None if value is None else kind(value)


class _Sink(io.RawIOBase):
    """A buffer: keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._kept += data
        return len(data)

    def taken(self) -> bytes:
        kept, self._kept = bytes(self._kept), bytearray()
        return kept


FORMATS: Mapping[str, Callable[[Kinds, Chunks], Iterator[bytes]]] = {
    "csv": csv_chunks,
    "ndjson": ndjson_chunks,
    "parquet": parquet_chunks,
}


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` if the block succeeds, and leaves nothing behind if it fails.

    Only its owner may read it. If `path` is a link, its target is replaced. Raises OSError unless it is a file.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "Not a regular file")
    place = Path(os.path.realpath(path))
    descriptor, beside = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except BaseException:
        os.unlink(beside)
        raise
