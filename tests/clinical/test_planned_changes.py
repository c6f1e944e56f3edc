"""Plans that are made while something changes: where a patient lives, the schedule, their status, an instrument."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.catalogs import archive_catalog_row
from clinical.models import Instrument, PlannedAction
from clinical.services.monitoring import RunStats, plan_own_action, raise_overdue_alerts
from patients.models import Patient, PatientMutation
from patients.services.lifecycle import transition_status
from tests.clinical.monitored import alerts, audited, published
from tests.clinical.rules import DAILY, HEAVY, LATE, REMARK
from tests.clock import Clock
from tests.factories import SYSTEM

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
# Eight in the morning in New York, where the clinic and its patients are.
MAY = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
AT_ONCE = {**LATE, "grace_hours": 0}
PULSE = {**DAILY, "instrument": "pulse"}


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The program's clock, on the morning of 1 May."""
    return Clock(monkeypatch, MAY, (PatientMutation,))


def make_round(clock: Clock, days: float = 0) -> RunStats:
    """Make a round after so many days, and return what it did."""
    clock.move(clock.now + days * DAY)
    return raise_overdue_alerts(actor=SYSTEM, now=clock.now)


def planned(patient: Patient, code: str = "weight") -> list[tuple[int, bool]]:
    """Return day of the month, where the patient lived, of each planned action of an instrument, and whether it is completed."""
    rows = PlannedAction.objects.filter(patient=patient, instrument__code=code).order_by("not_before", "pk")
    return [(row.not_before.astimezone(ZoneInfo(row.timezone)).day, row.completed_at is not None) for row in rows]


@pytest.fixture
def patient(ward, clock) -> Patient:
    """A patient whose enrolment begins on 1 May, with nothing planned yet."""
    return ward.patient(timezone="America/New_York")


# --- where a patient lives --------------------------------------------------------------------------
@pytest.mark.parametrize("zone", ["Pacific/Tongatapu", "Pacific/Kiritimati"], ids=["a day ahead", "more than a day ahead"])
def test_who_crosses_the_date_line_skips_the_day_that_begins_when_one_is_planned_already(ward, clock, zone):
    ward.prescribe(schedule=[DAILY])
    patient = ward.patient(timezone="Pacific/Pago_Pago")
    Patient.objects.filter(pk=patient.pk).update(timezone=zone)
    for _ in range(3):
        assert make_round(clock, 1).failed == 0
    moments = list(PlannedAction.objects.filter(patient=patient).values_list("not_before", flat=True))
    assert [day for day, _ in planned(patient)] == [1, 2, 4, 5, 6]
    assert moments == sorted(set(moments))


# --- the schedule -----------------------------------------------------------------------------------
def test_what_is_planned_after_it_was_measured_is_completed_by_the_first_measurement(ward, clock, patient):
    first, *_ = [ward.measure(patient, 80, MAY - hours * HOUR) for hours in (3, 2, 12)]
    ward.measure(patient, 80, MAY - HOUR, "pulse")
    ward.prescribe(AT_ONCE, schedule=[DAILY])
    assert make_round(clock, 0.25).planned == 2
    assert planned(patient) == [(1, True), (2, False)]
    action = PlannedAction.objects.filter(patient=patient).earliest("not_before")
    assert (action.completed_at, action.completed_by) == (first.measured_at, first)
    assert audited(patient, "planned_action.complete") == [("planned_action", action.pk, "completed_at,completed_by")]
    assert published("planned_action.completed") == [action.uuid]
    assert make_round(clock, 1).raised == 0


def test_what_a_patient_plans_over_a_time_already_measured_is_completed_at_once(ward, clock, patient):
    measured = ward.measure(patient, 80, MAY)
    clock.move(MAY + HOUR)
    times = {"not_before": MAY - HOUR, "expires_at": MAY + 5 * HOUR}
    for code in ("weight", "pulse"):
        plan_own_action(actor=SYSTEM, patient_id=patient.pk, instrument=code, **times)
    completed = PlannedAction.objects.filter(patient=patient).values_list("instrument__code", "completed_by").order_by("pk")
    assert list(completed) == [("weight", measured.pk), ("pulse", None)]


def test_planning_takes_as_many_statements_however_much_was_measured(ward, clock, patient):
    def statements() -> int:
        ward.prescribe(schedule=[DAILY, PULSE])
        with CaptureQueriesContext(connection) as captured:
            assert make_round(clock).planned == 4
        assert planned(patient) == planned(patient, "pulse") == [(1, True), (2, False)]
        PlannedAction.objects.filter(patient=patient).delete()
        return len(captured)

    for code in ("weight", "pulse"):
        ward.measure(patient, 80, MAY, code)
    few = statements()
    for hours in range(8):
        ward.measure(patient, 80, MAY - hours * HOUR)
    PlannedAction.objects.filter(patient=patient).delete()
    assert statements() == few


@pytest.mark.parametrize("line", [{**DAILY, "to_day": 60}, {**DAILY, "from_day": 1}, {**DAILY, "every_days": 2}])
def test_an_edited_line_goes_on_after_the_days_that_it_has_planned(ward, clock, patient, line):
    ward.prescribe(AT_ONCE, schedule=[DAILY, PULSE])
    make_round(clock)
    ward.prescribe(AT_ONCE, schedule=[line, PULSE, {**PULSE, "to_day": 9}])
    make_round(clock)
    assert sorted(planned(patient, "weight")) == [(1, False), (2, False)]
    assert make_round(clock, 1).raised == 1
    assert [day for day, _ in planned(patient, "pulse")] == [1, 1, 2, 2, 3, 3], "beside a line that stays a new one begins today"
    make_round(clock, 3)
    days = [day for day, _ in planned(patient, "weight")]
    assert len(days) == len(set(days)) > 2


def test_a_line_that_is_new_long_after_others_of_its_instrument_ended_begins_today(ward, clock, patient):
    ward.prescribe(schedule=[DAILY])
    make_round(clock)
    ward.prescribe(schedule=[])
    make_round(clock, 9)
    ward.prescribe(schedule=[{**DAILY, "to_day": 60}])
    make_round(clock)
    assert [day for day, _ in planned(patient)] == [1, 2, 10, 11]


def test_what_is_planned_beside_the_schedule_does_not_move_it(ward, clock, patient):
    ward.prescribe(schedule=[])
    later = {"not_before": MAY + 5 * DAY, "expires_at": MAY + 6 * DAY}
    plan_own_action(actor=SYSTEM, patient_id=patient.pk, instrument="weight", **later)
    ward.prescribe(schedule=[DAILY])
    make_round(clock)
    assert [day for day, _ in planned(patient)] == [1, 2, 6]


# --- the rules --------------------------------------------------------------------------------------
def test_a_new_rule_raises_no_alerts_for_what_is_long_past(ward, clock, patient):
    ward.prescribe(schedule=[DAILY])
    for _ in range(9):
        make_round(clock, 1)
    ward.prescribe({**LATE, "grace_hours": 24}, schedule=[DAILY])
    assert make_round(clock).raised == 2
    due = PlannedAction.objects.filter(patient=patient, not_before__range=(MAY + 5 * DAY, MAY + 7 * DAY))
    assert [window for _, _, window in alerts(patient)] == [str(action.uuid) for action in due]


def test_an_open_alert_rises_however_long_ago_its_measurement_was_due(ward, clock, patient):
    ward.prescribe(AT_ONCE, schedule=[DAILY])
    make_round(clock)
    make_round(clock, 1)
    ward.prescribe({**AT_ONCE, "flag": "red"})
    make_round(clock, 9)
    assert [flag for _, flag, _ in alerts(patient)] == ["red"]


# --- the status -------------------------------------------------------------------------------------
def become(patient: Patient, status: str) -> None:
    version = Patient.objects.get(pk=patient.pk).version
    transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=version, new_status=status)


def test_nothing_is_expected_of_the_days_on_which_a_patient_was_not_active(ward, clock, patient):
    ward.prescribe(AT_ONCE, schedule=[DAILY])
    make_round(clock)
    become(patient, "inactive")
    clock.move(MAY + 20 * DAY)
    become(patient, "active")
    assert make_round(clock, 0.01).raised == 0
    assert [day for day, _ in planned(patient)] == [1, 2, 21, 22]
    assert make_round(clock, 1).raised == 1
    assert [day for day, _ in planned(patient)] == [1, 2, 21, 22, 23]


def test_what_ended_just_before_a_patient_became_active_again_is_not_overdue(ward, clock, patient):
    ward.prescribe(AT_ONCE, schedule=[DAILY])
    make_round(clock)
    for day in (1, 3):
        become(patient, "inactive")
        clock.move(MAY + day * DAY)
        become(patient, "active")
        assert make_round(clock, 0.01).raised == 0
    assert make_round(clock, 1).raised == 1, "what was planned of the day of the return is"


# --- an instrument that gave its code away ----------------------------------------------------------
@pytest.fixture
def replace(ward):
    """Return what archives the ward's instrument of weight and makes another with its code."""

    def replace() -> None:
        archive_catalog_row(actor=SYSTEM, row=ward.instruments["weight"], base_version=1)
        ward.instruments["weight"] = ward.clinic.catalog(Instrument, "Another weight", code="weight")

    return replace


def test_own_rules_over_an_archived_instrument_do_not_hold_for_another_with_its_code(ward, clock, patient, replace):
    ward.prescribe(HEAVY, REMARK)
    ward.own(patient, "measurement", "weight")
    ward.own(patient, "remark", None)
    replace()
    ward.measure(patient, 95, MAY, comment="Dizzy")
    assert [kind for kind, _, _ in alerts(patient)] == ["measurement"], "what names no instrument holds on"


def test_what_was_planned_of_an_archived_instrument_is_not_overdue_under_another_with_its_code(ward, clock, patient, replace):
    ward.prescribe(AT_ONCE, schedule=[DAILY])
    make_round(clock)
    replace()
    assert make_round(clock, 1).raised == 0
    assert make_round(clock, 2).raised == 1, "what was planned of the other one is"
