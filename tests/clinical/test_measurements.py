"""Measurements in the public dialect: one by one, in batches, and listed by day."""

import datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, IdempotencyRecord, OutboxEvent, RateWindow, Role
from clinical.models import Instrument, Measurement
from patients.models import Patient
from tests.factories import archive

RANDOM = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def path(patient) -> str:
    return f"/v1/patients/{patient.uuid}/measurements"


@pytest.fixture
def pressure(clinic) -> Instrument:
    scale = {"scale_min": Decimal(40), "scale_max": Decimal(260)}
    return clinic.catalog(
        Instrument, "Systolic", code="systolic", unit="mm[Hg]", **scale, concept_code="8480-6", concept_system="loinc"
    )


@pytest.fixture
def posture(clinic) -> Instrument:
    return clinic.catalog(Instrument, "Posture", code="posture", kind="choice", choices=["sitting", "standing"])


def attributes(answer) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["attribute"] for error in answer.json()["errors"]]


def events(action: str) -> list[set[int]]:
    found = AuditEvent.objects.filter(action=action, outcome="ok").order_by("id")
    return [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in found]


def test_a_measurement_is_recorded_with_all_that_is_sent(api, path, patient, pressure):
    body = {
        "instrument": "systolic",
        "value": 128.5,
        "measuredAt": "2030-01-02T08:00:00+01:00",
        "comment": "After a walk",
        "externalId": "dev-1",
    }
    recorded_before = timezone.now()
    answer = api(Role.HC_PRIMARY).post(path, {**body, "measuredAt": "2024-01-02T08:00:00+01:00"})
    assert answer.status_code == 201, answer.content
    shown = answer.json()["data"]
    assert shown["patientId"] == str(patient.uuid)
    assert (shown["instrument"], shown["instrumentId"]) == ("systolic", str(pressure.uuid))
    assert (shown["value"], shown["comment"], shown["externalId"]) == (128.5, "After a walk", "dev-1")
    assert shown["measuredAt"] == "2024-01-02T08:00:00+01:00", "the patient lives in Amsterdam"
    row = Measurement.objects.get()
    assert (row.value_number, row.created_at >= recorded_before) == (Decimal("128.5"), True)
    assert events("measurement.create") == [{patient.pk}]
    assert str(OutboxEvent.objects.get(type="measurement.created").subject_uuid) == shown["id"]


def test_an_instrument_is_named_by_its_code_or_its_uuid_in_either_case(api, path, pressure):
    for named in ("systolic", str(pressure.uuid), str(pressure.uuid).upper()):
        assert api().post(path, {"instrument": named, "value": 120}).json()["data"]["instrument"] == "systolic"


def test_without_a_time_it_is_of_now(api, path, pressure):
    before = timezone.now()
    api().post(path, {"instrument": "systolic", "value": 120, "measuredAt": None})
    assert before <= Measurement.objects.get().measured_at <= timezone.now()


def test_a_choice_is_one_of_those_that_the_instrument_has(api, path, posture):
    answer = api().post(path, {"instrument": "posture", "value": "sitting"})
    assert answer.json()["data"]["value"] == "sitting"
    for value in ("Sitting", "", 1):
        assert attributes(api().post(path, {"instrument": "posture", "value": value})) == ["value"]


@pytest.mark.parametrize("value", [39.9, 260.0005, -1, "1_20", "1e99", None, True, [120], {"value": 120}, 1e308, 10**30, ""])
def test_a_number_lies_on_the_scale_and_is_one(api, path, pressure, value):
    assert attributes(api().post(path, {"instrument": "systolic", "value": value})) == ["value"]
    assert not Measurement.objects.exists()


@pytest.mark.parametrize("value", [40, 260, 120.125])
def test_the_ends_of_the_scale_belong_to_it(api, path, pressure, value):
    assert api().post(path, {"instrument": "systolic", "value": value}).json()["data"]["value"] == value


@pytest.mark.parametrize(
    ("sent", "kept"), [("120", 120), ("120.5", 120.5), (120.1235, 120.124), (260.0004, 260), ("39.9999", 40)]
)
def test_a_number_is_taken_as_text_and_rounded_to_its_places(api, path, pressure, sent, kept):
    assert api().post(path, {"instrument": "systolic", "value": sent}).json()["data"]["value"] == kept


def test_each_field_at_fault_is_named(api, path, pressure):
    tomorrow = (timezone.now() + datetime.timedelta(hours=25)).isoformat()
    assert attributes(api().post(path, {})) == ["instrument", "value"]
    assert attributes(api().post(path, {"instrument": "nope", "value": 1})) == ["instrument"]
    assert attributes(api().post(path, {"instrument": RANDOM, "value": 1})) == ["instrument"]
    for measured_at in (tomorrow, "2024-01-02", "2024-01-02T08:00:00", 1):
        assert attributes(api().post(path, {"instrument": "systolic", "value": 120, "measuredAt": measured_at})) == ["measuredAt"]


@pytest.mark.parametrize(("born", "refused", "taken"), [
    (None, "1800-01-01T12:00:00Z", "1950-01-01T12:00:00Z"),
    ("2001-06-01", "2001-05-30T12:00:00Z", "2001-05-31T12:00:00Z"),
    ("2001-06-01", "1800-01-01T12:00:00Z", "2001-06-01T00:00:00Z"),
])  # fmt: skip
def test_a_measurement_lies_in_the_lifetime_of_the_patient(api, path, patient, pressure, born, refused, taken):
    Patient.objects.filter(pk=patient.pk).update(date_of_birth=born)
    body = {"instrument": "systolic", "value": 120}
    assert attributes(api().post(path, {**body, "measuredAt": refused})) == ["measuredAt"]
    assert not Measurement.objects.exists()
    assert api().post(path, {**body, "measuredAt": taken}).status_code == 201


def test_an_instrument_of_others_or_an_archived_one_is_unknown(api, path, pressure, neighbour):
    foreign = neighbour.catalog(Instrument, "Secret", code="secret")
    Instrument.objects.filter(pk=pressure.pk).update(deleted_at=timezone.now())
    unknown = api().post(path, {"instrument": RANDOM, "value": 50}).content
    for named in ("secret", str(foreign.uuid), "systolic", str(pressure.uuid)):
        assert api().post(path, {"instrument": named, "value": 50}).content == unknown


def test_an_external_id_sent_again_changes_nothing(api, path, pressure, clinic):
    first = api().post(path, {"instrument": "systolic", "value": 120, "externalId": "dev-1"}).json()
    again = api().post(path, {"instrument": "systolic", "value": 200, "externalId": "dev-1"})
    assert (again.status_code, again.json()) == (201, first)
    other = f"/v1/patients/{clinic.patient().uuid}/measurements"
    assert api().post(other, {"instrument": "systolic", "value": 130, "externalId": "dev-1"}).json()["data"]["value"] == 130
    assert Measurement.objects.count() == 2


def test_a_batch_tells_what_became_of_each_row(api, path, patient, pressure):
    api().post(path, {"instrument": "systolic", "value": 120, "externalId": "known"})
    rows = [
        {"instrument": "systolic", "value": 121},
        {"instrument": "systolic", "value": 122, "externalId": "known"},
        {"instrument": "systolic", "value": 900, "externalId": "bad"},
        {"instrument": "systolic", "value": 123, "externalId": "new"},
        {"instrument": "systolic", "value": 124, "externalId": "new"},
        "no row",
        {"value": 125},
    ]
    answer = api().post(path, {"measurements": rows})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    statuses = [one["status"] for one in body["data"]]
    assert statuses == ["created", "duplicate", "failed", "created", "duplicate", "failed", "failed"]
    assert body["meta"] == {"created": 2, "duplicate": 2, "failed": 3, "total": 7}
    assert [one["index"] for one in body["data"]] == list(range(7))
    assert [[error.get("attribute") for error in one["errors"]] for one in body["data"]] == [
        [],
        [],
        ["value"],
        [],
        [],
        [None],
        ["instrument"],
    ]
    assert body["data"][3]["id"] == body["data"][4]["id"] == str(Measurement.objects.get(external_id="new").uuid)
    assert sorted(Measurement.objects.values_list("value_number", flat=True)) == [120, 121, 123]
    assert events("measurement.create") == [{patient.pk}] * 2
    assert OutboxEvent.objects.filter(type="measurement.created").count() == 3


@pytest.mark.parametrize("rows", [None, {}, "x", [{}] * 1001])
def test_a_batch_is_a_list_of_a_thousand_at_most(api, path, pressure, rows):
    assert attributes(api().post(path, {"measurements": rows})) == ["measurements"]


def test_a_batch_of_a_thousand_counts_as_ten_requests(api, path, pressure):
    rows = [{"instrument": "systolic", "value": 100 + number % 50} for number in range(1000)]
    answer = api().post(path, {"measurements": rows})
    assert answer.json()["meta"] == {"created": 1000, "duplicate": 0, "failed": 0, "total": 1000}
    assert RateWindow.objects.get(subject__startswith="user:").count == 10


def test_an_empty_batch_records_nothing(api, path):
    assert api().post(path, {"measurements": []}).json() == {
        "data": [],
        "meta": {"created": 0, "duplicate": 0, "failed": 0, "total": 0},
    }


@pytest.mark.parametrize(
    "body",
    [
        {"instrument": "systolic", "value": 120},
        {"measurements": [{"instrument": "systolic", "value": 120}] * 2},
    ],
)
def test_a_request_sent_again_with_its_key_gives_the_first_answer(api, path, pressure, body, clinic):
    first = api().post(path, body, Idempotency_Key="once")
    again = api().post(path, body, Idempotency_Key="once")
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert Measurement.objects.count() == len(body.get("measurements", [body]))
    assert api().post(path, {**body, "comment": "other"}, Idempotency_Key="once").status_code == 409
    assert IdempotencyRecord.objects.get().organization_id == clinic.organization.pk


def test_patients_add_their_own_and_see_no_others(clinic, api, pressure):
    own, other = (f"/v1/patients/{who.uuid}/measurements" for who in (clinic.own_patient, clinic.patient()))
    assert api(Role.PATIENT).post(own, {"instrument": "systolic", "value": 120}).status_code == 201
    assert len(api(Role.PATIENT).get(own).json()["data"]) == 1
    assert api(Role.PATIENT).post(other, {"instrument": "systolic", "value": 120}).status_code == 404
    assert api(Role.PATIENT).get(other).status_code == 404


def test_the_chart_of_an_archived_patient_is_read_and_not_written(clinic, api, path, patient, pressure):
    clinic.entry(Measurement, patient)
    archive(patient)
    assert len(api().get(path).json()["data"]) == 1
    assert api().post(path, {"instrument": "systolic", "value": 120}).status_code == 404


def test_the_list_is_by_time_and_days_are_those_of_the_organization(clinic, api, path, patient, pressure):
    moments = ["2024-03-10T04:59:59Z", "2024-03-10T05:00:00Z", "2024-03-11T03:59:59Z", "2024-03-11T04:00:00Z"]
    for number, moment in enumerate(reversed(moments)):
        clinic.entry(
            Measurement,
            patient,
            instrument_id=pressure.pk,
            value_number=Decimal(100 + number),
            measured_at=datetime.datetime.fromisoformat(moment),
        )

    def values(**query) -> list:
        return [row["value"] for row in api().get(path, query).json()["data"]]

    assert values() == [103, 102, 101, 100]
    # New York: the day in which clocks go forward has 23 hours.
    assert values(startDate="2024-03-10", endDate="2024-03-10") == [102, 101]
    assert values(endDate="2024-03-09") == [103]
    assert values(startDate="2024-03-11") == [100]


def test_the_list_of_one_instrument(clinic, api, path, patient, pressure, posture):
    clinic.entry(Measurement, patient, instrument_id=pressure.pk)
    clinic.entry(Measurement, patient, instrument_id=posture.pk, value_number=None, value_choice="sitting")
    for named in ("posture", str(posture.uuid)):
        assert [row["value"] for row in api().get(path, {"instrument": named}).json()["data"]] == ["sitting"]
    assert attributes(api().get(path, {"instrument": "nope"})) == ["instrument"]


def test_pages_follow_each_other_by_cursor(clinic, api, path, patient, pressure):
    for minute in range(5):
        clinic.entry(
            Measurement,
            patient,
            instrument_id=pressure.pk,
            value_number=Decimal(minute),
            measured_at=datetime.datetime(2024, 1, 1, 12, minute, tzinfo=datetime.UTC),
        )
    seen, address = [], f"{path}?perPage=2"
    while address:
        page = api().get(address).json()
        seen += [row["value"] for row in page["data"]]
        address = page["meta"]["nextPageUrl"]
    assert seen == [0, 1, 2, 3, 4]
