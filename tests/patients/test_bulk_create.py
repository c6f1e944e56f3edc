"""POST /patients/bulk makes patients: by every rule of the single create, one result a row."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from patients.models import NameKey, Patient
from tests.factories import archive
from tests.patients.bulk_rows import faults, row, statuses_of

FIELDS_OF_ONE_MAKING = {
    "id",
    "uuid",
    "created_at",
    "updated_at",
    "stopped_at",
    "chart_number",
    "chart_number_key",
    "search_text",
    "social_security_number_sealed",
    "medicaid_id_sealed",
}


def full_body(clinic) -> dict:
    references = {
        f"{name}_uuid": str(clinic.catalogs[kind].uuid)
        for name, kind in {
            "primary_provider": "provider",
            "location": "location",
            "fee_schedule": "fee_schedule",
            "billing_type": "billing_type",
            "employer": "employer",
        }.items()
    }
    return {
        **references,
        "care_group_uuid": str(clinic.group.uuid),
        "responsible_party_uuid": str(clinic.patient().uuid),
        "first_name": "Zoë\t\\N",
        "middle_name": "van\nder",
        "last_name": "O'Brien \\.",
        "preferred_name": "",
        "status": "deceased",
        "date_of_birth": "1931-02-28",
        "date_time_deceased": "2020-05-04T03:02:01.000009Z",
        "email": "some@body.test",
        "mobile_phone": "(202) 555-0143",
        "billing_account": {"mode": "new"},
        "consent_flags": 3,
        "receives_email": True,
        "premedication_required": False,
        "medical_summary": "one\r\ntwo\\n",
        "treatment_notes": "\u2603 \U0001f600 \x7f",
        "gender": "female",
        "social_security_number": "123-45-6789",
        "medicaid_id": "",
    }


@pytest.mark.parametrize("others", [0, 30])
def test_a_row_becomes_what_a_single_create_makes_of_it(clinic, api, bulk, others):
    body = full_body(clinic)
    single = api().post(f"{clinic.base}/patients", {**body, "chart_number": "S-1"}).json()
    response = bulk([{**body, "chart_number": "B-1"}, *(row(number) for number in range(others))])
    assert statuses_of(response) == ["created"] * (others + 1)

    uuids = [single["id"], response.json()["results"][0]["uuid"]]
    one, many = (Patient.objects.filter(uuid=uuid).values().get() for uuid in uuids)
    assert {name for name in one if one[name] != many[name]} == FIELDS_OF_ONE_MAKING
    assert many["search_text"] == one["search_text"].replace("s-1", "b-1").replace("s1", "b1")
    shown = [api().get(f"{clinic.base}/patients/{uuid}").json() for uuid in uuids]
    assert shown[0]["social_security_number"] == shown[1]["social_security_number"] == "123-45-6789"
    assert {key for key in shown[0] if shown[0][key] != shown[1][key]} == {"id", "chart_number", "created_at", "updated_at"}
    keys = [set(NameKey.objects.filter(patient_id=patient["id"]).values_list("key", flat=True)) for patient in (one, many)]
    assert keys[0] - {"s-1", "s1"} == keys[1] - {"b-1", "b1"} != set()


@pytest.mark.parametrize("count", [3, 30])
def test_new_patients_are_found_told_and_audited_once(clinic, api, bulk, count):
    response = bulk([row(number, chart_number=f"HV-{number}") for number in range(count)])
    patients = Patient.objects.filter(organization=clinic.organization)
    assert {str(patient.uuid) for patient in patients} == {result["uuid"] for result in response.json()["results"]}
    assert {patient.version for patient in patients} == {1}
    assert all(patient.activated_at and patient.created_at for patient in patients)

    event = AuditEvent.objects.get(action="patient.bulk_create", outcome="ok")
    assert event.changed_fields == "chart_number,first_name,last_name"
    audited = AuditedPatient.objects.filter(event=event)
    assert {entry.patient_id for entry in audited} == {patient.pk for patient in patients}
    assert {entry.organization_id for entry in audited} == {clinic.organization.pk}
    told_of = OutboxEvent.objects.filter(type="patient.created", organization_id=clinic.organization.pk)
    assert {event.subject_uuid for event in told_of} == {patient.uuid for patient in patients}
    assert all(event.created_at for event in told_of)
    found = api().get(f"{clinic.base}/patients/search", {"q": "first1"}).json()
    assert found["total"] == len([number for number in range(count) if str(number).startswith("1")])


def test_no_statement_is_spent_on_one_row(clinic, bulk):
    def statements(start: int, count: int) -> int:
        provider, guarantor = str(clinic.catalogs["provider"].uuid), str(clinic.own_patient.uuid)
        rows = [
            row(number, chart_number=f"C-{number}", primary_provider_uuid=provider, responsible_party_uuid=guarantor)
            for number in range(start, start + count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert statuses_of(bulk(rows)) == ["created"] * count
        return len(captured)

    statements(1, 30)
    few, many = statements(100, 30), statements(1_000, 99)
    assert many == few


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"first_name": None}, ("first_name", "null_not_allowed")),
        ({"last_name": ""}, ("last_name", "string_too_short")),
        ({"first_name": 7}, ("first_name", "value_error")),
        ({"first_name": "x" * 256}, ("first_name", "string_too_long")),
        ({"status": "archived"}, ("status", "value_error")),
        ({"status": "gone"}, ("status", "enum")),
        ({"gender": True}, ("gender", "enum")),
        ({"date_of_birth": "2999-01-01"}, ("date_of_birth", "value_error")),
        ({"date_of_birth": "2023-02-30"}, ("date_of_birth", "value_error")),
        ({"date_time_deceased": "2020-01-01T00:00:00Z"}, ("date_time_deceased", "value_error")),
        ({"consent_flags": "1_0"}, ("consent_flags", "value_error")),
        ({"consent_flags": 2**40}, ("consent_flags", "less_than_equal")),
        ({"ask_to_arrive_early_mins": 121}, ("ask_to_arrive_early_mins", "less_than_equal")),
        ({"receives_sms": "ja"}, ("receives_sms", "value_error")),
        ({"email": "nobody"}, ("email", "value_error")),
        ({"billing_account": {"mode": "old"}}, ("billing_account", "enum")),
        ({"location_uuid": "x"}, ("location_uuid", "value_error")),
        ({"location_uuid": "00000000-0000-0000-0000-000000000000"}, ("location_uuid", "unknown_reference")),
        ({"responsible_party_uuid": "00000000-0000-0000-0000-000000000000"}, ("responsible_party_uuid", "unknown_reference")),
    ],
)
def test_a_bad_row_in_the_middle_fails_alone(clinic, api, bulk, values, fault):
    response = bulk([row(1), row(2, **values), row(3)])
    assert statuses_of(response) == ["created", "failed", "created"]
    assert faults(response, 1) == [fault]
    single = api().post(f"{clinic.base}/patients", row(2, **values))
    problems = single.json()["detail"]
    message = problems if isinstance(problems, str) else problems[0]["msg"]
    assert response.json()["results"][1]["errors"][0]["msg"] == message
    assert Patient.objects.filter(organization=clinic.organization).count() == 2


def test_all_that_is_wrong_with_a_row_is_told(bulk):
    response = bulk([{"first_name": 7, "gender": "x"}])
    assert sorted(faults(response, 0)) == [("first_name", "value_error"), ("gender", "enum"), ("last_name", "missing")]


@pytest.mark.parametrize("raw", [None, 5, "text", [], [["first_name", "A"]], True])
def test_a_row_that_is_no_object_fails_alone(bulk, raw):
    response = bulk([row(1), raw])
    assert statuses_of(response) == ["created", "failed"]
    assert faults(response, 1) == [("", "value_error")]


def test_chart_numbers_are_unique_among_rows_and_with_what_is_stored(clinic, bulk):
    clinic.patient(chart_number="HV-1")
    archive(clinic.patient(chart_number="HV-3"))
    response = bulk(
        [
            row(1, chart_number="hv-1"),
            row(2, chart_number="HV-2"),
            row(3, chart_number="hv-2 "),
            row(4, chart_number="HV-3"),
            row(5, chart_number=""),
            row(6, chart_number=""),
        ]
    )
    assert statuses_of(response) == ["failed", "created", "failed", "created", "created", "created"]
    assert faults(response, 0) == faults(response, 2) == [("chart_number", "conflict")]
    assert response.json()["results"][0]["errors"][0]["msg"] == "duplicate chart number"


def test_the_row_before_a_duplicate_must_have_been_good_to_keep_its_number(bulk):
    response = bulk([row(1, chart_number="HV-2", gender="x"), row(2, chart_number="HV-2"), row(3, chart_number="HV-2")])
    assert statuses_of(response) == ["failed", "created", "failed"]


def test_chunks_do_not_show(clinic, bulk, monkeypatch):
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 3)
    rows = [row(number, chart_number=f"HV-{number % 5}") for number in range(10)]
    assert statuses_of(bulk(rows)) == ["created"] * 5 + ["failed"] * 5
    assert AuditEvent.objects.filter(action="patient.bulk_create", outcome="ok").count() == 2
    assert Patient.objects.filter(organization=clinic.organization).count() == 5


def test_guarantors_must_be_visible_and_not_archived(clinic, neighbour, bulk):
    good, gone = clinic.patient(), archive(clinic.patient())
    rows = [row(number, responsible_party_uuid=str(one.uuid)) for number, one in enumerate([good, gone, neighbour.patient()])]
    response = bulk(rows)
    assert statuses_of(response) == ["created", "failed", "failed"]
    assert Patient.objects.get(first_name="First0").responsible_party == good


def test_what_belongs_to_a_neighbour_cannot_be_told_from_what_does_not_exist(clinic, neighbour, bulk):
    unknown = "00000000-0000-0000-0000-000000000000"
    foreign = str(neighbour.catalogs["provider"].uuid)
    response = bulk([row(1, primary_provider_uuid=foreign), row(2, primary_provider_uuid=unknown)])
    first, second = (result["errors"][0]["msg"] for result in response.json()["results"])
    assert statuses_of(response) == ["failed", "failed"]
    assert first == second


def test_unknown_fields_and_another_organization_change_nothing(clinic, neighbour, bulk):
    strange = {
        "org_id": str(neighbour.organization.uuid),
        "organization": neighbour.organization.pk,
        "id": 1,
        "version": 9,
        "deleted_at": "2020-01-01T00:00:00Z",
        "balance_total": "5.00",
        "user_id": 1,
        "search_text": "x",
    }
    assert statuses_of(bulk([row(1, **strange)])) == ["created"]
    patient = Patient.objects.get()
    assert (patient.organization, patient.version, patient.deleted_at, patient.balance_total) == (clinic.organization, 1, None, 0)


def test_a_new_patient_takes_no_uuid_and_no_version_from_its_row(clinic, bulk):
    known = clinic.patient()
    response = bulk([row(1, uuid=str(known.uuid), base_version=7)])
    assert statuses_of(response) == ["created"]
    assert response.json()["results"][0]["uuid"] != str(known.uuid)
    assert Patient.objects.get(first_name="First1").version == 1


# --- who ------------------------------------------------------------------------------------------


def test_patients_of_a_caregiver_join_their_default_group(clinic, bulk):
    other = str(clinic.other_group.uuid)
    response = bulk([row(1), row(2, care_group_uuid=str(clinic.group.uuid)), row(3, care_group_uuid=other)], Role.HC_PRIMARY)
    assert statuses_of(response) == ["created", "created", "failed"]
    assert set(Patient.objects.values_list("care_group_id", flat=True)) == {clinic.group.pk}


def test_a_caregiver_without_a_group_makes_nobody(clinic, bulk):
    clinic.users[Role.HC_PRIMARY].memberships.all().delete()
    response = bulk([row(1)], Role.HC_PRIMARY)
    assert statuses_of(response) == ["failed"]
    assert faults(response, 0) == [("", "forbidden")]


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.PATIENT])
def test_who_may_not_write_imports_nothing(bulk, role):
    assert bulk([row(1)], role).status_code == 403
    assert not Patient.objects.exists()


def test_rows_that_name_what_is_hidden_are_recorded_as_refused(clinic, neighbour, bulk):
    bulk([row(1, responsible_party_uuid=str(neighbour.patient().uuid))])
    assert AuditEvent.objects.filter(action="patient.bulk", outcome="denied").count() == 1


# --- validate_only and abort ------------------------------------------------------------------------


def test_validate_only_tells_the_same_and_writes_nothing(clinic, bulk):
    clinic.patient(chart_number="HV-1")
    before = [model.objects.count() for model in (Patient, NameKey, AuditEvent, AuditedPatient, OutboxEvent)]
    rows = [row(1), row(2, chart_number="HV-1"), row(3, chart_number="HV-2"), row(4, chart_number="HV-2"), row(5, gender="x")]
    checked = bulk(rows, validate_only=True)
    assert statuses_of(checked) == ["validated", "failed", "validated", "failed", "failed"]
    assert {result["uuid"] for result in checked.json()["results"]} == {None}
    assert [model.objects.count() for model in (Patient, NameKey, AuditEvent, AuditedPatient, OutboxEvent)] == before
    done = bulk(rows)
    assert [result["errors"] for result in done.json()["results"]] == [result["errors"] for result in checked.json()["results"]]


def test_abort_writes_nothing_where_one_row_is_bad(clinic, bulk):
    response = bulk([row(1), row(2, gender="x"), row(3)], on_error="abort")
    assert statuses_of(response) == ["skipped", "failed", "skipped"]
    assert not Patient.objects.exists()
    assert not OutboxEvent.objects.filter(type="patient.created").exists()


def test_abort_writes_everything_where_all_rows_are_good(clinic, bulk):
    assert statuses_of(bulk([row(number) for number in range(700)], on_error="abort")) == ["created"] * 700
    assert Patient.objects.filter(organization=clinic.organization).count() == 700
    assert AuditEvent.objects.filter(action="patient.bulk_create", outcome="ok").count() == 1
