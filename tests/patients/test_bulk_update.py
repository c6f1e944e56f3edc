"""POST /patients/bulk changes patients: matched by UUID or chart number, each named once, by every rule of PATCH."""

import uuid
from itertools import permutations

import pytest

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from patients.models import NameKey, Patient
from tests.factories import archive
from tests.patients.bulk_rows import faults, row, statuses_of


def again(patient: Patient) -> Patient:
    patient.refresh_from_db()
    return patient


@pytest.mark.parametrize("mode", ["update", "upsert"])
@pytest.mark.parametrize("match_on", ["uuid", "chart_number"])
def test_a_row_changes_the_patient_it_names(clinic, bulk, mode, match_on):
    patient, other = clinic.patient(chart_number="HV-1"), clinic.patient(chart_number="HV-2")
    name = {"uuid": str(patient.uuid).upper()} if match_on == "uuid" else {"chart_number": "hv-1 "}
    response = bulk([{**name, "city": "Hill Valley", "first_name": "Zoë"}], mode=mode, match_on=match_on)
    assert statuses_of(response) == ["updated"]
    assert response.json()["results"][0]["uuid"] == str(patient.uuid)
    assert (again(patient).city, patient.first_name, patient.first_name_key, patient.version) == ("Hill Valley", "Zoë", "zoe", 2)
    assert "zoe" in patient.search_text
    assert NameKey.objects.filter(patient=patient, key="zoe").exists()
    assert again(other).version == 1


def test_matching_is_by_chart_number_unless_told_otherwise(clinic, bulk):
    clinic.patient(chart_number="HV-1")
    assert statuses_of(bulk([{"chart_number": "HV-1", "city": "Hill Valley"}], mode="update")) == ["updated"]


def test_an_upsert_makes_whom_it_does_not_find(clinic, bulk):
    clinic.patient(chart_number="HV-1")
    rows = [{"chart_number": "HV-1", "city": "A"}, row(2, chart_number="HV-2"), row(3), {"chart_number": "HV-4", "city": "B"}]
    response = bulk(rows, mode="upsert")
    assert statuses_of(response) == ["updated", "created", "created", "failed"]
    assert faults(response, 3) == [("first_name", "missing"), ("last_name", "missing")]


def test_an_upsert_by_uuid_makes_nobody_under_a_uuid_that_it_does_not_know(clinic, neighbour, bulk):
    uuids = [str(neighbour.patient().uuid), str(uuid.uuid4())]
    response = bulk([row(1, uuid=uuids[0]), row(2, uuid=uuids[1]), row(3), row(4, uuid=None)], mode="upsert", match_on="uuid")
    assert statuses_of(response) == ["failed", "failed", "created", "created"]
    assert faults(response, 0) == faults(response, 1) == [("", "not_found")]


@pytest.mark.parametrize("match_on", ["uuid", "chart_number"])
def test_an_update_that_names_nobody_fails(clinic, bulk, match_on):
    rows = [{"city": "A"}, {match_on: None, "city": "A"}, {match_on: "", "city": "A"}, {match_on: 7, "city": "A"}]
    response = bulk(rows, mode="update", match_on=match_on)
    assert statuses_of(response) == ["failed"] * 4
    assert {faults(response, index)[0][0] for index in range(4)} == {match_on}


def test_only_what_differs_is_written_and_told(clinic, bulk):
    patient = clinic.patient(chart_number="HV-1", city="Old", social_security_number="123-45-6789", receives_sms=True)
    same = {"chart_number": "HV-1", "city": "Old", "social_security_number": "123-45-6789", "receives_sms": True}
    response = bulk([{**same, "status": "active"}], mode="update")
    assert statuses_of(response) == ["skipped"]
    assert response.json()["results"][0]["uuid"] == str(patient.uuid)
    assert again(patient).version == 1
    assert not AuditEvent.objects.filter(action="patient.bulk_update", outcome="ok").exists()

    assert statuses_of(bulk([{**same, "city": "New", "state": "CA"}], mode="update")) == ["updated"]
    event = AuditEvent.objects.get(action="patient.bulk_update", outcome="ok")
    assert event.changed_fields == "city,state"
    assert [entry.patient_id for entry in AuditedPatient.objects.filter(event=event)] == [patient.pk]
    assert OutboxEvent.objects.get(type="patient.updated").subject_uuid == patient.uuid


def test_a_base_version_must_be_the_stored_one(clinic, bulk):
    patients = [clinic.patient() for _ in range(3)]
    versions = zip(patients, (1, 2, "1_0"), strict=True)
    rows = [{"uuid": str(patient.uuid), "city": "New", "base_version": version} for patient, version in versions]
    response = bulk(rows, mode="update", match_on="uuid")
    assert statuses_of(response) == ["updated", "failed", "failed"]
    assert faults(response, 1)[0][1] == "version_conflict"
    assert response.json()["results"][1]["errors"][0]["msg"] == "Version conflict: expected 1, got 2"
    assert faults(response, 2) == [("base_version", "value_error")]
    assert [again(patient).city for patient in patients] == ["New", None, None]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"status": "inactive"}, ("status", "value_error")),
        ({"first_name": None}, ("first_name", "null_not_allowed")),
        ({"date_of_birth": "2999-01-01"}, ("date_of_birth", "value_error")),
        ({"date_time_deceased": "2020-01-01T00:00:00Z"}, ("date_time_deceased", "value_error")),
        ({"primary_provider_uuid": str(uuid.uuid4())}, ("primary_provider_uuid", "unknown_reference")),
    ],
)
def test_rules_of_a_change_hold_for_each_row(clinic, bulk, values, fault):
    bad, good = clinic.patient(), clinic.patient()
    rows = [{"uuid": str(bad.uuid), "city": "New", **values}, {"uuid": str(good.uuid), "city": "New"}]
    response = bulk(rows, mode="update", match_on="uuid")
    assert statuses_of(response) == ["failed", "updated"]
    assert faults(response, 0) == [fault]
    assert (again(bad).city, again(good).city) == (None, "New")


def test_null_clears_what_can_be_null_and_leaves_the_rest(clinic, bulk):
    patient = clinic.patient(city="Old", receives_sms=True, social_security_number="123-45-6789")
    rows = [{"uuid": str(patient.uuid), "city": None, "receives_sms": None, "social_security_number": None}]
    assert statuses_of(bulk(rows, mode="update", match_on="uuid")) == ["updated"]
    assert (again(patient).city, patient.receives_sms, patient.social_security_number_sealed) == (None, True, None)


def test_nobody_is_their_own_guarantor_and_a_guarantor_is_not_archived(clinic, bulk):
    patient, good, gone = clinic.patient(), clinic.patient(), archive(clinic.patient())

    def update(guarantor: Patient):
        return bulk([{"uuid": str(patient.uuid), "responsible_party_uuid": str(guarantor.uuid)}], mode="update", match_on="uuid")

    assert faults(update(patient), 0) == [("responsible_party_uuid", "value_error")]
    assert faults(update(gone), 0) == [("responsible_party_uuid", "unknown_reference")]
    assert statuses_of(update(good)) == ["updated"]


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("match_on", ["uuid", "chart_number"])
def test_whom_a_caller_does_not_see_is_not_there(clinic, neighbour, bulk, match_on):
    hidden = [
        clinic.patient(care_group_id=clinic.other_group.pk, chart_number="HV-1"),
        clinic.patient(chart_number="HV-2"),
        archive(clinic.patient(care_group_id=clinic.group.pk, chart_number="HV-3")),
        neighbour.patient(chart_number="HV-4"),
    ]
    seen = clinic.patient(care_group_id=clinic.group.pk, chart_number="HV-5")
    rows = [{match_on: str(getattr(patient, match_on)), "city": "New"} for patient in [*hidden, seen]]
    unknown = {match_on: str(uuid.uuid4()) if match_on == "uuid" else "HV-9", "city": "New"}
    response = bulk([*rows, unknown], Role.HC_PRIMARY, mode="update", match_on=match_on)
    assert statuses_of(response) == ["failed"] * 4 + ["updated", "failed"]
    texts = {(error["msg"], error["type"]) for result in response.json()["results"] for error in result["errors"]}
    assert texts == {("Patient not found", "not_found")}
    assert {again(patient).city for patient in hidden} == {None}


def test_an_upsert_cannot_take_the_chart_number_of_a_patient_out_of_sight(clinic, bulk):
    hidden = clinic.patient(care_group_id=clinic.other_group.pk, chart_number="HV-1")
    response = bulk([row(1, chart_number="HV-1")], Role.HC_PRIMARY, mode="upsert")
    assert faults(response, 0) == [("chart_number", "conflict")]
    assert again(hidden).version == 1


# --- rows that touch each other -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_a_patient_is_named_once(clinic, bulk, monkeypatch, chunk):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", chunk)
    patient = clinic.patient(chart_number="HV-1")
    by_uuid = [{"uuid": str(patient.uuid), "city": city} for city in ("A", "B")]
    response = bulk(by_uuid, mode="update", match_on="uuid")
    assert statuses_of(response) == ["updated", "failed"]
    assert faults(response, 1) == [("uuid", "conflict")]
    response = bulk([{"chart_number": "HV-1", "city": "C"}, {"chart_number": "hv-1", "city": "D"}], mode="upsert")
    assert statuses_of(response) == ["updated", "failed"]
    assert (again(patient).city, patient.version) == ("C", 3)


@pytest.mark.parametrize("chunk", [1, 500])
def test_a_chart_number_that_one_row_gives_up_is_free_for_those_after_it(clinic, bulk, monkeypatch, chunk):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", chunk)
    first, second = clinic.patient(chart_number="A"), clinic.patient(chart_number="B")
    moves = [{"uuid": str(first.uuid), "chart_number": "C"}, {"uuid": str(second.uuid), "chart_number": "A"}]
    response = bulk([*moves, row(3, chart_number="B")], mode="upsert", match_on="uuid")
    assert statuses_of(response) == ["updated", "updated", "created"]
    assert (again(first).chart_number, again(second).chart_number) == ("C", "A")


def test_a_chart_number_is_not_free_before_the_row_that_gives_it_up(clinic, bulk):
    first, second = clinic.patient(chart_number="A"), clinic.patient(chart_number="B")
    rows = [{"uuid": str(second.uuid), "chart_number": "A"}, {"uuid": str(first.uuid), "chart_number": "C"}]
    assert statuses_of(bulk(rows, mode="update", match_on="uuid")) == ["failed", "updated"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_validate_only_tells_what_the_import_then_does_whatever_the_order_and_the_chunks(clinic, bulk, monkeypatch, order):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 1)
    first, second = clinic.patient(chart_number="A"), clinic.patient(chart_number="B")
    moves = [{"uuid": str(first.uuid), "chart_number": "C"}, {"uuid": str(second.uuid), "chart_number": "A"}]
    rows = [[*moves, row(3, chart_number="B")][index] for index in order]
    checked = statuses_of(bulk(rows, mode="upsert", match_on="uuid", validate_only=True))
    assert (again(first).chart_number, again(second).chart_number) == ("A", "B")
    done = statuses_of(bulk(rows, mode="upsert", match_on="uuid"))
    assert [status == "failed" for status in checked] == [status == "failed" for status in done]


def test_abort_leaves_updates_undone(clinic, bulk):
    patient = clinic.patient(chart_number="HV-1", city="Old")
    rows = [{"chart_number": "HV-1", "city": "New"}, row(2), row(3, gender="x")]
    assert statuses_of(bulk(rows, mode="upsert", on_error="abort")) == ["skipped", "skipped", "failed"]
    assert (again(patient).city, Patient.objects.count()) == ("Old", 1)
