"""Archive, restore, transition: what each does, and what it refuses."""

import datetime

import pytest

from accounts.models import OutboxEvent
from patients.models import Patient, Status
from patients.services.lifecycle import TRANSITIONS
from tests.factories import archive


@pytest.fixture
def patient(clinic):
    return clinic.patient(first_name="Ada", last_name="Quist", chart_number="Q1")


def act(api, clinic, patient, action, body=None):
    return api().post(f"{clinic.base}/patients/{patient.uuid}/{action}", body)


def status_of(patient) -> str:
    return Patient.objects.values_list("status", flat=True).get(pk=patient.pk)


def events_of(patient) -> list[str]:
    return list(OutboxEvent.objects.filter(subject_uuid=patient.uuid).values_list("type", flat=True))


def test_archive_takes_the_patient_out_of_list_search_and_count(api, clinic, patient):
    answer = act(api, clinic, patient, "archive")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["version"]) == ("archived", 2)
    assert answer.json()["deleted_at"] is not None
    assert api().get(f"{clinic.base}/patients").json()["total"] == 0
    assert api().get(f"{clinic.base}/patients/search", {"q": "quist"}).json() == {"items": [], "total": 0}
    assert api().get(f"{clinic.base}/patients/{patient.uuid}").json()["deleted_at"] == answer.json()["deleted_at"]
    assert events_of(patient)[-1] == "patient.archived"


def test_archive_refuses_the_guarantor_of_others(api, clinic, patient):
    dependent = clinic.patient(responsible_party_id=patient.pk)
    answer = act(api, clinic, patient, "archive")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]
    archive(dependent)
    assert act(api, clinic, patient, "archive").status_code == 200


def test_archived_guarantor_cannot_be_named(api, clinic, patient):
    archive(patient)
    body = {"first_name": "Bo", "last_name": "Quist", "responsible_party_uuid": str(patient.uuid)}
    assert api().post(f"{clinic.base}/patients", body).status_code == 404


def test_restore_gives_an_inactive_patient_that_is_found_again(api, clinic, patient):
    archive(patient)
    answer = act(api, clinic, patient, "restore")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["deleted_at"], answer.json()["version"]) == ("inactive", None, 3)
    assert api().get(f"{clinic.base}/patients/search", {"q": "quist"}).json()["total"] == 1
    assert events_of(patient)[-1] == "patient.restored"


def test_restore_of_a_patient_who_is_not_archived_is_422(api, clinic, patient):
    assert act(api, clinic, patient, "restore").status_code == 422


def test_restore_is_409_when_the_chart_number_has_been_given_away(api, clinic, patient):
    archive(patient)
    clinic.patient(chart_number="q1")
    answer = act(api, clinic, patient, "restore")
    assert (answer.status_code, answer.json()) == (409, {"detail": "duplicate chart number"})
    assert status_of(patient) == "archived"


def test_restore_is_422_while_the_guarantor_is_archived(api, clinic, patient):
    dependent = archive(clinic.patient(responsible_party_id=patient.pk))
    archive(patient)
    answer = act(api, clinic, dependent, "restore")
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "guarantor")
    assert status_of(dependent) == "archived"
    assert act(api, clinic, patient, "restore").status_code == 200
    assert act(api, clinic, dependent, "restore").status_code == 200


def test_restored_patient_keeps_the_time_of_death_and_can_be_changed(api, clinic):
    dead = clinic.patient(status="deceased", date_time_deceased=datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC))
    archive(dead)
    restored = act(api, clinic, dead, "restore").json()
    assert restored["date_time_deceased"] == "2024-05-01T10:00:00Z"
    body = {"base_version": restored["version"], "city": "Delft"}
    assert api().patch(f"{clinic.base}/patients/{dead.uuid}", body).status_code == 200


@pytest.mark.parametrize("before", [status for status in Status if status is not Status.ARCHIVED])
@pytest.mark.parametrize("after", list(Status))
def test_transitions_follow_the_table(api, clinic, before, after):
    patient = clinic.patient(status=before)
    answer = act(api, clinic, patient, "transition-status", {"base_version": 1, "new_status": after})
    if after in TRANSITIONS[before]:
        assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, after, 2)
        assert events_of(patient)[-1] == f"patient.{after}"
    else:
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "new_status"]
        assert status_of(patient) == before


def test_transition_from_a_stale_version_is_409(api, clinic, patient):
    body = {"base_version": 7, "new_status": "inactive"}
    answer = act(api, clinic, patient, "transition-status", body)
    assert (answer.status_code, answer.json()) == (409, {"detail": "Version conflict: expected 1, got 7"})


def test_transition_from_a_stale_version_is_409_even_where_no_way_leads_there_any_more(api, clinic, patient):
    assert act(api, clinic, patient, "transition-status", {"base_version": 1, "new_status": "inactive"}).status_code == 200
    answer = act(api, clinic, patient, "transition-status", {"base_version": 1, "new_status": "inactive"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "Version conflict: expected 2, got 1"})


def test_transition_keeps_when_the_patient_stopped(api, clinic, patient):
    act(api, clinic, patient, "transition-status", {"base_version": 1, "new_status": "inactive"})
    assert Patient.objects.get(pk=patient.pk).stopped_at is not None
    act(api, clinic, patient, "transition-status", {"base_version": 2, "new_status": "active"})
    assert Patient.objects.get(pk=patient.pk).stopped_at is None
