"""The history of a record: every change, by whatever door, with old and new values where they are kept."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, Organization, Role, User, UserStatus
from accounts.scope import Actor
from accounts.services.catalogs import update_catalog_row
from accounts.services.users import change_user_status
from config.core.dates import today_at
from patients.models import Patient, Program, Protocol, Provider
from patients.services.enrolments import end_enrolment, enrol_patient
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row
from tests.pages import sign_in, submit, url
from tests.patients.bulk_rows import statuses_of


@pytest.fixture
def desk(clinic):
    admin = clinic.users[Role.HC_ADMIN]
    admin.first_name, admin.last_name = "Alex", "Moreau"
    admin.save()
    return sign_in(admin)


@pytest.fixture
def patient(clinic):
    return clinic.patient(first_name="Hugo", last_name="Abernathy", care_group_id=clinic.group.pk)


def changes(client, row, **query):
    return list(client.get(url(type(row), "history", row.pk), query).context["changes"])


def told(client, row) -> list[tuple[str, str, str]]:
    return [(change.doer.name, change.what, change.door) for change in changes(client, row)]


def values(client, row) -> list[tuple[str, str | None, str]]:
    return [(value.label, value.before, value.after) for change in changes(client, row) for value in change.values]


def version(patient: Patient) -> int:
    return Patient.objects.get(pk=patient.pk).version


def test_changes_by_every_door_are_in_the_history_of_a_patient(clinic, patient, desk, bulk):
    key = ApiClient(clinic.keys[Role.HC_ADMIN])
    assert key.patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": 1, "city": "Hill"}).status_code == 200
    assert submit(desk, Patient, patient.pk, city="Dale").status_code == 302
    answer = bulk([{"uuid": str(patient.uuid), "email": "hugo@example.org"}], mode="update", match_on="uuid")
    assert statuses_of(answer) == ["updated"]
    found = told(desk, patient)
    assert ("Key “tests”", "changed the record", "Practice API") in found
    assert ("Alex Moreau", "changed the record", "Admin") in found
    assert ("Key “tests”", "changed the patient in one request", "Practice API") in found
    assert found[-1][1:] == ("registered the patient", "A task of the server")
    fields = {change.fields for change in changes(desk, patient)}
    assert {"city", "email"} <= fields


def test_old_and_new_values_stand_where_the_histories_keep_them(clinic, patient, desk):
    key = ApiClient(clinic.keys[Role.HC_ADMIN])
    for status in ("inactive", "active"):
        body = {"new_status": status, "base_version": version(patient)}
        assert key.post(f"{clinic.base}/patients/{patient.uuid}/transition-status", body).status_code == 200
    for receives in (True, False):
        body = {"base_version": version(patient), "receives_sms": receives}
        assert key.patch(f"{clinic.base}/patients/{patient.uuid}", body).status_code == 200
    assert values(desk, patient) == [
        ("Gets SMS", "yes", "no"),
        ("Gets SMS", None, "yes"),
        ("Status", "Inactive", "Active"),
        ("Status", None, "Inactive"),
    ]


def test_programs_that_a_patient_was_in_are_there_with_what_was_before(clinic, patient, desk):
    program, protocol = clinic.row(Program), clinic.row(Protocol)
    about = {"actor": SYSTEM, "patient_id": patient.pk}
    day = today_at(clinic.organization.timezone)
    made = enrol_patient(**about, program=program, protocol=protocol, start_date=day)
    end_enrolment(**about, enrolment_id=made.pk, end_date=day)
    ended, begun, *_ = changes(desk, patient)
    assert (ended.what, begun.what) == ("ended an enrolment", "added an enrolment")
    assert {(value.label, value.before, value.after) for value in ended.values} == {
        ("Program", program.name, "none"),
        ("Protocol", protocol.name, "none"),
    }
    assert {(value.before, value.after) for value in begun.values} == {("none", program.name), ("none", protocol.name)}


def test_no_sealed_value_is_in_a_history_and_no_read_or_sign_in(clinic, patient, desk):
    key = ApiClient(clinic.keys[Role.HC_ADMIN])
    body = {"base_version": 1, "social_security_number": "123-45-6789"}
    assert key.patch(f"{clinic.base}/patients/{patient.uuid}", body).status_code == 200
    key.get(f"{clinic.base}/patients/{patient.uuid}")
    page = desk.get(url(Patient, "history", patient.pk)).content.decode()
    assert "social security number" in page
    assert "6789" not in page
    assert len(changes(desk, patient)) == 2
    admin = clinic.users[Role.HC_ADMIN]
    before = len(changes(desk, admin))
    desk.post("/admin/logout/")
    assert len(changes(sign_in(admin), admin)) == before


def test_the_status_of_a_person_has_its_reason(clinic, desk):
    user = User.objects.get(pk=clinic.users[Role.HC_SECONDARY].pk)
    change_user_status(actor=SYSTEM, user=user, status=UserStatus.STOPPED, reason="Left the clinic")
    change = changes(desk, user)[0]
    assert change.what.startswith("changed the status of the login")
    assert [(value.before, value.after) for value in change.values] == [("Active", "Stopped: Left the clinic")]


def test_catalogs_and_keys_have_a_history_too(clinic, desk):
    provider = clinic.row(Provider)
    update_catalog_row(actor=Actor.system("manage.py x"), row=provider, base_version=1, changes={"name": "Dr. Stone"})
    assert told(desk, provider)[0] == ("A task of the server", "changed the provider “Dr. Stone”", "A task of the server")
    key = key_row(clinic.keys[Role.HC_PRIMARY])
    assert told(desk, key)[0][1].startswith("issued the API key")
    assert desk.get(url(Organization, "history", clinic.organization.pk)).status_code == 200


def test_a_history_costs_the_same_statements_for_one_change_and_for_many(clinic, patient, desk):
    key = ApiClient(clinic.keys[Role.HC_ADMIN])

    def change(*, receives: bool) -> None:
        body = {"base_version": version(patient), "receives_sms": receives}
        assert key.patch(f"{clinic.base}/patients/{patient.uuid}", body).status_code == 200

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            changes(desk, patient)
        return len(captured)

    change(receives=True)
    statements()
    few = statements()
    for receives in (False, True, False):
        change(receives=receives)
    assert len(values(desk, patient)) == 4
    assert statements() == few


def test_pages_follow_each_other(clinic, patient, desk, monkeypatch):
    monkeypatch.setattr("accounts.admin.history.CHANGES", 1)
    key = ApiClient(clinic.keys[Role.HC_ADMIN])
    assert key.patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": 1, "city": "Hill"}).status_code == 200
    assert [changes(desk, patient, p=page)[0].what for page in (1, 2)] == ["changed the record", "registered the patient"]


def test_the_history_of_a_patient_is_for_those_who_see_the_patient_and_audited(clinic, patient):
    other = clinic.patient(care_group_id=clinic.other_group.pk)
    nurse = sign_in(clinic.users[Role.HC_PRIMARY])
    assert nurse.get(url(Patient, "history", other.pk)).status_code == 302
    assert changes(nurse, patient)[0].what == "registered the patient"
    assert AuditedPatient.objects.filter(patient_id=patient.pk, event__action="patient.history").count() == 1
