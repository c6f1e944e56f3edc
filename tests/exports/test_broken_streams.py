"""Streams that cannot be made, or not to their end: nobody takes half a report for a whole one."""

import json
import logging

import pytest

from accounts import audit
from accounts.models import Role
from accounts.scope import Actor
from config.core.exceptions import Unavailable
from config.core.logs import JsonFormatter
from config.rest import streaming
from config.rest.streaming import Stream, StreamSlots
from exports.public import views
from tests.exports.rows import add_row, by_chunks_of, lines_of, stream

FORMS = pytest.mark.parametrize("form", ["csv", "ndjson"])
TOLD = {"meta": {}, "errors": [{"code": "unavailable", "message": "Service unavailable"}]}
REPORT = "starRatings"


@pytest.fixture
def broken(clinic, api, monkeypatch):
    """Return `broken(form, after)`: a stream of five rows by twos whose audit fails after so many chunks."""
    by_chunks_of(2, monkeypatch)
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


def test_the_log_tells_what_broke_where_and_nothing_of_anybody(clinic, broken, caplog):
    answer = broken("csv", 1)
    caplog.handler.setFormatter(JsonFormatter())
    with caplog.at_level(logging.ERROR):
        b"".join(answer.streaming_content)
    (line,) = (line for line in map(json.loads, caplog.text.splitlines()) if line["logger"] == "anamnesis.stream")
    assert line["exception"] == "Unavailable"
    assert (line["request_id"], line["organization_id"]) == (answer.headers["X-Request-Id"], clinic.organization.pk)
    assert "Quist" not in caplog.text


def refused(answer) -> bool:
    return (answer.status_code, answer.json()) == (503, TOLD)


@FORMS
def test_a_user_has_one_stream_at_a_time_and_one_that_was_read_makes_room(clinic, api, monkeypatch, form):
    add_row(clinic, REPORT)
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(8))
    held = api().get(f"/v1/export/{REPORT}.{form}")
    assert refused(api().get(f"/v1/export/{REPORT}.{form}"))
    assert api().get(f"/v1/export/{REPORT}").status_code == 200
    assert b"".join(held.streaming_content)
    assert stream(api(), REPORT, form)


@FORMS
def test_an_organization_has_half_of_the_streams_and_leaves_the_rest_to_others(api, neighbour, monkeypatch, form):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(4))
    held = [api(role).get(f"/v1/export/{REPORT}.{form}") for role in (Role.HC_ADMIN, Role.HC_VIEW_ALL)]
    assert refused(api(Role.HC_PRIMARY).get(f"/v1/export/{REPORT}.{form}"))
    assert stream(api(clinic=neighbour), REPORT, form) is not None
    assert all(answer.status_code == 200 for answer in held)


def test_a_refused_stream_is_not_begun(broken, monkeypatch):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(0))
    monkeypatch.setattr(views, "start_eagerly", lambda chunks: pytest.fail("a row was read"))
    assert refused(broken("csv", 0))


def actor(user_id: int, organization_id: int) -> Actor:
    return Actor(user_id=user_id, organization_id=organization_id, role=Role.HC_ADMIN)


def test_all_organizations_together_have_so_many_streams(monkeypatch):
    slots = StreamSlots(2)
    slots.acquire(actor(1, 1))
    slots.acquire(actor(2, 2))
    with pytest.raises(Unavailable):
        slots.acquire(actor(3, 3))
    slots.release(actor(1, 1))
    slots.acquire(actor(3, 3))


def test_a_stream_that_nobody_reads_gives_its_slot_back_when_it_is_closed_and_only_once(monkeypatch):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(2))
    first = Stream(lambda: iter([b"a"]), b"", actor(1, 1))
    with pytest.raises(Unavailable):
        Stream(lambda: iter([b"b"]), b"", actor(1, 1))
    first.close()
    first.close()
    second = Stream(lambda: iter([b"c"]), b"", actor(1, 1))
    with pytest.raises(Unavailable):
        Stream(lambda: iter([b"d"]), b"", actor(1, 1))
    assert list(second) == [b"c"]


def test_a_stream_that_cannot_be_begun_gives_its_slot_back(monkeypatch):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(2))

    def fail():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Stream(fail, b"", actor(1, 1))
    assert list(Stream(lambda: iter([b"c"]), b"", actor(1, 1))) == [b"c"]
