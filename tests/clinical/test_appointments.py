"""Appointments: made, listed and read, by whoever sees the patient."""

import datetime

import pytest

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from clinical.models import Appointment
from tests.factories import NOON, archive


@pytest.fixture
def appointments(clinic) -> str:
    return f"{clinic.base}/appointments"


def affected_patients(action: str) -> set[int]:
    """Return the patients of the last event of `action`."""
    event = AuditEvent.objects.filter(action=action, outcome="ok").latest("id")
    return set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True))


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json()["items"]]


def test_an_appointment_is_made_with_all_it_names(clinic, api, appointments):
    patient, provider, location = clinic.own_patient, clinic.catalogs["provider"], clinic.catalogs["location"]
    body = {
        "patient_uuid": str(patient.uuid),
        "provider_uuid": str(provider.uuid),
        "location_uuid": str(location.uuid),
        "starts_at": "2030-03-04T09:00:00+01:00",
        "ends_at": "2030-03-04T09:20:00+01:00",
        "status": "confirmed",
        "note": "Fasting",
    }
    answer = api(Role.HC_PRIMARY).post(appointments, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["patient"] == {"uuid": str(patient.uuid), "name": patient.full_name}
    assert (shown["provider"]["name"], shown["location"]["name"]) == (provider.name, location.name)
    assert (shown["starts_at"], shown["ends_at"]) == ("2030-03-04T08:00:00Z", "2030-03-04T08:20:00Z")
    assert (shown["status"], shown["note"], shown["version"], shown["deleted_at"]) == ("confirmed", "Fasting", 1, None)
    assert affected_patients("appointment.create") == {patient.pk}
    assert str(OutboxEvent.objects.get(type="appointment.created").subject_uuid) == shown["id"]


def test_a_patient_and_a_time_are_enough(clinic, api, appointments):
    body = {"patient_uuid": str(clinic.patient().uuid), "starts_at": "2030-03-04T09:00:00Z", "status": None, "ends_at": None}
    shown = api().post(appointments, body).json()
    assert (shown["status"], shown["ends_at"], shown["provider"], shown["note"]) == ("scheduled", None, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("patient_uuid", None),
        ("starts_at", None),
        ("starts_at", "2030-03-04"),
        ("starts_at", "2030-03-04T09:00:00"),
        ("status", "late"),
        ("ends_at", "2030-03-04T09:00:00Z"),
        ("ends_at", "2030-03-04T08:59:00Z"),
        ("note", 1),
    ],
)
def test_values_that_make_no_sense_are_named(clinic, api, appointments, field, value):
    body = {"patient_uuid": str(clinic.patient().uuid), "starts_at": "2030-03-04T09:00:00Z", field: value}
    answer = api().post(appointments, body)
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["body", field]])
    assert not Appointment.objects.exists()


def test_an_archived_patient_gets_none(clinic, api, appointments):
    body = {"patient_uuid": str(archive(clinic.patient()).uuid), "starts_at": "2030-03-04T09:00:00Z"}
    assert api().post(appointments, body).status_code == 404


def test_the_list_is_by_time_and_tells_whose_rows_were_read(clinic, api, appointments):
    one, two = clinic.patient(), clinic.patient()
    later = clinic.appointment(one, starts_at=NOON + datetime.timedelta(hours=1))
    sooner, last = clinic.appointment(two), clinic.appointment(one, starts_at=NOON + datetime.timedelta(days=1))
    answer = api().get(appointments)
    assert ids(answer) == [str(row.uuid) for row in (sooner, later, last)]
    assert affected_patients("appointment.search") == {one.pk, two.pk}
    assert AuditEvent.objects.filter(action="appointment.search", outcome="ok").count() == 1


def test_the_list_of_one_patient(clinic, api, appointments):
    patient = clinic.patient()
    row = clinic.appointment(patient)
    clinic.appointment(clinic.patient())
    assert ids(api().get(appointments, {"patient_uuid": str(patient.uuid)})) == [str(row.uuid)]
    assert affected_patients("appointment.search") == {patient.pk}


def test_those_of_an_archived_patient_leave_the_list_and_still_answer(clinic, api, appointments):
    patient = clinic.patient()
    row = clinic.appointment(patient)
    archive(patient)
    assert api().get(appointments).json()["total"] == 0
    assert api().get(f"{appointments}/{row.uuid}").status_code == 200
    assert affected_patients("appointment.read") == {patient.pk}


def test_a_caregiver_sees_those_of_the_own_groups(clinic, api, appointments):
    row = clinic.appointment(clinic.patient(care_group_id=clinic.group.pk))
    hidden = clinic.appointment(clinic.patient(care_group_id=clinic.other_group.pk))
    assert ids(api(Role.HC_PRIMARY).get(appointments)) == [str(row.uuid)]
    assert api(Role.HC_PRIMARY).get(f"{appointments}/{hidden.uuid}").status_code == 404
    body = {"patient_uuid": str(hidden.patient.uuid), "starts_at": "2030-03-04T09:00:00Z"}
    assert api(Role.HC_PRIMARY).post(appointments, body).status_code == 404


def test_patients_see_their_own_without_the_note(clinic, api, appointments):
    row = clinic.appointment(clinic.own_patient, note="Do not tell")
    clinic.appointment(clinic.patient(), note="Do not tell")
    answer = api(Role.PATIENT).get(appointments)
    assert ids(answer) == [str(row.uuid)]
    assert "note" not in answer.json()["items"][0]
    assert b"Do not tell" not in api(Role.PATIENT).get(f"{appointments}/{row.uuid}").content


# --- what speaks against a time -----------------------------------------------------------------------
def test_the_answer_warns_of_the_same_time_booked_twice_and_of_a_time_that_has_passed(clinic, api, appointments):
    patient, other, provider = clinic.patient(), clinic.patient(last_name="Okafor"), str(clinic.catalogs["provider"].uuid)
    body = {"patient_uuid": str(patient.uuid), "provider_uuid": provider, "starts_at": "2030-03-04T09:00:00Z"}
    first = api().post(appointments, body).json()
    assert first["warnings"] == []
    twice = api().post(appointments, body)
    assert (twice.status_code, [one["code"] for one in twice.json()["warnings"]]) == (201, ["overlap_of_patient"])
    assert affected_patients("appointment.search") == {patient.pk}
    theirs = api().post(appointments, {**body, "patient_uuid": str(other.uuid)}).json()["warnings"]
    assert [(one["code"], one["severity"]) for one in theirs] == [("overlap_of_provider", "high")] * 2
    path = f"{appointments}/{first['id']}"
    assert api().get(path).json()["warnings"] == []
    moved = api().patch(path, {"base_version": 1, "starts_at": "2020-03-04T09:00:00Z"}).json()
    assert [(one["code"], one["severity"]) for one in moved["warnings"]] == [("past", "moderate")]
    assert api().patch(path, {"base_version": 2, "status": "cancelled"}).json()["warnings"] == []


def test_a_warning_names_no_patient_whom_the_caller_does_not_see(clinic, api, appointments):
    hidden = clinic.patient(last_name="Okafor")
    body = {"provider_uuid": str(clinic.catalogs["provider"].uuid), "starts_at": "2030-03-04T09:00:00Z"}
    api().post(appointments, {**body, "patient_uuid": str(hidden.uuid)})
    answer = api(Role.HC_PRIMARY).post(appointments, {**body, "patient_uuid": str(clinic.own_patient.uuid)})
    (warning,) = answer.json()["warnings"]
    assert (warning["code"], "Okafor" in warning["message"]) == ("overlap_of_provider", False)
    assert not AuditEvent.objects.filter(action="appointment.search").exists()
