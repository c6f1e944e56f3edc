"""What patients plan to measure beside the schedule of their protocol."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import OutboxEvent, Role
from clinical.models import MonitoringAlert, PlannedAction
from clinical.services.monitoring import raise_overdue_alerts
from tests.clinical.monitored import end_enrolment
from tests.clinical.rules import LATE
from tests.factories import SYSTEM

HOUR = datetime.timedelta(hours=1)
NOW = timezone.now().replace(microsecond=0)


def planned(instrument: str = "weight", begins: datetime.datetime = NOW - HOUR, ends: datetime.datetime = NOW + HOUR) -> dict:
    return {"instrument": instrument, "notBefore": begins.isoformat(), "expiresAt": ends.isoformat()}


def path_of(patient) -> str:
    return f"/v1/patients/{patient.uuid}/plannedActions"


@pytest.fixture
def patient(ward):
    """The patient who has a key, enrolled under a protocol that schedules nothing."""
    return ward.clinic.own_patient


def test_a_patient_plans_a_measurement_and_sees_it(ward, patient, api):
    answer = api(Role.PATIENT).post(path_of(patient), planned())
    assert answer.status_code == 201, answer.content
    shown = answer.json()["data"]
    assert (shown["instrument"], shown["plannedVia"], shown["selfPlanned"], shown["completedAt"]) == (
        "weight",
        "self",
        True,
        None,
    )
    assert datetime.datetime.fromisoformat(shown["notBefore"]) == NOW - HOUR
    assert api(Role.PATIENT).get(path_of(patient)).json()["data"] == [shown]
    assert str(OutboxEvent.objects.get(type="planned_action.created").subject_uuid) == shown["id"]


def test_the_report_tells_who_planned(ward, patient, api):
    api(Role.PATIENT).post(path_of(patient), planned())
    (row,) = api().get("/v1/export/plannedActions").json()["data"]
    assert (row["Planned_Via"], row["Self_Planned"]) == ("self", 1)


@pytest.mark.parametrize("enrolled", [True, False])
def test_a_measurement_completes_what_the_patient_planned(ward, patient, api, enrolled):
    patient = ward.patient()
    if not enrolled:
        end_enrolment(patient)
    api(Role.HC_PRIMARY).post(path_of(patient), planned())
    ward.measure(patient, 80, NOW)
    assert PlannedAction.objects.get().completed_at == NOW


def test_what_the_patient_planned_is_overdue_like_what_the_schedule_did(ward, api):
    ward.prescribe(LATE)
    patient = ward.patient()
    api(Role.HC_PRIMARY).post(path_of(patient), planned())
    raise_overdue_alerts(actor=SYSTEM, now=NOW + 14 * HOUR)
    assert MonitoringAlert.objects.get().type == "overdue"


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        (planned("unknown"), "instrument"),
        (planned(begins=NOW, ends=NOW), "expiresAt"),
        (planned(begins=NOW, ends=NOW - HOUR), "expiresAt"),
        (planned(begins=NOW - 3 * HOUR, ends=NOW - 2 * HOUR), "expiresAt"),
        ({"instrument": "weight", "notBefore": NOW.isoformat()}, "expiresAt"),
    ],
    ids=["no instrument", "no time", "backwards", "past", "endless"],
)
def test_what_cannot_be_planned_is_refused(ward, patient, api, body, attribute):
    answer = api(Role.PATIENT).post(path_of(patient), body)
    assert (answer.status_code, [error["attribute"] for error in answer.json()["errors"]]) == (422, [attribute])
    assert not PlannedAction.objects.exists()


def test_the_same_is_planned_once(ward, patient, api):
    first, again, other = (api(Role.PATIENT).post(path_of(patient), planned(code)) for code in ("weight", "weight", "pulse"))
    assert (first.status_code, again.status_code, other.status_code) == (201, 409, 201)
    assert [error["attribute"] for error in again.json()["errors"]] == ["notBefore"]


def test_the_list_begins_with_the_earliest_and_knows_days_and_instruments(ward, patient, api):
    for days, code in ((2, "weight"), (1, "pulse"), (3, "pulse")):
        begins = NOW + datetime.timedelta(days=days)
        api(Role.PATIENT).post(path_of(patient), planned(code, begins, begins + HOUR))

    def begins(**query: str) -> list[int]:
        rows = api(Role.PATIENT).get(path_of(patient), query).json()["data"]
        return [round((datetime.datetime.fromisoformat(row["notBefore"]) - NOW) / (24 * HOUR)) for row in rows]

    assert begins() == [1, 2, 3]
    assert begins(instrument="pulse") == [1, 3]
    second = (NOW + datetime.timedelta(days=2)).astimezone(ward.clinic.organization.zone).date().isoformat()
    assert begins(startDate=second, endDate=second) == [2]


def test_nobody_plans_for_others(ward, patient, api):
    other = path_of(ward.patient())
    assert api(Role.PATIENT).post(other, planned()).status_code == 404
    assert api(Role.PATIENT).get(other).status_code == 404
    assert api(Role.HC_VIEW_ALL).post(other, planned()).status_code == 403
