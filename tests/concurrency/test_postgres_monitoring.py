"""Measurements that arrive at once, rounds that meet, and staff who process one alert together."""

import datetime
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.authentication import actor_of_user
from clinical.models import Instrument, Measurement, MonitoringAlert, PlannedAction, Workflow, WorkflowFiring
from clinical.services.instruments import GAUGES
from clinical.services.measurements import record_measurement
from clinical.services.monitoring import (
    claim_alert,
    evaluate_measurements,
    process_alert,
    raise_overdue_alerts,
    run_workflows,
)
from config.core.exceptions import Invalid
from patients.models import Patient
from patients.services.locking import lock_patient
from tests.clinical.monitored import Monitored, alerts, audited, published
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, OVER_100
from tests.concurrency.threads import together
from tests.factories import NOON, SYSTEM

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
ROUNDS = 10


@pytest.fixture
def ward(clinic) -> Monitored:
    return Monitored(clinic)


def measured(ward: Monitored, patient: Patient, *values: tuple) -> list[int]:
    """Let every value (number, moment, code) arrive and be judged at one moment, each in a transaction of its own."""

    def arrive(value: tuple) -> int:
        with transaction.atomic():
            locked = lock_patient(patient.pk)
            return evaluate_measurements(actor=SYSTEM, patient=locked, measurements=[ward.stored(patient, *value)])

    return together(*[lambda value=value: arrive(value) for value in values])


def test_of_batches_at_once_one_raises_the_alert(ward):
    ward.prescribe(HEAVY)
    for _ in range(ROUNDS):
        patient = ward.patient()
        assert sorted(measured(ward, patient, *((95, NOON + number * HOUR) for number in range(4)))) == [0, 0, 0, 1]
        assert alerts(patient) == [("measurement", "orange", "2030-01-01")]
        assert len(audited(patient, "monitoring_alert.raise")) == 1
    assert len(published("monitoring_alert.raised")) == ROUNDS


def test_the_highest_flag_wins_whichever_comes_first(ward):
    ward.prescribe(HEAVY, OVER_100)
    for _ in range(ROUNDS):
        patient = ward.patient()
        measured(ward, patient, (95, NOON), (105, NOON + HOUR), (96, NOON + 2 * HOUR))
        assert alerts(patient) == [("measurement", "red", "2030-01-01")]


def test_a_combination_whose_halves_arrive_at_once_is_not_lost(ward):
    ward.prescribe(BOTH)
    for _ in range(ROUNDS):
        patient = ward.patient()
        assert sum(measured(ward, patient, (95, NOON), (120, NOON + HOUR, "pulse"))) == 1
        assert alerts(patient) == [("combination", "red", "2030-01-01")]


def test_a_gauge_that_patients_use_first_at_one_moment_is_made_once(clinic):
    patients = [clinic.patient() for _ in range(4)]

    def measure(patient: Patient, code: str) -> Measurement:
        row = {"instrument": code, "value": Decimal(5)}
        return record_measurement(actor=SYSTEM, patient_id=patient.pk, row=row)

    for code in GAUGES:
        made = together(*[lambda patient=patient, code=code: measure(patient, code) for patient in patients])
        assert len({measurement.instrument_id for measurement in made}) == 1
        assert Instrument.objects.filter(code=code).count() == 1


def test_an_alert_is_processed_by_one_of_two(ward):
    ward.prescribe(HEAVY)
    patient = ward.patient()

    def process(pk: int) -> bool:
        try:
            process_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=pk, status="processed")
        except Invalid:
            return False
        return True

    for number in range(ROUNDS):
        ward.measure(patient, 95, NOON + number * DAY)
        alert = MonitoringAlert.objects.get(status="open")
        assert sorted(together(*[lambda pk=alert.pk: process(pk)] * 2)) == [False, True]
    assert len(audited(patient, "monitoring_alert.process")) == ROUNDS


def test_an_alert_is_claimed_by_one_of_several_and_the_others_learn_by_whom(ward, clinic):
    ward.prescribe(HEAVY)
    patient, people = ward.patient(), [clinic.users[role] for role in ("HC_ADMIN", "HC_PRIMARY", "HC_SECONDARY")]
    actors = [actor_of_user(user, route="tests") for user in people]
    for number in range(ROUNDS):
        ward.measure(patient, 95, NOON + number * DAY)
        pk = MonitoringAlert.objects.latest("pk").pk
        holders = together(*[lambda actor=actor, pk=pk: claim_alert(actor=actor, alert_id=pk) for actor in actors])
        winner = people[holders.index(None)]
        assert sorted(map(str, holders)) == sorted(map(str, [None, winner, winner]))
        assert MonitoringAlert.objects.get(pk=pk).claimed_by == winner
    assert len(audited(patient, "monitoring_alert.claim")) == ROUNDS


def test_rounds_that_meet_plan_raise_and_fire_once(ward, clinic):
    ward.prescribe(LATE, schedule=[DAILY])
    clinic.catalog(Workflow, "Welcome", program=clinic.catalogs["program"], days=[0, 3])
    patients = [ward.patient() for _ in range(5)]
    later = PlannedAction.objects.latest("expires_at").expires_at + DAY

    def rounds() -> tuple[int, int]:
        raised = raise_overdue_alerts(actor=SYSTEM, now=later)
        fired = run_workflows(actor=SYSTEM, now=later)
        assert raised.failed == fired.failed == 0
        return raised.raised, fired.fired

    results = together(rounds, rounds, rounds)

    assert sum(raised for raised, _ in results) == MonitoringAlert.objects.count() == 2 * len(patients)
    assert sum(fired for _, fired in results) == WorkflowFiring.objects.count()
    assert {len(alerts(patient)) for patient in patients} == {2}
