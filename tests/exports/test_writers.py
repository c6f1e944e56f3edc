"""What becomes of cells on their way into CSV, NDJSON and Parquet, and of a file that is not finished."""

import csv
import datetime
import io
import json
import os
import uuid

import pytest
from pyarrow.parquet import ParquetFile

from exports.writers import FORMATS, csv_chunks, defused, ndjson_chunks, parquet_chunks, whole_file

RUN = (
    "=1+1",
    '=HYPERLINK("http://evil.example","Click")',
    "+1+cmd",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\0=1",
    " =1+1",
    "\u00a0=1",
    "|calc",
    "%0A",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM",
    "-",
    "+",
    "+31612345678",
    "--5",
    "-5,2",
    "-1e5",
    "-5.2\n",
    "-٥",
    "\tplain",
    "\rplain",
    "\0plain",
    "\u200b=1",
    "\ufeff=1",
    "\u2060 -1+1",
    "\x1b\x7f\x85\u202e@SUM",
    '"=1',
)
# What a spreadsheet would run behind a place where it may begin another cell, and what becomes of it.
APART = {
    "x;=1+1": "x;'=1+1",
    "x\t=1+1": "x\t'=1+1",
    "x\n-1+cmd": "x\n'-1+cmd",
    "x\r\n@SUM(A1)": "x\r\n'@SUM(A1)",
    ";=1": ";'=1",
    "é; \u00a0=1": "é;' \u00a0=1",
    "x;\u200b\ufeff\0=1": "x;'\u200b\ufeff\0=1",
    "x; ;+1;2": "x; ;'+1;2",
    "1;-5": "1;'-5",
    'x;"=1+1;"': 'x;\'"=1+1;"',
    "x\n\n=1;＝2": "x\n\n'=1;'＝2",
    "=1;=2": "'=1;'=2",
    "\t=1": "'\t'=1",
    "\r=1": "'\r'=1",
    "\n=1": "'\n'=1",
    " \t=1": " \t'=1",
}
STAY = (
    "",
    "-5.2",
    "-5",
    "5.2",
    "0",
    "Ann",
    "O'Brien",
    "a=b",
    "1+1",
    'say "hi"',
    "a,b",
    "a\nb",
    " plain",
    "'=1",
    "日本",
    "-5.20",
    "a;b=c",
    "a; b",
    "a\tb\r\nc",
    "2024-05-02 14:46:11",
    "ann@example.org; lee@example.org",
    ";",
    "\u200bplain",
    "a\u200b=1",
)
EVERY = (*RUN, *APART, *STAY)


@pytest.mark.parametrize("text", RUN, ids=repr)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", APART, ids=repr)
def test_what_would_run_in_a_cell_of_its_own_gets_one_where_that_begins(text):
    assert defused(text) == APART[text]


@pytest.mark.parametrize("value", [*STAY, -5, -5.2, None, datetime.date(2024, 2, 29)], ids=repr)
def test_numbers_and_plain_text_stay(value):
    assert defused(value) == value


def test_csv_is_read_back_as_it_was_but_for_the_apostrophes():
    rows = [{"text": text, "number": -number} for number, text in enumerate(EVERY)]
    content = b"".join(csv_chunks({"text": str, "number": int}, [rows[:7], rows[7:]]))
    read = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert read[0] == ["text", "number"]
    assert read[1:] == [[defused(row["text"]), str(row["number"])] for row in rows]
    assert content.startswith(b"text,number\r\n")


def test_ndjson_is_one_object_a_line_as_it_is():
    rows = [{"text": text} for text in EVERY]
    lines = b"".join(ndjson_chunks({"text": str}, [rows])).split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == rows
    assert lines[-1] == b""


def test_parquet_keeps_text_as_it_is_with_typed_columns_and_a_row_group_a_chunk():
    marked = uuid.uuid4()
    rows = [{"text": text, "number": 2**40 + number} for number, text in enumerate(EVERY)]
    rows += [{"text": None, "number": None}, {"text": marked, "number": -1}, {"text": datetime.date(2024, 2, 29), "number": 0}]
    file = ParquetFile(io.BytesIO(b"".join(parquet_chunks({"text": str, "number": int}, [rows[:5], rows[5:]]))))
    assert {column.name: str(column.type) for column in file.schema_arrow} == {"text": "string", "number": "int64"}
    assert [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)] == [5, len(rows) - 5]
    shown = [{**row, "text": row["text"] and str(row["text"])} for row in rows]
    assert file.read().to_pylist() == shown


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_without_rows_is_a_file_that_can_be_read(form):
    content = b"".join(FORMATS[form]({"text": str, "number": int}, []))
    empty = {"csv": b"text,number\r\n", "ndjson": b""}
    if form in empty:
        assert content == empty[form]
    else:
        assert ParquetFile(io.BytesIO(content)).read().column_names == ["text", "number"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_chunk_leaves_before_the_next_one_is_fetched(form):
    """However many chunks there are, one is held: what is written of it has left when the next is asked for."""
    left, fetched, size = 0, 0, 200 * 16

    def chunks():
        nonlocal fetched
        for fetched in range(20):
            assert left >= fetched * size
            yield [{"text": str(uuid.uuid4())} for _ in range(200)]

    for part in FORMATS[form]({"text": str}, chunks()):
        left += len(part)
    assert fetched == 19


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "report.csv"
    path.write_bytes(b"before")
    with whole_file(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_is_not_finished_leaves_nothing(tmp_path, error):
    path = tmp_path / "report.csv"
    path.write_bytes(b"before")
    with pytest.raises(error), whole_file(path) as file:
        raise error(file.write(b"half"))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_is_no_place_for_a_file(tmp_path):
    with pytest.raises(IsADirectoryError), whole_file(tmp_path):
        raise AssertionError("nothing is to be written")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_stays(tmp_path, linked):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with pytest.raises(OSError, match="Not a regular file"), whole_file(link if linked else pipe):
        raise AssertionError("nothing is to be written")
    assert pipe.is_fifo()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.parametrize("before", [b"before", None])
def test_a_link_stays_and_the_file_that_it_names_is_replaced(tmp_path, before):
    (tmp_path / "reports").mkdir()
    path, link = tmp_path / "reports" / "report.csv", tmp_path / "latest.csv"
    link.symlink_to(path)
    if before:
        path.write_bytes(before)
    with whole_file(link) as file:
        file.write(b"after")
    assert link.is_symlink()
    assert path.read_bytes() == b"after"
    assert list(path.parent.iterdir()) == [path]
