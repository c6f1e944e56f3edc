"""Streams that cannot be made, or not to their end: nobody takes half a report for a whole one."""

import json
import logging
from threading import BoundedSemaphore

import pytest

from accounts import audit
from config.core.exceptions import Unavailable
from config.core.logs import JsonFormatter
from config.rest import streaming
from config.rest.streaming import Stream
from exports import registry as reading
from tests.exports.rows import add_row, lines_of, stream

FORMS = pytest.mark.parametrize("form", ["csv", "ndjson"])
TOLD = {"meta": {}, "errors": [{"code": "unavailable", "message": "Service unavailable"}]}
REPORT = "starRatings"


@pytest.fixture
def broken(clinic, api, monkeypatch):
    """Return `broken(form, after)`: a stream of five rows by twos whose audit fails after so many chunks."""
    monkeypatch.setattr(reading, "CHUNK", 2)
    for _ in range(5):
        add_row(clinic, REPORT)
    record = audit.record_read

    def begin(form: str, after: int):
        chunks = iter(range(after))

        def fail(*args, **kwargs):
            if next(chunks, None) is None:
                raise ConnectionError("Ada Quist")
            record(*args, **kwargs)

        monkeypatch.setattr(audit, "record_read", fail)
        return api().get(f"/v1/export/{REPORT}.{form}")

    return begin


@FORMS
def test_what_fails_at_once_is_a_refusal(broken, form):
    answer = broken(form, 0)
    assert (answer.status_code, answer.json()) == (503, TOLD)
    assert answer.headers["Retry-After"]


def test_json_lines_that_break_off_end_with_the_error(broken):
    *rows, last = lines_of(b"".join(broken("ndjson", 2).streaming_content))
    assert (len(rows), last) == (4, TOLD)


def test_a_table_that_breaks_off_ends_with_a_line_of_a_cell_too_many(broken):
    header, *rows, last = b"".join(broken("csv", 2).streaming_content).decode().splitlines()
    assert (len(rows), last) == (4, '"Service unavailable"' + "," * len(header.split(",")))


def test_the_log_tells_what_broke_where_and_nothing_of_anybody(broken, caplog):
    answer = broken("csv", 1)
    with caplog.at_level(logging.ERROR):
        b"".join(answer.streaming_content)
    (record,) = (record for record in caplog.records if record.name == "anamnesis.stream")
    line = JsonFormatter().format(record)
    assert json.loads(line)["exception"] == "Unavailable"
    assert "Quist" not in line


@FORMS
def test_so_many_streams_leave_at_a_time_and_one_that_was_read_makes_room(clinic, api, monkeypatch, form):
    add_row(clinic, REPORT)
    monkeypatch.setattr(streaming, "STREAM_SLOTS", BoundedSemaphore(2))
    held = [api().get(f"/v1/export/{REPORT}.{form}") for _ in range(2)]
    refused = api().get(f"/v1/export/{REPORT}.{form}")
    assert (refused.status_code, refused.json()) == (503, TOLD)
    assert api().get(f"/v1/export/{REPORT}").status_code == 200
    assert b"".join(held[0].streaming_content)
    assert stream(api(), REPORT, form)


def test_a_stream_that_nobody_reads_gives_its_place_back_when_it_is_closed_and_only_once(monkeypatch):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", BoundedSemaphore(1))
    first = Stream(iter([b"a"]), b"")
    with pytest.raises(Unavailable):
        Stream(iter([b"b"]), b"")
    first.close()
    first.close()
    assert list(Stream(iter([b"c"]), b"")) == [b"c"]
