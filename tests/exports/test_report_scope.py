"""Whose rows reports show to whom, and how much of them."""

import pytest
from django.utils import timezone

from accounts.models import Role, UserStatusChange
from clinical.models import MonitoringAlert, MonitoringAlertStatus
from config.core.encryption import seal
from exports.registry import REPORTS
from patients.models import Patient
from tests.exports.rows import (
    ALWAYS,
    OF_PATIENTS,
    OF_PEOPLE,
    add_row,
    caregiver,
    cells_of,
    lines_of,
    page,
    parameters_for,
    stop,
    stream,
    who,
)
from tests.factories import Clinic, archive

CAREGIVERS = (Role.HC_PRIMARY, Role.HC_SECONDARY)
STAFF = (Role.HC_ADMIN, Role.HC_VIEW_ALL)
FORMS = ("", ".csv", ".ndjson")


def shown(client, name: str) -> list[list[str]]:
    """Return whom a report is about: as a page, and as both streams."""
    found = (page(client, name), cells_of(stream(client, name, "csv")), lines_of(stream(client, name, "ndjson")))
    return [[who(name, row) for row in rows] for rows in found]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["nope", "Patients", "patients.xlsx", "patients.csv.csv", ""])
def test_an_unknown_report_is_404_in_the_dialects_shape(api, name, form):
    answer = api()("POST", f"/v1/export/{name}{form}") if name or form else api().get("/v1/export")
    assert answer.status_code == 404
    assert answer.json() == {"meta": {}, "errors": [{"code": "not_found", "message": "Not found"}]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", REPORTS)
def test_patients_get_no_report(clinic, api, name, form):
    assert clinic.own_patient
    answer = api(Role.PATIENT).get(f"/v1/export/{name}{form}", parameters_for(name))
    assert answer.status_code == 403
    assert [error["code"] for error in answer.json()["errors"]] == ["forbidden"]


@pytest.mark.parametrize("name", OF_PATIENTS)
def test_each_role_gets_the_rows_of_the_patients_whom_it_sees(clinic, neighbour, api, name):
    mine, other = add_row(clinic, name), add_row(clinic, name, clinic.other_group)
    alone = add_row(clinic, name)
    Patient.objects.filter(pk=getattr(alone, "patient_id", alone.pk)).update(care_group=None)
    foreign = add_row(neighbour, name)
    places = {place: who(name, row) for place, row in {"mine": mine, "other": other, "alone": alone, "foreign": foreign}.items()}
    for role in CAREGIVERS:
        assert shown(api(role), name) == [[places["mine"]]] * 3
    for role in STAFF:
        assert shown(api(role), name) == [[places["mine"], places["other"], places["alone"]]] * 3
    assert shown(api(Role.FC_ADMIN), name) == [list(places.values())] * 3


@pytest.mark.parametrize("name", OF_PATIENTS)
def test_rows_of_archived_patients_stay(clinic, api, name):
    row = add_row(clinic, name)
    archive(Patient.objects.get(uuid=who(name, row)))
    assert who(name, row) in shown(api(), name)[0]


def test_an_archived_patient_is_shown_as_stopped(clinic, api):
    archive(add_row(clinic, "patients"))
    assert [row["Status"] for row in page(api(), "patients")] == ["stopped"]


@pytest.mark.parametrize("name", OF_PEOPLE)
def test_caregivers_get_themselves_and_who_shares_a_group_with_them(clinic, neighbour, api, name):
    people = {
        "colleague": caregiver(clinic, clinic.group),
        "in both groups": caregiver(clinic, clinic.group, clinic.other_group),
        "of another group": caregiver(clinic, clinic.other_group),
        "administrator": caregiver(clinic, role=Role.HC_ADMIN),
        "foreign": caregiver(neighbour, neighbour.group),
    }
    own = str(clinic.users[Role.HC_PRIMARY].uuid)
    for user in people.values():
        stop(user)
    uuids = {name: str(user.uuid) for name, user in people.items()}
    known = {uuids["colleague"], uuids["in both groups"]}
    for found in shown(api(Role.HC_PRIMARY), name):
        assert len(found) == len(set(found))
        assert set(found) & set(uuids.values()) == known
        assert (own in found) == (name == "hcps")
    for role in STAFF:
        assert set(shown(api(role), name)[0]) & set(uuids.values()) == set(uuids.values()) - {uuids["foreign"]}
    assert set(uuids.values()) <= set(shown(api(Role.FC_ADMIN), name)[0])


@pytest.mark.parametrize("role", CAREGIVERS)
def test_caregivers_without_a_group_get_themselves_only(clinic, api, role):
    user = clinic.users[role]
    user.memberships.all().delete()
    assert shown(api(role), "hcps") == [[str(user.uuid)]] * 3
    assert shown(api(role), "usersStatusChangeReasons") == [[]] * 3


def test_logins_of_patients_are_no_staff_and_their_changes_are_told_to_their_groups(clinic, api):
    login = clinic.users[Role.PATIENT]
    other = caregiver(clinic, role=Role.PATIENT)
    assert clinic.own_patient
    clinic.patient(user_id=other.pk, care_group_id=clinic.other_group.pk)
    for user in (login, other):
        stop(user)
    assert {str(login.uuid), str(other.uuid)}.isdisjoint(shown(api(), "hcps")[0])
    assert shown(api(), "usersStatusChangeReasons")[0] == [str(login.uuid), str(other.uuid)]
    assert shown(api(Role.HC_PRIMARY), "usersStatusChangeReasons")[0] == [str(login.uuid)]


def test_a_colleagues_groups_and_alerts_are_those_that_the_caller_sees(clinic, api):
    colleague = caregiver(clinic, clinic.group, clinic.other_group)
    for group in (clinic.group, clinic.other_group, clinic.other_group):
        patient = clinic.patient(care_group_id=group.pk)
        clinic.entry(MonitoringAlert, patient, status=MonitoringAlertStatus.PROCESSED, processed_by_id=colleague.pk)
    everything, part = (
        next(row for row in page(api(role), "hcps") if row["UUID"] == str(colleague.uuid))
        for role in (Role.HC_ADMIN, Role.HC_PRIMARY)
    )
    assert (everything["Groups"], everything["Processed_Alerts"]) == ("Hill Valley Team A, Hill Valley Team B", 3)
    assert (part["Groups"], part["Processed_Alerts"]) == ("Hill Valley Team A", 1)


def test_people_without_groups_or_alerts_have_none(clinic, api):
    row = next(row for row in page(api(), "hcps") if row["Role"] == "hc_view_all")
    assert (row["Groups"], row["Processed_Alerts"]) == ("", 0)


def test_what_a_superadmin_did_is_told_in_utc(clinic, api):
    superadmin = clinic.users[Role.FC_ADMIN]
    other = Clinic("Moon").users[Role.FC_ADMIN]
    stop(other)
    other.last_login = timezone.now()
    other.save(update_fields=["last_login"])
    (row,) = page(api(Role.FC_ADMIN), "usersStatusChangeReasons")
    assert row["Created_Date"] == UserStatusChange.objects.get().created_at.strftime("%Y-%m-%d %H:%M:%S")
    rows = {row["UUID"]: row for row in page(api(Role.FC_ADMIN), "hcps")}
    assert rows[str(other.uuid)]["Last_Login_At"] == other.last_login.strftime("%Y-%m-%d %H:%M:%S")
    assert str(superadmin.uuid) in rows


@pytest.mark.parametrize(
    ("role", "expected"),
    [(Role.FC_ADMIN, "123456782"), (Role.HC_ADMIN, "123456782"), (Role.HC_PRIMARY, "123456782"), (Role.HC_VIEW_ALL, "6782")],
)
def test_the_citizen_number_is_shown_as_everywhere(clinic, api, role, expected):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    Patient.objects.filter(pk=patient.pk).update(bsn_sealed=seal("123456782", "patient.bsn", patient.uuid))
    (row,) = page(api(role), "patients")
    (cell,) = cells_of(stream(api(role), "patients", "csv"))
    assert row["BSN"] == cell["BSN"]
    assert row["BSN"].endswith(expected)
    assert ("123456782" in row["BSN"]) == (len(expected) == 9)


def test_nobody_elses_cursor_opens_a_report(clinic, api):
    for _ in range(3):
        add_row(clinic, "alerts")
    cursor = api().get("/v1/export/alerts", {**ALWAYS, "perPage": 1}).json()["meta"]["nextCursor"]
    for role, days in ((Role.HC_VIEW_ALL, ALWAYS), (Role.HC_ADMIN, {**ALWAYS, "endDate": "2098-12-31"})):
        answer = api(role).get("/v1/export/alerts", {**days, "cursor": cursor})
        assert answer.status_code == 422
        assert [error["attribute"] for error in answer.json()["errors"]] == ["cursor"]
