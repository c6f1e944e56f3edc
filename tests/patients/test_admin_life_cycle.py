"""Archive, restore, another status, death and numbers in clear, in dialogs."""

import datetime

import pytest

from accounts.models import AuditedPatient, Role
from patients.models import Status
from tests.factories import archive
from tests.pages import sign_in


def path(patient, event: str) -> str:
    return f"/admin/patients/patient/{patient.pk}/life-cycle/{event}/"


@pytest.fixture
def client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def test_a_chart_is_archived_and_restored(clinic, client):
    patient = clinic.patient()
    assert "leaves lists" in client.get(path(patient, "archive")).content.decode()
    answer = client.post(path(patient, "archive"))
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
    patient.refresh_from_db()
    assert patient.status == Status.ARCHIVED
    assert client.post(path(patient, "archive")).status_code == 404
    assert client.post(path(patient, "restore")).status_code == 204
    patient.refresh_from_db()
    assert (patient.status, patient.deleted_at) == (Status.INACTIVE, None)


def test_a_refusal_of_the_service_is_said_in_the_dialog(clinic, client):
    patient = clinic.patient()
    clinic.patient(responsible_party_id=patient.pk)
    answer = client.post(path(patient, "archive"))
    assert answer.status_code == 422
    assert "guarantor of active dependents" in answer.content.decode()


def test_a_status_is_one_of_those_that_may_follow(clinic, client):
    patient = clinic.patient()
    dialog = client.get(path(patient, "status")).content.decode()
    assert "Inactive" in dialog
    assert "Deceased" not in dialog
    assert client.post(path(patient, "status"), {"base_version": 1, "new_status": "prospective"}).status_code == 422
    assert client.post(path(patient, "status"), {"base_version": 9, "new_status": "inactive"}).status_code == 422
    assert client.post(path(patient, "status"), {"base_version": 1, "new_status": "inactive"}).status_code == 204
    patient.refresh_from_db()
    assert patient.status == Status.INACTIVE


def test_a_death_has_its_moment_on_the_clock_of_the_clinic(clinic, client):
    clinic.organization.timezone = "America/New_York"
    clinic.organization.save()
    patient = clinic.patient()
    assert client.post(path(patient, "death"), {"at": "2 Mar 2999", "at_time": "09:00"}).status_code == 422
    assert client.post(path(patient, "death"), {"at": "2 Mar 2026", "at_time": "09:00"}).status_code == 204
    patient.refresh_from_db()
    assert patient.status == Status.DECEASED
    assert patient.date_time_deceased == datetime.datetime(2026, 3, 2, 14, tzinfo=datetime.UTC)


@pytest.mark.parametrize("event", ["archive", "restore", "status", "death", "nonsense"])
def test_what_cannot_happen_has_no_dialog(clinic, client, event):
    dead = clinic.patient(status="deceased")
    assert client.get(path(dead, event)).status_code == (200 if event == "archive" else 404)


@pytest.mark.parametrize("event", ["archive", "status", "death"])
def test_who_may_not_write_or_see_changes_nothing(clinic, foreign, event):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    before = patient.version
    assert sign_in(clinic.users[Role.HC_VIEW_ALL]).post(path(patient, event)).status_code == 403
    assert sign_in(foreign.users[Role.HC_ADMIN]).post(path(patient, event)).status_code == 404
    patient.refresh_from_db()
    assert patient.version == before


def test_numbers_in_clear_are_audited_and_kept_from_readers(clinic, client):
    patient = clinic.patient(social_security_number="123-45-6789")
    numbers = f"/admin/patients/patient/{patient.pk}/numbers/"
    assert "123-45-6789" in client.get(numbers).content.decode()
    assert AuditedPatient.objects.filter(patient_id=patient.pk, event__action="patient.reveal_numbers").count() == 1
    assert sign_in(clinic.users[Role.HC_VIEW_ALL]).get(numbers).status_code == 403


def test_the_list_offers_what_may_happen(clinic, client):
    patient, gone = clinic.patient(), clinic.patient()
    archive(gone)
    page = client.get("/admin/patients/patient/").content.decode()
    assert path(patient, "archive") in page
    assert path(patient, "restore") not in page
    assert path(gone, "restore") in client.get("/admin/patients/patient/?status=archived").content.decode()
    assert (
        path(patient, "archive") not in sign_in(clinic.users[Role.HC_VIEW_ALL]).get("/admin/patients/patient/").content.decode()
    )
