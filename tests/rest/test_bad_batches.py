"""Batches of measurements: what is no batch, rows of every kind in one, and what a batch costs."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import OutboxEvent, RateWindow
from clinical.models import Instrument, Measurement
from clinical.public.measurements import PublicMeasurementIn
from patients.models import Patient
from tests.rest.test_bad_bodies import UNREADABLE
from tests.rest.test_bad_chart_values import BAD_IN_CHARTS, kind_of
from tests.rest.wire import Wire

GOOD = {"instrument": "weight", "value": 80}


class Batches:
    """Batches for one patient, in the public dialect."""

    def __init__(self, clinic):
        self.wire, self.patient = Wire("public", clinic), clinic.patient()
        clinic.catalog(Instrument, "Weight", code="weight", scale_min=Decimal(0), scale_max=Decimal(500))
        clinic.catalog(Instrument, "Posture", code="posture", kind="choice", choices=["sitting", "lying"])
        self.path = f"/v1/patients/{self.patient.uuid}/measurements"
        self.client = self.wire.client()

    def post(self, rows: Any, **headers: str):
        return self.client.post(self.path, {"measurements": rows}, **headers)

    def results(self, *rows: Any) -> list[tuple[str, list[str | None]]]:
        """Return what became of each of `rows`: its status, and the fields at fault."""
        answer = self.post(list(rows))
        assert answer.status_code == 201, answer.content
        data = answer.json()["data"]
        assert [one["index"] for one in data] == list(range(len(rows)))
        assert all((one["id"] is None) == (one["status"] == "failed") == bool(one["errors"]) for one in data)
        return [(one["status"], [error["attribute"] for error in one["errors"]]) for one in data]

    def values(self) -> list:
        """Return the values that are stored, by the list that a caller reads."""
        return [row["value"] for row in self.client.get(self.path).json()["data"]]

    def used(self) -> int:
        """Return how many requests the caller has been counted for."""
        return RateWindow.objects.get(subject__startswith="user:").count


@pytest.fixture
def batches(clinic) -> Batches:
    return Batches(clinic)


@pytest.mark.parametrize("rows", [None, {}, {"0": GOOD}, "[]", "", 0, 1.5, True, [GOOD] * 1001, [0] * 1001], ids=str)
def test_what_is_no_list_of_a_thousand_rows_is_422_as_a_whole(batches, rows):
    assert batches.wire.named(batches.post(rows)) == ["measurements"]
    assert batches.values() == []


@pytest.mark.parametrize("row", [None, [], [GOOD], "", "weight", 80, 1.5, True, {}], ids=str)
def test_what_is_no_row_fails_alone(batches, row):
    (first, _), (status, fields), (last, _) = batches.results(GOOD, row, GOOD)
    assert (first, status, last) == ("created", "failed", "created")
    assert fields == (["instrument", "value"] if row == {} else [None])
    assert batches.values() == [80, 80]


def test_value_that_only_resembles_fails_alone_and_names_its_field(batches):
    for name, field in PublicMeasurementIn().fields.items():
        # What no database keeps is refused with the whole body; see below.
        bad = [value for value in BAD_IN_CHARTS[kind_of(field)] if not _unusable(value)]
        results = batches.results(GOOD, *({**GOOD, name: value} for value in bad), GOOD)
        assert results == [("created", []), *[("failed", [name])] * len(bad), ("created", [])], name
    assert len(batches.values()) == 2 * len(PublicMeasurementIn().fields)


def _unusable(value: Any) -> bool:
    return isinstance(value, str) and any(letter in value for letter in "\x00\ud800\udfff")


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({**GOOD, "comment": "a\x00"}, "1.comment"),
        ({**GOOD, "externalId": "\ud800"}, "1.externalId"),
        ("\x00", "1"),
        ({**GOOD, "\x00": 1}, "1.(key)"),
        ({**GOOD, "unknown": [{"a": "\udfff"}]}, "1.unknown.0.a"),
    ],
)
def test_text_that_no_database_keeps_is_422_for_the_whole_body_and_names_its_row(batches, row, place):
    assert batches.wire.named(batches.post([GOOD, row, GOOD])) == [f"measurements.{place}"]
    assert batches.values() == []


def test_every_fault_of_a_row_is_told(batches):
    assert batches.results({"instrument": 1, "value": [], "measuredAt": "now", "comment": 1, "externalId": ""}) == [
        ("failed", ["instrument", "value", "measuredAt", "comment", "externalId"])
    ]


def test_rows_of_every_kind_in_one_batch(batches):
    batches.results({**GOOD, "value": 70, "externalId": "known"})
    assert batches.results(
        {**GOOD, "value": 71},
        {**GOOD, "externalId": "known"},
        {**GOOD, "value": 501},
        {**GOOD, "value": 72, "externalId": "new"},
        {"instrument": "posture", "value": "lying"},
        {"instrument": "posture", "value": "Lying"},
        {"instrument": "posture", "value": 1},
        {"instrument": "nope", "value": 1},
        {**GOOD, "externalId": "new"},
        {**GOOD, "value": 73, "unknown": {"a": 1}},
    ) == [
        ("created", []),
        ("duplicate", []),
        ("failed", ["value"]),
        ("created", []),
        ("created", []),
        ("failed", ["value"]),
        ("failed", ["value"]),
        ("failed", ["instrument"]),
        ("duplicate", []),
        ("created", []),
    ]
    assert batches.values() == [70, 71, 72, "lying", 73]


def test_an_external_id_of_a_row_that_failed_is_free(batches):
    bad, good = {**GOOD, "value": 900, "externalId": "x"}, {**GOOD, "externalId": "x"}
    assert [status for status, _ in batches.results(bad, good, bad)] == ["failed", "created", "duplicate"]
    assert batches.values() == [80]


@pytest.mark.parametrize("alike", [("A", "a"), ("é", "e\u0301"), ("x", "x "), ("x", "x\u200b"), ("1", "01"), ("ß", "ss")])
def test_external_ids_are_compared_to_the_byte(batches, alike):
    rows = [{**GOOD, "externalId": one} for one in alike]
    assert [status for status, _ in batches.results(*rows)] == ["created", "created"]
    assert [status for status, _ in batches.results(*rows)] == ["duplicate", "duplicate"]


def test_longest_texts_are_kept_to_the_byte(batches):
    texts = {"comment": "\U0010ffff" * 10_000, "externalId": "é" * 255}
    assert batches.results({**GOOD, **texts}, {**GOOD, "comment": texts["comment"] + "x"}, {**GOOD, "externalId": "é" * 256}) == [
        ("created", []),
        ("failed", ["comment"]),
        ("failed", ["externalId"]),
    ]
    (row,) = batches.client.get(batches.path).json()["data"]
    assert {name: row[name] for name in texts} == texts


def test_a_batch_of_bad_rows_leaves_nothing(batches):
    before = Patient.objects.values().get()
    assert batches.post([{**GOOD, "value": -1}] * 1000).json()["meta"] == {
        "created": 0,
        "duplicate": 0,
        "failed": 1000,
        "total": 1000,
    }
    assert not Measurement.objects.exists()
    assert not OutboxEvent.objects.filter(type="measurement.created").exists()
    assert Patient.objects.values().get() == before


def test_beside_a_batch_the_fields_of_one_measurement_are_nobodys(batches):
    body = {**GOOD, "value": 99, "measurements": [GOOD]}
    assert batches.client.post(batches.path, body).json()["meta"]["created"] == 1
    assert batches.values() == [80]


@pytest.mark.parametrize("kind", ["33 levels", "NaN", "1e400", "5,000 digits", "cut off", "duplicate keys below"])
def test_what_is_not_json_is_400_in_a_row_too(batches, kind):
    raw = b'{"measurements":[{"instrument":"weight","value":80},' + UNREADABLE[kind] + b"]}"
    batches.wire.checked(batches.client("POST", batches.path, raw=raw), 400)
    assert batches.values() == []


# --- what a batch costs -----------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "status"), [("good", 422), ("", 400)])
def test_a_batch_that_is_refused_costs_what_it_would(batches, key, status):
    batches.wire.checked(batches.post([GOOD] * 1001, Idempotency_Key=key), status)
    assert batches.used() == 11


def test_a_batch_over_the_limit_is_429_and_uses_it_up(batches, settings):
    settings.RATE_LIMIT_PER_MINUTE = 5
    response = batches.wire.limited(batches.wire.checked(batches.post([GOOD] * 501), 429))
    assert (response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]) == ("5", "0")
    batches.wire.checked(batches.client.get(batches.path), 429)
    assert not Measurement.objects.exists()


def test_a_batch_that_just_fits_is_recorded(batches, settings):
    settings.RATE_LIMIT_PER_MINUTE = 5
    response = batches.wire.limited(batches.post([GOOD] * 500))
    assert (response.status_code, response.headers["X-RateLimit-Remaining"]) == (201, "0")
    assert Measurement.objects.count() == 500


def test_a_batch_that_is_sent_again_with_its_key_costs_as_much_again(batches):
    answers = [batches.post([GOOD] * 150, Idempotency_Key="once") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert batches.used() == 4
