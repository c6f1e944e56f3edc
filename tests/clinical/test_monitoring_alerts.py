"""Alerts: what arriving measurements raise, and what stands already."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services.catalogs import archive_catalog_row
from clinical.models import MonitoringAlert
from clinical.services.monitoring import process_alert
from patients.services.charts import archive_entry
from tests.clinical.monitored import alerts, audited, end_enrolment, published
from tests.clinical.rules import BOTH, HEAVY, MEAN, OVER_100, REMARK
from tests.factories import NOON, SYSTEM

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


# --- raising ----------------------------------------------------------------------------------------
def test_a_measurement_beyond_a_threshold_raises_an_alert_that_explains_itself(ward):
    ward.prescribe(HEAVY)
    patient = ward.patient()
    row = ward.measure(patient, 90.125)
    alert = MonitoringAlert.objects.get()
    assert (alert.type, alert.flag, alert.status, alert.window) == ("measurement", "orange", "open", "2030-01-01")
    assert (alert.patient, alert.measurement, alert.instrument) == (patient, row, ward.instruments["weight"])
    assert (alert.care_group_id, alert.program, alert.protocol) == (ward.clinic.group.pk, ward.protocol.program, ward.protocol)
    shown = {"measurement": str(row.uuid), "instrument": "weight", "value": 90.125, "measured_at": "2030-01-01T12:00:00Z"}
    day = {"from": "2030-01-01T05:00:00Z", "to": "2030-01-02T05:00:00Z"}  # The clinic is in New York.
    assert alert.cause == {"rule": HEAVY, "threshold": {"op": ">", "value": 90}, "window": day, "values": [shown]}
    assert audited(patient, "monitoring_alert.raise") == [("monitoring_alert", alert.pk, "")]
    assert published("monitoring_alert.raised") == [alert.uuid]


def test_what_meets_no_rule_raises_nothing(ward):
    ward.prescribe(HEAVY, REMARK)
    patient = ward.patient()
    ward.measure(patient, 90)
    ward.measure(patient, 95, code="pulse")
    ward.measure(patient, "low", code="mood")
    assert alerts(patient) == []
    assert audited(patient, "monitoring_alert.raise") == published("monitoring_alert.raised") == []


def test_of_several_thresholds_the_highest_flag_that_is_met_wins(ward):
    ward.prescribe(OVER_100, {**HEAVY, "value": 50, "flag": "grey"}, HEAVY)
    patient = ward.patient()
    ward.measure(patient, 101)
    assert alerts(patient) == [("measurement", "red", "2030-01-01")]


def test_who_is_not_enrolled_is_not_judged_nor_what_is_older_than_the_enrolment(ward):
    ward.prescribe(HEAVY)
    outsider, leaver, patient = ward.clinic.patient(), ward.patient(), ward.patient()
    end_enrolment(leaver)
    for one in (outsider, leaver):
        ward.measure(one, 95)
    ward.measure(patient, 95, timezone.now() - 2 * DAY)
    assert not MonitoringAlert.objects.exists()
    ward.measure(patient, 95, timezone.now())
    assert len(alerts(patient)) == 1


def test_own_rules_stand_in_place_of_the_protocols_and_do_not_follow_it(ward):
    ward.prescribe(HEAVY, REMARK)
    patient, other = ward.patient(), ward.patient()
    own = ward.own(patient, "measurement", "weight", {**HEAVY, "value": 120})
    for one in (patient, other):
        ward.measure(one, 110, comment="Dizzy")
    assert [kind for kind, _, _ in alerts(patient)] == ["remark"]
    assert sorted(kind for kind, _, _ in alerts(other)) == ["measurement", "remark"]
    ward.prescribe({**HEAVY, "value": 50})
    ward.measure(patient, 119, NOON + DAY)
    assert len(alerts(patient)) == 1
    archive_entry(actor=SYSTEM, model=type(own), patient_id=patient.pk, entry_id=own.pk)
    ward.measure(patient, 51, NOON + 2 * DAY)
    assert alerts(patient)[-1] == ("measurement", "orange", "2030-01-03")


def test_an_empty_list_of_own_rules_switches_the_protocols_off(ward):
    ward.prescribe(HEAVY)
    patient = ward.patient()
    ward.own(patient, "measurement", "weight")
    ward.measure(patient, 500)
    assert alerts(patient) == []


def test_a_rule_over_an_instrument_that_was_archived_judges_nothing_and_breaks_nothing(ward):
    ward.prescribe(HEAVY, BOTH)
    patient = ward.patient()
    archive_catalog_row(actor=SYSTEM, row=ward.instruments["pulse"], base_version=1)
    ward.measure(patient, 95)
    assert alerts(patient) == [("measurement", "orange", "2030-01-01")]


def test_a_higher_flag_raises_the_alert_that_stands_and_a_lower_one_changes_nothing(ward):
    ward.prescribe(HEAVY, OVER_100)
    patient = ward.patient()
    ward.measure(patient, 95)
    first = MonitoringAlert.objects.get()
    worse = ward.measure(patient, 105, NOON + HOUR)
    risen = MonitoringAlert.objects.get()
    assert (risen.pk, risen.flag, risen.measurement, risen.status) == (first.pk, "red", worse, "open")
    assert [one["measurement"] for one in risen.cause["values"]] == [str(worse.uuid)]
    assert risen.cause["rule"] == OVER_100
    assert risen.updated_at > first.updated_at
    assert audited(patient, "monitoring_alert.raise_flag") == [("monitoring_alert", first.pk, "cause,flag")]
    assert published("monitoring_alert.raised") == [first.uuid] * 2
    for number in (95, 110):
        ward.measure(patient, number, NOON + 2 * HOUR)
    assert list(MonitoringAlert.objects.values()) == [{**MonitoringAlert.objects.values().get(), "updated_at": risen.updated_at}]


def test_an_escalated_alert_rises_too_and_another_day_is_another_alert(ward):
    ward.prescribe(HEAVY, OVER_100)
    patient = ward.patient()
    ward.measure(patient, 95)
    alert = MonitoringAlert.objects.get()
    process_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=alert.pk, status="escalated")
    ward.measure(patient, 105, NOON + HOUR)
    ward.measure(patient, 95, NOON + DAY)
    assert alerts(patient) == [("measurement", "red", "2030-01-01"), ("measurement", "orange", "2030-01-02")]
    alert.refresh_from_db()
    assert alert.status == "escalated"


def test_after_an_alert_was_processed_another_measurement_raises_another(ward):
    ward.prescribe(HEAVY)
    patient = ward.patient()
    row = ward.measure(patient, 95)
    process_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=MonitoringAlert.objects.get().pk, status="processed")
    ward.evaluate(patient, row)
    assert len(alerts(patient)) == 1, "the same measurement has been processed"
    ward.measure(patient, 95, NOON + HOUR)
    assert len(alerts(patient)) == 2


def test_days_are_those_of_the_organization(ward):
    """Ten in the evening in New York, four in the morning of the next day where the patient lives."""
    ward.prescribe(HEAVY)
    patient = ward.patient(timezone="Europe/Amsterdam")
    ward.measure(patient, 95, datetime.datetime(2030, 1, 2, 3, tzinfo=datetime.UTC))
    assert alerts(patient) == [("measurement", "orange", "2030-01-01")]


def test_a_combination_is_completed_by_values_of_different_requests(ward):
    ward.prescribe(BOTH)
    patient, other = ward.patient(), ward.patient()
    ward.measure(patient, 95)
    ward.measure(other, 120, NOON + HOUR, "pulse")
    assert not MonitoringAlert.objects.exists()
    quick = ward.measure(patient, 100, NOON + HOUR, "pulse")
    alert = MonitoringAlert.objects.get()
    assert (alert.patient, alert.type, alert.flag, alert.window) == (patient, "combination", "red", "2030-01-01")
    assert (alert.instrument, alert.measurement) == (None, quick)
    assert {one["instrument"]: one["value"] for one in alert.cause["values"]} == {"weight": 95, "pulse": 100}


def test_a_combination_that_stands_is_not_told_again_within_its_days(ward):
    ward.prescribe(BOTH)
    patient = ward.patient()
    ward.measure(patient, 95)
    ward.measure(patient, 100, NOON + HOUR, "pulse")
    process_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=MonitoringAlert.objects.get().pk, status="processed")
    ward.measure(patient, 101, NOON + DAY, "pulse")
    assert len(alerts(patient)) == 1
    ward.measure(patient, 96, NOON + 2 * DAY)
    assert [window for _, _, window in alerts(patient)] == ["2030-01-01", "2030-01-03"]


def test_an_average_takes_older_values_in(ward):
    ward.prescribe(MEAN)
    patient = ward.patient()
    for number, days in ((89, 0), (90, 1), (92, 2)):
        ward.measure(patient, number, NOON + days * DAY)
    assert alerts(patient) == [("average", "orange", "2030-01-03")]
    cause = MonitoringAlert.objects.get().cause
    assert ([one["value"] for one in cause["values"]], cause["count"]) == ([89, 90, 92], 3)
    assert cause["mean"] == pytest.approx(90.333333, abs=0)


def test_a_comment_is_a_remark_whatever_was_measured(ward):
    ward.prescribe(REMARK)
    patient = ward.patient()
    row = ward.measure(patient, "low", code="mood", comment="I cannot sleep")
    assert alerts(patient) == [("remark", "grey", "2030-01-01")]
    alert = MonitoringAlert.objects.get()
    assert (alert.measurement, alert.instrument.code) == (row, "mood")
    assert "sleep" not in str(alert.cause), "what a patient wrote stands in the measurement"


def test_the_rules_of_a_batch_settle_among_themselves(ward):
    ward.prescribe(HEAVY, OVER_100, REMARK)
    patient = ward.patient()
    ward.evaluate(patient, *(ward.stored(patient, 91 + number, NOON + number * HOUR, comment="x") for number in range(12)))
    assert sorted(alerts(patient)) == [("measurement", "red", "2030-01-01"), ("remark", "grey", "2030-01-01")]
    assert len(audited(patient, "monitoring_alert.raise")) == 1


def statements(ward, number: int) -> int:
    """Return what it costs to evaluate `number` measurements that raise alerts of every kind on each of three days."""
    patient = ward.patient()
    rows = [ward.stored(patient, 95, NOON + 2 * DAY * place / number, comment="x") for place in range(number)]
    ward.stored(patient, 120, NOON, "pulse")
    with CaptureQueriesContext(connection) as queries:
        assert ward.evaluate(patient, *rows) >= 6
    return len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def test_a_batch_costs_the_same_for_any_number_of_measurements(ward):
    ward.prescribe(HEAVY, REMARK, BOTH, MEAN)
    assert statements(ward, 10) == statements(ward, 200) <= 14


def test_a_thousand_measurements_are_judged_at_once(ward):
    ward.prescribe(HEAVY, OVER_100, BOTH, MEAN, REMARK)
    patient = ward.patient()
    rows = [ward.stored(patient, 91 + number % 12, NOON + number * datetime.timedelta(minutes=2)) for number in range(1_000)]
    assert ward.evaluate(patient, *rows) == len(alerts(patient)) == 3  # Two local days, and one average for both.
