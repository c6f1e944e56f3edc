"""POST /patients/bulk as a request: its frame, its size, its cost, and its key."""

import datetime
import json

import pytest
from django.utils import timezone

from accounts.models import IdempotencyRecord, OutboxEvent
from patients.bulk_import import Chunk
from patients.models import Patient
from tests.patients.bulk_rows import faults, row, statuses_of


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["rows"]),
        ({"rows": None}, ["rows"]),
        ({"rows": {"0": {}}}, ["rows"]),
        ({"rows": "[]"}, ["rows"]),
        ({"rows": [{}] * 10_001}, ["rows"]),
        ({"rows": [], "meta": []}, ["meta"]),
        ({"rows": [], "meta": {"mode": "replace"}}, ["meta", "mode"]),
        ({"rows": [], "meta": {"match_on": "email"}}, ["meta", "match_on"]),
        ({"rows": [], "meta": {"on_error": "stop"}}, ["meta", "on_error"]),
        ({"rows": [], "meta": {"validate_only": "perhaps"}}, ["meta", "validate_only"]),
    ],
    ids=str,
)
def test_a_bad_frame_is_refused_whole(clinic, api, body, loc):
    response = api().post(f"{clinic.base}/patients/bulk", body)
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", *loc]]
    assert not Patient.objects.exists()


@pytest.mark.parametrize("meta", [None, dict.fromkeys(("mode", "match_on", "validate_only", "on_error"))], ids=str)
def test_null_options_are_the_default_ones(clinic, api, meta):
    response = api().post(f"{clinic.base}/patients/bulk", {"rows": [row(1)], "meta": meta})
    assert statuses_of(response) == ["created"]
    assert Patient.objects.count() == 1


def test_no_rows_are_a_good_import(bulk):
    assert statuses_of(bulk([])) == []


@pytest.mark.sweep
@pytest.mark.django_db(transaction=True)  # each chunk commits and has its foreign keys checked, as in service
def test_ten_thousand_rows_are_taken(clinic, bulk):
    statuses = statuses_of(bulk([row(number) for number in range(10_000)]))
    assert statuses == ["created"] * 10_000
    assert Patient.objects.filter(organization=clinic.organization).count() == 10_000


def test_text_that_no_database_keeps_fails_the_frame(clinic, api):
    response = api().post(f"{clinic.base}/patients/bulk", {"rows": [row(1, city="a\x00b")]})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "rows", 0, "city"]


@pytest.mark.parametrize(("megabytes", "status"), [(3, 200), (24, 200), (26, 413)])
def test_a_body_may_have_25_megabytes(clinic, api, megabytes, status):
    body = json.dumps({"rows": [{"first_name": "A"}], "meta": {"note": "x" * (megabytes * 1_000_000)}}).encode()
    response = api()("POST", f"{clinic.base}/patients/bulk", raw=body)
    assert response.status_code == status
    assert api()("POST", f"{clinic.base}/patients", raw=body).status_code == 413


# --- the rate limit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "cost"), [(0, 1), (1, 1), (100, 1), (101, 2), (950, 10)])
def test_a_hundred_rows_count_as_one_request(clinic, bulk, settings, rows, cost):
    settings.RATE_LIMIT_PER_MINUTE = 1_000
    response = bulk([{}] * rows)
    assert response["X-RateLimit-Remaining"] == str(1_000 - cost)


def test_too_many_rows_for_what_is_left_of_the_minute_are_429_and_write_nothing(clinic, bulk, settings):
    settings.RATE_LIMIT_PER_MINUTE = 3
    response = bulk([row(number) for number in range(400)])
    assert (response.status_code, response["X-RateLimit-Remaining"]) == (429, "0")
    assert not Patient.objects.exists()


# --- keys -----------------------------------------------------------------------------------------------


def test_a_key_makes_an_import_happen_once(clinic, bulk):
    rows = [row(number) for number in range(5)]
    first, again = bulk(rows, key="one"), bulk(rows, key="one")
    assert statuses_of(first) == ["created"] * 5
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert "Idempotent-Replayed" not in first
    assert Patient.objects.filter(organization=clinic.organization).count() == 5
    assert bulk(rows[:4], key="one").status_code == 409


def test_a_refused_frame_leaves_its_key_free(clinic, bulk):
    assert bulk([], key="one", mode="x").status_code == 422
    assert statuses_of(bulk([row(1)], key="one")) == ["created"]


@pytest.fixture
def broken(monkeypatch):
    """Return `break_at(chunk)`: the worker dies before it commits that chunk (from 1) of the next import."""

    def break_at(chunk: int) -> None:
        left, run = [chunk], Chunk.run

        def running(self) -> list:
            results = run(self)
            left[0] -= 1
            if left[0] == 0:
                monkeypatch.setattr(Chunk, "run", run)
                raise RuntimeError("killed")
            return results

        monkeypatch.setattr(Chunk, "run", running)

    return break_at


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_retry_goes_on_where_the_first_run_was_cut_off(clinic, bulk, broken, monkeypatch, at):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 3)
    rows = [row(number, chart_number=f"HV-{number % 8}", **({"gender": "x"} if number == 4 else {})) for number in range(10)]
    broken(at)
    assert bulk(rows, key="one").status_code == 500
    kept = Patient.objects.filter(organization=clinic.organization).count()
    assert kept == {1: 0, 2: 3, 4: 7}[at]

    retried = bulk(rows, key="one")

    assert statuses_of(retried) == ["created"] * 4 + ["failed"] + ["created"] * 3 + ["failed"] * 2
    assert faults(retried, 4) == [("gender", "enum")]
    uuids = [result["uuid"] for result in retried.json()["results"] if result["uuid"]]
    assert sorted(uuids) == sorted(str(uuid) for uuid in Patient.objects.values_list("uuid", flat=True))
    assert "Idempotent-Replayed" not in retried
    assert bulk(rows, key="one").content == retried.content
    assert OutboxEvent.objects.filter(type="patient.created").count() == len(uuids)
    assert IdempotencyRecord.objects.count() == 1


def test_how_far_an_import_came_is_not_readable_in_the_database(clinic, bulk, broken, monkeypatch):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 1)
    broken(2)
    bulk([row(1), row(2)], key="one")
    uuid = Patient.objects.get().uuid
    assert str(uuid).encode() not in bytes(IdempotencyRecord.objects.get().answer)


def test_a_cut_off_abort_has_written_nothing_and_a_retry_does_it_all(clinic, bulk, broken):
    rows = [row(number) for number in range(5)]
    broken(1)
    assert bulk(rows, key="one", on_error="abort").status_code == 500
    assert not Patient.objects.exists()
    assert not IdempotencyRecord.objects.exists()
    assert statuses_of(bulk(rows, key="one", on_error="abort")) == ["created"] * 5


def test_another_request_cannot_go_on_under_the_key_of_one_that_was_cut_off(clinic, bulk, broken, monkeypatch):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 1)
    broken(2)
    bulk([row(1), row(2)], key="one")
    assert bulk([row(1), row(3)], key="one").status_code == 409
    assert Patient.objects.count() == 1


def test_a_key_of_yesterday_starts_anew(clinic, bulk, broken, monkeypatch):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 1)
    broken(2)
    bulk([row(1), row(2)], key="one")
    IdempotencyRecord.objects.update(created_at=timezone.now() - datetime.timedelta(hours=24, seconds=1))
    assert statuses_of(bulk([row(1), row(2)], key="one")) == ["created"] * 2
    assert Patient.objects.count() == 3
