"""Two weeks of remote monitoring, as those live them who set it up, measure, are told of it and look back."""

import pytest

from accounts.models import Role, User
from accounts.services.users import create_user
from exports.public.views import REPORTS
from patients.models import Patient
from patients.services.patients import update_patient
from tests.clinical.rules import BOTH, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.clinical.story import DATED, DAY, HOUR, MONDAY, PULSES, RULES, WEIGHTS, Story, good
from tests.clock import Clock
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic, new_key
from tests.pages import sign_in, submit


@pytest.fixture
def story(clinic, monkeypatch) -> Story:
    return Story(clinic, Clock(monkeypatch, MONDAY, DATED))


def test_two_weeks_of_remote_monitoring(story, clinic):
    story.set_up()
    ada, bea = story.enrol("ada"), story.enrol("bea")
    give_login(clinic, ada)
    story.give_own_rules(bea, "measurement", {**HEAVY, "value": 120})
    story.give_own_rules(bea, "overdue")
    for day in range(14):
        if day == 10:
            plan_evening_pulse(story, ada)
        story.live(ada, day)
    the_right_alerts_were_raised(story, ada)
    the_nurse_works_them_off(story)
    own_rules_do_not_follow_the_protocol(story, ada, bea)
    life_goes_on(story, clinic, ada, bea)
    story.clock.settle()
    the_reports_tell_of_alerts(story, ada)
    the_reports_tell_of_measurements(story, ada, bea)
    the_reports_tell_of_plans(story, ada)
    the_reports_tell_of_patients(story, ada, bea)
    the_reports_tell_of_staff(story, clinic)
    the_other_group_sees_none_of_it(story, clinic, ada)


# --- the steps --------------------------------------------------------------------------------------
def give_login(clinic: Clinic, patient: str) -> None:
    pk = Patient.objects.get(uuid=patient).pk
    update_patient(actor=SYSTEM, patient_id=pk, base_version=None, changes={"user_id": clinic.users[Role.PATIENT].pk})


def plan_evening_pulse(story: Story, ada: str) -> None:
    body = {"instrument": "pulse", "notBefore": "2024-05-16T18:00:00-05:00", "expiresAt": "2024-05-16T22:00:00-05:00"}
    good(story.patient.post(f"/v1/patients/{ada}/plannedActions", body))


HEAVIER = {"op": ">", "value": 90}
MORNING = "T12:00:00Z"
# Type, flag, and when where the patient lives; rule, threshold and values of the cause.
RAISED = [
    ("overdue", "orange", "2024-05-10T13:00:00-05:00", LATE, {"grace_hours": 12}, []),
    ("measurement", "orange", "2024-05-11T07:00:00-05:00", HEAVY, HEAVIER, [("weight", 92, f"2024-05-11{MORNING}")]),
    ("measurement", "orange", "2024-05-13T07:00:00-05:00", HEAVY, HEAVIER, [("weight", 93, f"2024-05-13{MORNING}")]),
    (
        "average",
        "orange",
        "2024-05-13T07:00:00-05:00",
        MEAN,
        {**HEAVIER, "min_count": 3},
        [
            ("weight", 92, f"2024-05-11{MORNING}"),
            ("weight", 89, f"2024-05-12{MORNING}"),
            ("weight", 93, f"2024-05-13{MORNING}"),
        ],
    ),
    ("remark", "grey", "2024-05-15T07:00:00-05:00", REMARK, None, [("weight", 80, f"2024-05-15{MORNING}")]),
    (
        "measurement",
        "red",
        "2024-05-16T07:00:00-05:00",
        OVER_100,
        {"op": ">", "value": 100},
        [
            ("weight", 101, f"2024-05-16{MORNING}"),
        ],
    ),
    (
        "combination",
        "red",
        "2024-05-16T19:00:00-05:00",
        BOTH,
        BOTH["all"],
        [
            ("weight", 101, f"2024-05-16{MORNING}"),
            ("pulse", 105, "2024-05-17T00:00:00Z"),
        ],
    ),
]


def the_right_alerts_were_raised(story: Story, ada: str) -> None:
    alerts = story.alerts(story.admin)
    assert [(one["type"], one["flag"], one["createdAt"], *why(one["cause"])) for one in alerts] == RAISED
    assert {(one["patientId"], one["status"], one["protocolId"]) for one in alerts} == {(ada, "open", story.made["protocol"])}
    assert alerts[0]["cause"]["window"] == {"from": "2024-05-09T05:00:00Z", "to": "2024-05-10T05:00:00Z"}
    assert (alerts[3]["cause"]["mean"], alerts[3]["cause"]["count"]) == (91.333333, 3)


def why(cause: dict) -> tuple:
    """Return rule, threshold and values of a cause."""
    values = [(one["instrument"], one["value"], one["measured_at"]) for one in cause["values"]]
    return cause["rule"], cause["threshold"], values


# What the nurse does about each type of alert.
DONE = {
    "overdue": ("contacted_patient", "Called her", "Had been away"),
    "measurement": ("reviewed", "Looked at the curve", None),
    "average": ("adjusted_treatment", "More water tablets", "The doctor agreed"),
    "remark": ("false_alarm", "Read it", None),
    "combination": ("referred", "Sent her to the heart clinic", "She took a taxi"),
}


def the_nurse_works_them_off(story: Story) -> None:
    story.clock.move(MONDAY + 14 * DAY)
    *_, combination = alerts = story.alerts(story.nurse, status="open")
    good(story.nurse.patch(f"/v1/alerts/{combination['id']}", {"status": "escalated"}))
    assert [one["id"] for one in story.alerts(story.nurse, status="escalated")] == [combination["id"]]
    story.clock.move(MONDAY + 14 * DAY + HOUR)
    for alert in alerts:
        kind, action, more = DONE[alert["type"]]
        body = {"status": "processed", "processedType": kind, "action": action, "additionalInfo": more}
        good(story.nurse.patch(f"/v1/alerts/{alert['id']}", body))
    story.run_cron()
    assert {one["status"] for one in story.alerts(story.admin)} == {"processed"}
    assert story.alerts(story.admin, status="processed")[-1]["escalatedAt"] == "2024-05-20T05:00:00-05:00"


def own_rules_do_not_follow_the_protocol(story: Story, ada: str, bea: str) -> None:
    story.change_rules({**HEAVY, "value": 83}, *RULES[1:])
    story.clock.move(MONDAY + 14 * DAY + 2 * HOUR)
    story.measure(bea, "weight", 110, story.nurse)
    story.measure(ada, "weight", 84, story.patient)
    (alert,) = story.alerts(story.admin, status="open")
    values = [("weight", 84, f"2024-05-20{MORNING}")]
    assert (alert["patientId"], *why(alert["cause"])) == (ada, {**HEAVY, "value": 83}, {"op": ">", "value": 83}, values)


def life_goes_on(story: Story, clinic: Clinic, ada: str, bea: str) -> None:
    good(story.patient.post(f"/v1/patients/{ada}/ratings", {"score": 450, "remarks": "They call back"}))
    patients = f"{clinic.base}/patients"
    versions = {one: good(story.admin.get(f"{patients}/{one}"))["version"] for one in (ada, bea)}
    good(story.admin.patch(f"{patients}/{ada}", {"base_version": versions[ada], "receives_sms": True}))
    body = {"base_version": versions[bea], "new_status": "inactive"}
    good(story.admin.post(f"{patients}/{bea}/transition-status", body))
    colleague, admin = (clinic.users[role] for role in (Role.HC_SECONDARY, Role.HC_ADMIN))
    submit(sign_in(admin), User, colleague.pk, status="blocked", reason="Lost her phone")


# --- the reports ------------------------------------------------------------------------------------
PLACE = ("Hill Valley Team A", "Heart failure at home", "Daily weight")
START, DONE_AT, NOW = "2024-05-06 06:00:00", "2024-05-20 07:00:00", "2024-05-20 08:00:00"
# When each of RAISED was raised where the clinic is.
IN_NEW_YORK = [
    "2024-05-10 14:00:00",
    "2024-05-11 08:00:00",
    "2024-05-13 08:00:00",
    "2024-05-13 08:00:00",
    "2024-05-15 08:00:00",
    "2024-05-16 08:00:00",
    "2024-05-16 20:00:00",
]


def the_reports_tell_of_alerts(story: Story, ada: str) -> None:
    nurse = str(story.clinic.users[Role.HC_PRIMARY].uuid)
    shown = story.picked(
        "alerts",
        "Patient_UUID",
        "Group",
        "Program",
        "Protocol",
        "Alert_Type",
        "Alert_Flag",
        "Alert_Created_Date",
        "Alert_Processed_Type",
        "Alert_Processed_Action",
        "Alert_Processed_Additional_Info",
        "Alert_Processed_At",
        "Alert_Processed_By_UUID",
        "Alert_Processed_By_Role",
    )
    worked_off = [
        (ada, *PLACE, kind.capitalize(), flag, when, *DONE[kind], DONE_AT, nurse, "hc_primary")
        for (kind, flag, *_), when in zip(RAISED, IN_NEW_YORK, strict=True)
    ]
    assert shown == [*worked_off, (ada, *PLACE, "Measurement", "orange", NOW, *[None] * 6)]


def the_reports_tell_of_measurements(story: Story, ada: str, bea: str) -> None:
    shown = story.picked(
        "measurements",
        "Patient_UUID",
        "Measurement_Date",
        "Measurement_Name",
        "Measurement_Value",
        "Alert_Type",
        "Alert_Flag",
        "Alert_Processed_Type",
    )
    # Of two alerts with one flag the first is shown.
    raised = reversed(list(zip(RAISED, IN_NEW_YORK, strict=True)))
    alerts = {when: (kind.capitalize(), flag, DONE[kind][0]) for (kind, flag, *_), when in raised}
    weighed = [(ada, f"2024-05-{6 + day:02} 08:00:00", "Weight", str(value)) for day, value in enumerate(WEIGHTS) if value]
    felt = [(ada, f"2024-05-{6 + day:02} 20:00:00", "Pulse", str(value)) for day, value in PULSES.items()]
    fortnight = [(*row, *alerts.get(row[1], (None, None, None))) for row in sorted([*weighed, *felt])]
    later = [(bea, NOW, "Weight", "110", None, None, None), (ada, NOW, "Weight", "84", "Measurement", "orange", None)]
    assert shown == [*fortnight, *later]


def the_reports_tell_of_plans(story: Story, ada: str) -> None:
    shown = story.picked(
        "plannedActions",
        "Patient_UUID",
        "Planned_Via",
        "Self_Planned",
        "Not_Before",
        "Expires_At",
        "Completed_At",
        "Completed_At_Timezone",
    )
    days = [f"2024-05-{6 + day:02}" for day in range(15)]
    weighed = [f"{day} 07:00:00" if weight else None for day, weight in zip(days, WEIGHTS, strict=False)]
    daily = [(days[day], days[day + 1], weighed[day]) for day in range(14)]
    weekly = [(days[day], days[day + 1], f"{days[day]} 19:00:00") for day in (0, 7)]
    scheduled = [
        (ada, "rec", 0, f"{first} 00:00:00", f"{last} 00:00:00", done, done and "America/Chicago")
        for first, last, done in [*daily, *weekly]
    ]
    own = (ada, "self", 1, "2024-05-16 18:00:00", "2024-05-16 22:00:00", "2024-05-16 19:00:00", "America/Chicago")
    assert sorted((row for row in shown if row[0] == ada), key=str) == sorted([*scheduled, own], key=str)


def the_reports_tell_of_patients(story: Story, ada: str, bea: str) -> None:
    admin = str(story.clinic.users[Role.HC_ADMIN].uuid)
    program, protocol = PLACE[1:]
    assert story.picked(
        "patients",
        "Patient_UUID",
        "Status",
        "Created_Date",
        "Stopped_Date",
        "Grey_Alerts",
        "Orange_Alerts",
        "Red_Alerts",
        "Measurements_Alerts",
        "Combination_Alerts",
        "Remark_Alerts",
        "Overdues_Alerts",
        "Average_Alerts",
        "Total_Alerts",
    ) == [
        (ada, "active", START, None, "1", "5", "2", "4", "1", "1", "1", "1", 8),
        (bea, "stopped", START, NOW, *"00000000", 0),
    ]
    assert story.picked("patientsMutations", "Patient_UUID", "Type", "Name", "Mutation_Date") == [
        *((who, *what, START) for who in (ada, bea) for what in (("program", program), ("protocol", protocol))),
        (bea, "status", "stopped", NOW),
    ]
    assert story.picked("patientsProgramsHistory", "Patient_UUID", "Program_UUID", "Created_By", "Created_Date") == [
        (who, story.made["program"], admin, START) for who in (ada, bea)
    ]
    assert story.picked("patientsSettingsHistory", "Patient_UUID", "Key", "Value", "Created_By", "Created_Date") == [
        (ada, "receives_sms", "true", admin, NOW)
    ]
    assert story.picked("patientsWorkflowHistory", "Patient_UUID", "Workflow_UUID", "Trigger_Day", "Trigger_Count") == [
        (who, story.made["workflow"], day, count)
        for count, day in enumerate(("2024-05-06", "2024-05-13"), start=1)
        for who in (ada, bea)
    ]
    assert story.picked("starRatings", "Patient_UUID", "Group", "Date", "Score", "Remarks") == [
        (ada, PLACE[0], NOW, "450", "They call back")
    ]


def the_reports_tell_of_staff(story: Story, clinic: Clinic) -> None:
    nurse, colleague, admin = (str(clinic.users[role].uuid) for role in (Role.HC_PRIMARY, Role.HC_SECONDARY, Role.HC_ADMIN))
    staff = {uuid: rest for uuid, *rest in story.picked("hcps", "UUID", "Role", "Status", "Groups", "Processed_Alerts")}
    assert staff[nurse] == ["hc_primary", "active", PLACE[0], len(RAISED)]
    assert staff[colleague] == ["hc_secondary", "blocked", PLACE[0], 0]
    columns = ("User_UUID", "From_Status", "To_Status", "Reason", "Created_By", "Processed_Date")
    assert story.picked("usersStatusChangeReasons", *columns) == [(colleague, "active", "blocked", "Lost her phone", admin, NOW)]


def the_other_group_sees_none_of_it(story: Story, clinic: Clinic, ada: str) -> None:
    outsider = create_user(
        actor=SYSTEM,
        email="b@hill-valley.test",
        role=Role.HC_PRIMARY,
        organization=clinic.organization,
        care_groups=[clinic.other_group],
    )
    client, alert = ApiClient(new_key(outsider)), story.alerts(story.nurse)[0]["id"]
    assert story.alerts(client) == []
    for name in REPORTS:
        assert not any(row.get("Patient_UUID") for row in story.report(name, client)), name
    body = {"status": "processed"}
    assert client.patch(f"/v1/alerts/{alert}", body).status_code == 404
    measurements = f"/v1/patients/{ada}/measurements"
    assert client.get(measurements).status_code == 404
    assert client.post(measurements, {"instrument": "weight", "value": 84}).status_code == 404
