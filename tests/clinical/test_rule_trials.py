"""Trying rules on what was measured: the same alerts as arriving measurements would have raised, and nothing is written."""

import datetime
import random

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import Measurement, MonitoringAlert, PlannedAction
from clinical.services.monitoring import followers_of, raise_overdue_alerts, trials, try_rules
from patients.models import Enrolment, PatientMutation
from tests.clinical.full_charts import actor_for
from tests.clinical.monitored import alerts, end_enrolment
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.factories import SYSTEM, archive

EVERY = [HEAVY, OVER_100, BOTH, {**BOTH, "flag": "orange", "within_days": 1}, MEAN, REMARK]
A_DAY = datetime.timedelta(days=1)


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


@pytest.fixture
def enrolled(ward, now):
    """Return what makes a patient who was enrolled long ago."""

    def make(**values):
        patient = ward.patient(**values)
        Enrolment.objects.filter(patient=patient).update(start_date=now.date() - 400 * A_DAY)
        return patient

    return make


def tried(ward, *changed, now, actor=SYSTEM):
    """Return the trial of `changed` rules beside the stored ones of the ward's protocol."""
    protocol = ward.protocol
    return try_rules(
        enrolments=followers_of(actor, protocol=protocol),
        organization=ward.clinic.organization,
        stored=protocol.rules,
        changed=list(changed),
        now=now,
    )


def raised(trial) -> list[tuple[str, str]]:
    return sorted((alert.flag, alert.day.isoformat()) for alert in trial.changed.alerts)


@pytest.mark.parametrize("seed", range(4))
def test_a_trial_raises_what_arriving_measurements_raise(ward, enrolled, now, seed):
    """Random values of two instruments, some with a remark, each evaluated as it arrives."""
    rolled, patient = random.Random(seed), enrolled()
    ward.prescribe(*EVERY)
    moments = sorted(now - datetime.timedelta(hours=rolled.randint(1, 20 * 24)) for _ in range(30))
    for moment in moments:
        code, values = rolled.choice([("weight", (80, 88, 92, 104)), ("pulse", (80, 101, 120))])
        ward.measure(patient, rolled.choice(values), moment, code, comment=rolled.choice([None, None, "dizzy"]))
    stored = sorted((flag, window) for _, flag, window in alerts(patient))
    assert stored
    trial = tried(ward, *EVERY, now=now)
    assert sorted((alert.flag, alert.day.isoformat()) for alert in trial.stored.alerts) == stored == raised(trial)


def test_a_trial_raises_what_missed_measurements_raise(ward, enrolled, now):
    patient = enrolled()
    ward.prescribe(LATE, schedule=[{**DAILY, "to_day": 999}])
    for day in (3, 2, 1, 0):
        raise_overdue_alerts(actor=SYSTEM, now=now - day * A_DAY)
    assert len(alerts(patient)) >= 2
    assert len(raised(tried(ward, LATE, now=now))) == len(alerts(patient))
    assert raised(tried(ward, {**LATE, "grace_hours": 700}, now=now)) == []
    done = PlannedAction.objects.filter(patient=patient, expires_at__lt=now)
    done.update(completed_at=F("not_before"))
    assert raised(tried(ward, LATE, now=now)) == []


def test_what_was_missed_before_a_patient_became_active_again_raises_nothing(ward, enrolled, now):
    patient = enrolled()
    ward.clinic.entry(
        PlannedAction,
        patient,
        instrument_id=ward.instruments["weight"].pk,
        not_before=now - 3 * A_DAY,
        expires_at=now - 2 * A_DAY,
    )
    assert len(raised(tried(ward, LATE, now=now))) == 1
    ward.clinic.entry(PatientMutation, patient, type="status", name="active")
    assert raised(tried(ward, LATE, now=now)) == []


def test_a_trial_tells_what_changes(ward, enrolled, now):
    ward.prescribe(HEAVY, OVER_100)
    heavy, heavier = enrolled(), enrolled()
    ward.stored(heavy, 95, now - 10 * A_DAY)
    ward.stored(heavier, 110, now - 3 * A_DAY)
    trial = tried(ward, HEAVY, {**OVER_100, "value": 120}, now=now)
    assert (trial.followers, trial.tried, trial.values) == (2, 2, 2)
    assert (trial.stored.by_flag, trial.changed.by_flag) == ({"orange": 1, "red": 1}, {"orange": 2})
    assert (trial.stored.by_rule, trial.changed.by_rule) == ({0: 1, 1: 1}, {0: 2})
    assert trial.changed.patients == {heavy.pk, heavier.pk}
    assert trial.no_longer_red == {heavier.pk}
    weeks = trial.changed.by_week(trial.since, trial.until)
    assert (len(weeks), sum(week["orange"] for week in weeks), weeks[-1]["orange"]) == (13, 2, 1)


def test_a_trial_looks_at_ninety_days_since_the_enrolment(ward, enrolled, now):
    patient = enrolled()
    for days in (89, 91, 60, 30):
        ward.stored(patient, 95, now - days * A_DAY)
    assert len(raised(tried(ward, HEAVY, now=now))) == 3
    Enrolment.objects.filter(patient=patient).update(start_date=now.date() - 40 * A_DAY)
    assert len(raised(tried(ward, HEAVY, now=now))) == 1


def test_values_before_the_span_take_part_in_averages(ward, enrolled, now):
    patient = enrolled()
    for days in (91.2, 90.6, 88.9):
        ward.stored(patient, 95, now - days * A_DAY)
    assert len(raised(tried(ward, MEAN, now=now))) == 1
    assert raised(tried(ward, {**MEAN, "window_days": 1}, now=now)) == []


def test_own_rules_stay_as_they_are(ward, enrolled, now):
    patient = enrolled()
    ward.own(patient, "measurement", "weight", {**HEAVY, "value": 100, "flag": "grey"})
    ward.stored(patient, 95, now - A_DAY)
    ward.stored(patient, 105, now - 2 * A_DAY)
    trial = tried(ward, HEAVY, now=now)
    assert (trial.changed.by_flag, trial.changed.by_rule) == ({"grey": 1}, {None: 1})


def test_who_does_not_follow_the_protocol_is_left_out(ward, enrolled, now, neighbour):
    left, gone, inactive = enrolled(), enrolled(), enrolled(status="inactive")
    for patient in (left, gone, inactive):
        ward.stored(patient, 95, now - A_DAY)
    end_enrolment(left)
    archive(gone)
    assert tried(ward, HEAVY, now=now).followers == 0


def test_a_trial_is_of_patients_in_scope(ward, enrolled, now):
    for group in (ward.clinic.group, ward.clinic.other_group):
        ward.stored(enrolled(care_group_id=group.pk), 95, now - A_DAY)
    caregiver, administrator = (actor_for(ward.clinic, role) for role in (Role.HC_PRIMARY, Role.HC_ADMIN))
    assert tried(ward, HEAVY, now=now, actor=caregiver).tried == 1
    assert tried(ward, HEAVY, now=now, actor=administrator).tried == 2


def test_archived_instruments_raise_nothing(ward, enrolled, now):
    ward.stored(enrolled(), 95, now - A_DAY)
    archive_catalog_row(actor=SYSTEM, row=ward.instruments["weight"], base_version=1)
    assert raised(tried(ward, HEAVY, LATE, BOTH, REMARK, now=now)) == []


def test_a_trial_is_bounded_and_tells_of_how_many_it_is(ward, enrolled, now, monkeypatch):
    for _ in range(3):
        patient = enrolled()
        for days in (1, 2):
            ward.stored(patient, 95, now - days * A_DAY)
    monkeypatch.setattr(trials, "MOST_VALUES", 5)
    trial = tried(ward, HEAVY, now=now)
    assert (trial.followers, trial.tried, trial.values, len(trial.changed.alerts)) == (3, 2, 4, 4)
    monkeypatch.setattr(trials, "MOST_COMPARISONS", 10)
    assert tried(ward, HEAVY, now=now).tried == 2
    assert tried(ward, HEAVY, LATE, REMARK, now=now).tried == 1
    monkeypatch.setattr(trials, "MOST_PATIENTS", 1)
    assert tried(ward, HEAVY, now=now).tried == 1


def test_a_trial_writes_nothing_and_costs_the_same_for_many(ward, enrolled, now, django_assert_num_queries):
    kept = (Measurement, MonitoringAlert, PlannedAction, AuditEvent, OutboxEvent)
    ward.prescribe(*EVERY, LATE, schedule=[DAILY])
    for patient in [enrolled() for _ in range(3)]:
        ward.stored(patient, 105, now - A_DAY)
        before = [model.objects.count() for model in kept]
        protocol, organization = ward.protocol, ward.clinic.organization
        with django_assert_num_queries(7):
            rows = followers_of(SYSTEM, protocol=protocol)
            try_rules(enrolments=rows, organization=organization, stored=EVERY, changed=[*EVERY, LATE], now=now)
        assert [model.objects.count() for model in kept] == before
