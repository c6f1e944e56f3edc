"""What a schedule expects of a patient day by day, what comes of it, and the alert where nothing came."""

import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import CareGroup
from accounts.services.catalogs import archive_catalog_row
from clinical.models import MonitoringAlert, PlannedAction
from clinical.services.monitoring import RunStats, plan_actions, process_alert, raise_overdue_alerts
from clinical.services.monitoring import batch as rounds
from patients.models import Enrolment, Patient, PatientMutation
from patients.services.lifecycle import transition_status
from patients.services.locking import lock_patient
from tests.clinical.monitored import Monitored, alerts, audited, end_enrolment, published
from tests.clinical.rules import DAILY, HEAVY, LATE
from tests.factories import SYSTEM, Clinic, archive

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def noon(year: int, month: int, day: int) -> datetime.datetime:
    return datetime.datetime(year, month, day, 12, tzinfo=datetime.UTC)


# A Wednesday at noon, the day on which enrolments of these tests begin; in Amsterdam its midnight is 22:00 UTC.
MAY = noon(2030, 5, 1)


@pytest.fixture
def patient(ward) -> Patient:
    """A patient whose enrolment begins on 1 May 2030, before anything is prescribed."""
    return begin(ward.patient(), MAY)


def begin(patient: Patient, when: datetime.datetime) -> Patient:
    Enrolment.objects.filter(patient=patient).update(start_date=when.date())
    return patient


def plan(patient: Patient, now: datetime.datetime) -> int:
    with transaction.atomic():
        return plan_actions(actor=SYSTEM, patient=lock_patient(patient.pk), now=now)


def days(patient: Patient, zone: ZoneInfo = AMSTERDAM) -> list[int]:
    """Return the days of May on which something is planned, as the patient's clock has them."""
    rows = PlannedAction.objects.filter(patient=patient).order_by("not_before", "pk")
    return [row.not_before.astimezone(zone).day for row in rows]


def overdue(now: datetime.datetime, **values) -> RunStats:
    return raise_overdue_alerts(actor=SYSTEM, now=now, **values)


# --- planning ---------------------------------------------------------------------------------------
def test_an_enrolment_plans_its_first_days_at_once(ward):
    ward.prescribe(schedule=[DAILY, {**DAILY, "instrument": "mood", "from_day": 1}])
    patient = ward.patient()
    planned = list(PlannedAction.objects.filter(patient=patient).values_list("instrument__code", flat=True))
    assert (planned.count("weight"), set(planned)) == (2, {"mood", "weight"})
    assert audited(patient, "planned_action.plan") == [("planned_action", None, "")]
    assert sorted(published("planned_action.planned")) == sorted(PlannedAction.objects.values_list("uuid", flat=True))


def test_a_day_is_planned_from_midnight_to_midnight_where_the_patient_lives(ward, patient):
    ward.prescribe(schedule=[DAILY])
    assert plan(patient, MAY) == 2
    first, second = PlannedAction.objects.filter(patient=patient)
    assert (first.not_before, first.expires_at) == (MAY - 14 * HOUR, MAY + 10 * HOUR)
    assert second.not_before == first.expires_at
    assert (first.timezone, first.planned_via, first.self_planned, first.completed_at) == ("Europe/Amsterdam", "rec", False, None)
    assert first.program_action == second.program_action
    assert first.instrument == ward.instruments["weight"]


@pytest.mark.parametrize(("begins", "hours"), [(noon(2030, 3, 31), 23), (noon(2030, 10, 27), 25)], ids=["spring", "autumn"])
def test_the_night_of_a_clock_change_makes_its_day_shorter_or_longer(ward, begins, hours):
    patient = begin(ward.patient(), begins)
    ward.prescribe(schedule=[DAILY])
    for now in (begins, begins + HOUR, begins - HOUR):
        plan(patient, now)
    first, second = PlannedAction.objects.filter(patient=patient)
    assert first.expires_at - first.not_before == hours * HOUR
    assert (second.not_before, second.expires_at - second.not_before) == (first.expires_at, DAY)


def test_planning_again_changes_nothing_and_a_clock_set_back_is_harmless(ward, patient):
    ward.prescribe(schedule=[DAILY])
    assert [plan(patient, now) for now in (MAY, MAY, MAY + 5 * HOUR, MAY - DAY, MAY + DAY, MAY)] == [2, 0, 0, 0, 1, 0]
    assert days(patient) == [1, 2, 3]


def test_a_line_keeps_to_its_days(ward, patient):
    ward.prescribe(schedule=[{**DAILY, "every_days": 3, "from_day": 1, "to_day": 7}])
    for day in range(12):
        plan(patient, MAY + day * DAY)
    assert days(patient) == [2, 5, 8]


def test_a_late_run_makes_up_for_two_days_and_an_edited_line_goes_on(ward, patient):
    ward.prescribe(schedule=[DAILY])
    plan(patient, MAY)
    plan(patient, MAY + 8 * DAY)
    assert days(patient) == [1, 2, 7, 8, 9, 10]
    ward.prescribe(schedule=[{**DAILY, "to_day": 29}])
    plan(patient, MAY + 9 * DAY)
    assert days(patient)[6:] == [11], "the line that it replaces has planned today"


def test_who_moves_to_another_zone_has_no_day_twice(ward, patient):
    ward.prescribe(schedule=[DAILY])
    plan(patient, MAY)
    for zone, hours in (("America/New_York", 24), ("Asia/Tokyo", 60)):
        Patient.objects.filter(pk=patient.pk).update(timezone=zone)
        plan(patient, MAY + hours * HOUR)
    rows = PlannedAction.objects.filter(patient=patient).order_by("not_before")
    local = [(row.not_before.astimezone(ZoneInfo(row.timezone)).day, row.timezone) for row in rows]
    assert local == [
        (1, "Europe/Amsterdam"),
        (2, "Europe/Amsterdam"),
        (3, "America/New_York"),
        (4, "Asia/Tokyo"),
        (5, "Asia/Tokyo"),
    ]


@pytest.mark.parametrize("state", ["inactive", "deceased", "not enrolled", "not begun", "archived instrument"])
def test_nothing_is_planned_for_who_is_not_monitored(ward, patient, state):
    ward.prescribe(schedule=[DAILY])
    if state in ("inactive", "deceased"):
        transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=1, new_status=state)
    elif state == "not enrolled":
        end_enrolment(patient)
    elif state == "not begun":
        begin(patient, MAY + 9 * DAY)
    else:
        archive_catalog_row(actor=SYSTEM, row=ward.instruments["weight"], base_version=1)
    assert plan(patient, MAY) == 0


# --- completing -------------------------------------------------------------------------------------
@pytest.fixture
def planned(ward, patient) -> list[PlannedAction]:
    """The actions of 1 and 2 May."""
    ward.prescribe(LATE, schedule=[DAILY])
    plan(patient, MAY)
    return list(PlannedAction.objects.filter(patient=patient).order_by("not_before"))


def test_a_measurement_completes_the_action_that_it_falls_into(ward, patient, planned):
    row = ward.measure(patient, 80, MAY)
    first, second = PlannedAction.objects.filter(patient=patient, not_before__gte=planned[0].not_before).order_by("not_before")[
        :2
    ]
    assert (first.completed_at, first.completed_by) == (MAY, row)
    assert first.updated_at > planned[0].updated_at
    assert second.completed_at is None
    assert audited(patient, "planned_action.complete") == [("planned_action", first.pk, "completed_at,completed_by")]
    assert published("planned_action.completed") == [first.uuid]


@pytest.mark.parametrize(("moment", "falls"), [("begin", True), ("last", True), ("end", False), ("before", False)])
def test_an_action_begins_with_its_first_moment_and_ends_before_its_last(ward, patient, planned, moment, falls):
    first, second = planned
    PlannedAction.objects.filter(pk=second.pk).delete()
    tick = datetime.timedelta(microseconds=1)
    when = {
        "begin": first.not_before,
        "last": first.expires_at - tick,
        "end": first.expires_at,
        "before": first.not_before - tick,
    }
    ward.measure(patient, 80, when[moment])
    first.refresh_from_db()
    assert (first.completed_at is not None) == falls


def test_another_instrument_or_patient_completes_nothing_and_the_first_measurement_stays(ward, patient, planned):
    ward.measure(patient, 80, MAY, "pulse")
    ward.measure(ward.patient(), 80, MAY)
    assert not PlannedAction.objects.filter(pk=planned[0].pk).exclude(completed_at=None).exists()
    early, late = ward.stored(patient, 80, MAY - HOUR), ward.stored(patient, 80, MAY)
    ward.evaluate(patient, late, early)
    ward.measure(patient, 81, MAY - 2 * HOUR)
    assert PlannedAction.objects.get(pk=planned[0].pk).completed_by == early


def test_a_batch_completes_every_day_that_it_reaches(ward, patient, planned):
    ward.evaluate(patient, *(ward.stored(patient, 80, MAY + hours * HOUR) for hours in (0, 1, 24, 25)))
    assert not PlannedAction.objects.filter(pk__in=[action.pk for action in planned], completed_at=None).exists()
    assert len(audited(patient, "planned_action.complete")) == 1


# --- overdue ----------------------------------------------------------------------------------------
def test_an_action_that_nothing_came_of_raises_an_alert_when_its_grace_has_run_out(ward, patient, planned):
    end = planned[0].expires_at
    assert overdue(end + 12 * HOUR - datetime.timedelta(seconds=1)).raised == 0
    assert overdue(end + 12 * HOUR).raised == 1
    alert = MonitoringAlert.objects.get()
    assert (alert.type, alert.flag, alert.rule_key, alert.window) == ("overdue", "orange", "overdue:weight", str(planned[0].uuid))
    assert (alert.instrument, alert.measurement) == (ward.instruments["weight"], None)
    assert alert.cause["threshold"] == {"grace_hours": 12}
    assert alert.cause["window"] == {"from": "2030-04-30T22:00:00Z", "to": "2030-05-01T22:00:00Z"}
    assert audited(patient, "monitoring_alert.raise") == [("monitoring_alert", alert.pk, "")]
    assert published("monitoring_alert.raised") == [alert.uuid]


def test_an_overdue_measurement_is_told_once(ward, patient, planned):
    later = planned[0].expires_at + 12 * HOUR
    assert [overdue(now).raised for now in (later, later, later + HOUR, later - 5 * HOUR)] == [1, 0, 0, 0]
    process_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=MonitoringAlert.objects.get().pk, status="processed")
    assert overdue(later + 2 * HOUR).raised == 0
    assert overdue(later + DAY).raised == 1, "the next day is another action"


def test_a_longer_delay_may_have_a_higher_flag(ward, patient, planned):
    ward.prescribe(LATE, {**LATE, "grace_hours": 30, "flag": "red"}, schedule=[DAILY])
    end = planned[0].expires_at
    overdue(end + 12 * HOUR)
    overdue(end + 30 * HOUR)
    assert MonitoringAlert.objects.get(window=str(planned[0].uuid)).flag == "red"
    assert len(audited(patient, "monitoring_alert.raise_flag")) == 1


def test_what_was_measured_in_time_is_not_overdue_even_where_it_arrives_late(ward, patient, planned):
    end = planned[0].expires_at
    ward.measure(patient, 80, end - HOUR)
    assert overdue(end + 12 * HOUR).raised == 0


@pytest.mark.parametrize(
    "state", ["archived", "inactive", "ended", "own rules", "other protocol", "older enrolment", "active again"]
)
def test_nothing_is_overdue_for_who_is_not_monitored(ward, patient, planned, state):
    if state == "archived":
        archive(patient)
    elif state == "inactive":
        transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=1, new_status="inactive")
    elif state == "ended":
        end_enrolment(patient)
    elif state == "own rules":
        ward.own(patient, "overdue", "weight")
    elif state == "other protocol":
        ward.prescribe({**LATE, "instrument": "pulse"}, schedule=[DAILY])
    else:
        begin(patient, MAY + 5 * DAY)
    if state == "active again":
        # It became so before what was planned, and the enrolment began later.
        PatientMutation.objects.create(
            organization=patient.organization, patient=patient, type="status", name="active", created_at=MAY - 9 * DAY
        )
    assert overdue(planned[0].expires_at + 12 * HOUR).raised == 0
    assert alerts(patient) == []


def test_an_action_of_last_year_is_not_overdue_all_of_a_sudden(ward, patient, planned):
    assert overdue(MAY + 365 * DAY).raised == 0


def test_what_is_overdue_is_found_although_the_schedule_has_ended(ward, patient, planned):
    ward.prescribe(LATE)
    assert overdue(planned[0].expires_at + 12 * HOUR).raised == 1


# --- rounds and commands ----------------------------------------------------------------------------
def test_a_round_visits_all_organizations_or_one(ward, patient, planned):
    second = Monitored(Clinic("Second"))
    other = begin(second.patient(), MAY)
    second.prescribe(LATE, schedule=[DAILY])
    now = planned[0].expires_at + 12 * HOUR
    one = overdue(now, organization=second.clinic.organization)
    assert (one.patients, one.planned, one.raised) == (1, 2, 0)
    both = overdue(now)
    assert (both.patients, both.raised) == (2, 1)
    assert alerts(other) == []


def test_a_round_goes_on_in_chunks_and_tells_how_far_it_is(ward, monkeypatch):
    ward.prescribe(schedule=[DAILY])
    for _ in range(5):
        begin(ward.patient(), MAY)
    ward.clinic.patient()
    monkeypatch.setattr(rounds, "CHUNK", 2)
    seen: list[int] = []
    assert overdue(MAY, progress=lambda stats: seen.append(stats.patients)).planned == 10
    assert seen == [1, 2, 3, 4, 5]


def test_a_patient_whose_work_fails_stops_nobody_elses(ward, monkeypatch):
    ward.prescribe(schedule=[DAILY])
    first, broken, last = (begin(ward.patient(), MAY) for _ in range(3))
    work = rounds.evaluate_overdue

    def fail(actor, context, now):
        if context.patient.pk == broken.pk:
            raise ZeroDivisionError
        return work(actor, context, now)

    monkeypatch.setattr(rounds, "evaluate_overdue", fail)
    stats = overdue(MAY)
    assert (stats.patients, stats.failed, stats.planned) == (2, 1, 4)
    assert [len(days(one)) - len(days(broken)) for one in (first, last)] == [2, 2], "the broken one's transaction was undone"
    monkeypatch.undo()
    assert overdue(MAY).planned == 2


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_plans_and_raises_and_tells_what_it_did(ward):
    ward.prescribe({**LATE, "grace_hours": 0}, schedule=[DAILY])
    patient = ward.patient()
    start = timezone.now() - 3 * DAY
    Enrolment.objects.filter(patient=patient).update(start_date=start.date())
    PlannedAction.objects.filter(patient=patient).delete()
    plan(patient, start)
    slug = ward.clinic.organization.slug
    told_first = run("raise_overdue_alerts", "--organization", slug)
    assert told_first.startswith("1 patients: ")
    assert told_first.endswith("2 alerts raised.")
    assert run("raise_overdue_alerts") == "1 patients: 0 measurements planned, 0 alerts raised."
    assert [kind for kind, _, _ in alerts(patient)] == ["overdue"] * 2


def test_the_command_fails_where_the_work_on_a_patient_does(ward, monkeypatch):
    ward.prescribe(schedule=[DAILY])
    ward.patient()
    monkeypatch.setattr(rounds, "evaluate_overdue", lambda actor, context, now: 1 // 0)
    with pytest.raises(CommandError, match="1 patients failed"):
        run("raise_overdue_alerts")
    with pytest.raises(CommandError, match="no organization"):
        run("raise_overdue_alerts", "--organization", "nowhere")


def test_planning_does_not_touch_other_catalogs(ward, patient):
    """A measurement that arrives plans what is missing and judges as before."""
    ward.prescribe(HEAVY, schedule=[DAILY])
    # Today where the patient lives: in UTC it may be tomorrow.
    begin(patient, timezone.localtime(timezone=ZoneInfo("America/New_York")))
    ward.measure(patient, 95, timezone.now())
    assert len(alerts(patient)) == 1
    assert PlannedAction.objects.filter(patient=patient).exclude(completed_at=None).count() == 1
    assert CareGroup.objects.get(pk=ward.clinic.group.pk).version == 1
