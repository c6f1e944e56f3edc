"""Alerts as staff see them, escalate them and process them, through the public API and its service."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import MonitoringAlert, ProcessedType
from clinical.services.monitoring import process_alert
from config.core.exceptions import Invalid, NotFound
from tests.clinical.monitored import audited, published
from tests.clinical.rules import HEAVY, OVER_100, REMARK
from tests.contracts.facts import table
from tests.factories import NOON, SYSTEM, archive

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


# --- processing -------------------------------------------------------------------------------------
@pytest.fixture
def patient(ward):
    return ward.patient()


@pytest.fixture
def alert(ward, patient) -> MonitoringAlert:
    ward.prescribe(HEAVY)
    ward.measure(patient, 95)
    return MonitoringAlert.objects.get(patient=patient)


def process(alert: MonitoringAlert, status: str, **details) -> None:
    process_alert(actor=SYSTEM, patient_id=alert.patient_id, alert_id=alert.pk, status=status, **details)


ROUTES = {("open", "escalated"), ("open", "processed"), ("escalated", "processed")}


@pytest.mark.parametrize("before", ["open", "escalated", "processed"])
@pytest.mark.parametrize("after", ["open", "escalated", "processed"])
def test_an_alert_goes_from_open_to_escalated_to_processed_and_nowhere_else(alert, api, before, after):
    MonitoringAlert.objects.filter(pk=alert.pk).update(status=before)
    answer = api().patch(f"/v1/alerts/{alert.uuid}", {"status": after})
    assert answer.status_code == (200 if (before, after) in ROUTES else 422)
    alert.refresh_from_db()
    assert alert.status == (after if (before, after) in ROUTES else before)
    if answer.status_code == 422:
        assert [one["attribute"] for one in answer.json()["errors"]] == ["status"]


def test_who_processes_an_alert_leaves_name_time_and_what_was_done(alert, clinic, patient, api):
    nurse, doctor = clinic.users[Role.HC_PRIMARY], clinic.users[Role.HC_ADMIN]
    first = api(Role.HC_PRIMARY).patch(f"/v1/alerts/{alert.uuid}", {"status": "escalated", "action": "Asked the doctor"})
    assert (first.status_code, first.json()["data"]["escalatedBy"]) == (200, str(nurse.uuid))
    body = {"status": "processed", "processedType": "contacted_patient", "additionalInfo": "Feels well"}
    second = api().patch(f"/v1/alerts/{alert.uuid}", body).json()["data"]
    assert (second["status"], second["processedBy"], second["escalatedBy"]) == ("processed", str(doctor.uuid), str(nurse.uuid))
    before, alert = alert.updated_at, MonitoringAlert.objects.get(pk=alert.pk)
    assert (alert.action, alert.additional_info, alert.processed_type) == ("Asked the doctor", "Feels well", "contacted_patient")
    assert before < alert.escalated_at < alert.processed_at
    assert alert.updated_at > before
    assert audited(patient, "monitoring_alert.escalate") == [("monitoring_alert", alert.pk, "action,status")]
    assert audited(patient, "monitoring_alert.process") == [
        ("monitoring_alert", alert.pk, "additional_info,processed_type,status")
    ]
    assert published("monitoring_alert.escalated") == published("monitoring_alert.processed") == [alert.uuid]


def test_null_clears_a_note_and_silence_leaves_it(alert):
    process(alert, "escalated", action="x", additional_info="y")
    process(alert, "processed", action=None)
    alert.refresh_from_db()
    assert (alert.action, alert.additional_info, alert.processed_type) == (None, "y", None)


def test_only_a_processed_alert_has_been_processed_in_some_way(alert):
    with pytest.raises(Invalid) as refusal:
        process(alert, "escalated", processed_type=ProcessedType.REVIEWED)
    assert list(refusal.value.errors) == ["processed_type"]
    process(alert, "escalated", processed_type=None)


def test_an_alert_is_processed_under_its_own_patient_only(alert, ward):
    with pytest.raises(NotFound):
        process_alert(actor=SYSTEM, patient_id=ward.patient().pk, alert_id=alert.pk, status="processed")


BAD = [
    ("status", [None, "", "open", "done", "PROCESSED", 1, True, []]),
    ("processedType", ["", "done", 7, ["reviewed"], {}]),
    ("action", [7, [], {}, "x" * 10_001, "\x00"]),
    ("additionalInfo", [False, "\ud800"]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD for value in values])
def test_a_wrong_body_is_refused_by_name_and_changes_nothing(alert, api, name, value):
    answer = api().patch(f"/v1/alerts/{alert.uuid}", {"status": "processed", name: value})
    assert (answer.status_code, [one["attribute"] for one in answer.json()["errors"]]) == (422, [name])
    assert MonitoringAlert.objects.get(pk=alert.pk).status == "open"


def test_a_body_without_a_status_is_refused_and_unknown_keys_change_nothing(alert, api):
    assert [one["attribute"] for one in api().patch(f"/v1/alerts/{alert.uuid}", {}).json()["errors"]] == ["status"]
    more = {"status": "escalated", "flag": "grey", "processedBy": str(uuid.uuid4()), "createdAt": "2000-01-01T00:00:00Z"}
    answer = api().patch(f"/v1/alerts/{alert.uuid}", more).json()["data"]
    assert (answer["flag"], answer["processedBy"]) == ("orange", None)


# --- the list ---------------------------------------------------------------------------------------
def listed(client, **query) -> list[str]:
    answer = client.get("/v1/alerts", query)
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["data"]]


def test_the_answers_have_the_promised_shape(alert, api, ward, clinic):
    client, public = api(), table("public")
    MonitoringAlert.objects.update(instrument=None, measurement=None, care_group=None, program=None, protocol=None)
    ward.measure(alert.patient, 95, NOON + DAY, comment="x")
    answer = client.get("/v1/alerts")
    assert list(public.faults("Alerts", answer.json())) == []
    assert [one["type"] for one in answer.json()["data"]] == ["measurement"] * 2
    for status in ("escalated", "processed"):
        changed = client.patch(f"/v1/alerts/{alert.uuid}", {"status": status})
        assert list(public.faults("OneAlert", changed.json())) == []
    full = answer.json()["data"][1]
    assert full["groupId"] == str(clinic.group.uuid)
    assert (full["programId"], full["protocolId"]) == (str(ward.protocol.program.uuid), str(ward.protocol.uuid))
    assert full["instrumentId"] == str(ward.instruments["weight"].uuid)


def test_times_are_those_of_the_patients_zone(alert, api):
    MonitoringAlert.objects.update(created_at=datetime.datetime(2026, 7, 1, 22, 30, tzinfo=datetime.UTC))
    (shown,) = api().get("/v1/alerts").json()["data"]
    assert shown["createdAt"] == "2026-07-02T00:30:00+02:00"


def test_the_filters_find_what_they_say(alert, ward, api):
    ward.prescribe(OVER_100, REMARK)
    ward.measure(alert.patient, 105, NOON + DAY, comment="x")
    red, remark = MonitoringAlert.objects.exclude(pk=alert.pk).order_by("type")
    process(red, "processed")
    everything = [str(one.uuid) for one in (alert, *sorted((red, remark), key=lambda one: one.pk))]
    client = api()
    assert listed(client) == everything
    assert listed(client, status="processed") == listed(client, flag="red") == [str(red.uuid)]
    assert listed(client, type="remark", status="open", flag="grey") == [str(remark.uuid)]
    assert listed(client, status="escalated") == listed(client, type="average") == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"flag": "RED"},
        {"type": "Remark"},
        {"startDate": "2030-02-30"},
        {"endDate": "x"},
        {"status": ["open", "open"]},
        {"perPage": "0"},
        {"cursor": "x"},
    ],
)
def test_a_wrong_parameter_is_refused_by_name(api, query):
    answer = api().get("/v1/alerts", query)
    assert (answer.status_code, [one["attribute"] for one in answer.json()["errors"]]) == (422, list(query))


def test_both_days_are_inclusive_and_the_organizations(alert, api):
    """Half past ten in the evening of the 30th in New York, the 1st of July everywhere east of it."""
    MonitoringAlert.objects.update(created_at=datetime.datetime(2026, 7, 1, 2, 30, tzinfo=datetime.UTC))
    client, found = api(), [str(alert.uuid)]
    assert listed(client, startDate="2026-06-30", endDate="2026-06-30") == found
    assert listed(client, startDate="2026-06-01", endDate="2026-07-31") == found
    assert listed(client, startDate="2026-07-01") == listed(client, endDate="2026-06-29") == []


def test_pages_lead_through_all_alerts_in_the_order_of_their_making(ward, patient, api):
    ward.prescribe(HEAVY)
    for day in range(5):
        ward.measure(patient, 95, NOON - day * DAY)
    client, seen, address = api(), [], "/v1/alerts?perPage=2"
    while address:
        page = client.get(address).json()
        seen += [one["id"] for one in page["data"]]
        address = page["meta"]["nextPageUrl"]
    assert seen == [str(one) for one in MonitoringAlert.objects.order_by("created_at", "pk").values_list("uuid", flat=True)]
    assert len(seen) == 5


def test_a_list_costs_the_same_for_any_number_of_alerts(ward, patient, api):
    ward.prescribe(HEAVY)
    client, costs = api(), set()
    for first, last in ((0, 1), (1, 10), (10, 50)):
        ward.evaluate(patient, *(ward.stored(patient, 95, NOON + day * DAY) for day in range(first, last)))
        listed(client, perPage="200")
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(client, perPage="200")) == last
        costs.add(len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]))
    assert len(costs) == 1
    assert costs.pop() <= 6


def test_caregivers_see_and_process_the_alerts_of_their_groups(ward, alert, clinic, api):
    ward.prescribe(HEAVY)
    other = ward.patient(care_group_id=clinic.other_group.pk)
    ward.measure(other, 95)
    hidden = MonitoringAlert.objects.get(patient=other)
    for role in (Role.HC_PRIMARY, Role.HC_SECONDARY):
        assert listed(api(role)) == [str(alert.uuid)]
        assert api(role).patch(f"/v1/alerts/{hidden.uuid}", {"status": "processed"}).status_code == 404
    assert len(listed(api())) == len(listed(api(Role.HC_VIEW_ALL))) == 2
    assert api(Role.HC_VIEW_ALL).patch(f"/v1/alerts/{alert.uuid}", {"status": "processed"}).status_code == 403
    assert not MonitoringAlert.objects.exclude(status="open").exists()


def test_patients_neither_read_nor_process_alerts(ward, clinic, api):
    ward.prescribe(HEAVY)
    patient = ward.patient(user_id=clinic.users[Role.PATIENT].pk)
    ward.measure(patient, 95)
    alert = MonitoringAlert.objects.get()
    assert api(Role.PATIENT).get("/v1/alerts").status_code == 403
    assert api(Role.PATIENT).patch(f"/v1/alerts/{alert.uuid}", {"status": "processed"}).status_code == 403


def test_another_organization_sees_nothing(alert, neighbour, api):
    outsider = api(Role.HC_ADMIN, neighbour)
    assert listed(outsider) == []
    hidden, unknown = (outsider.patch(f"/v1/alerts/{one}", {"status": "processed"}) for one in (alert.uuid, uuid.uuid4()))
    assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    assert hidden.status_code == 404


def test_alerts_of_archived_patients_leave_the_list_and_are_not_processed(alert, patient, api):
    archive(patient)
    assert listed(api()) == []
    assert api().patch(f"/v1/alerts/{alert.uuid}", {"status": "processed"}).status_code == 404
    assert MonitoringAlert.objects.get().status == "open"


def test_reading_alerts_is_a_read_of_their_patients(alert, patient, api):
    listed(api())
    event = AuditEvent.objects.get(action="monitoring_alert.search")
    assert list(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == [patient.pk]
