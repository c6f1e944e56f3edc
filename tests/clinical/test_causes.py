"""Causes and rules in words, from what the rules find."""

import datetime
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from clinical.models import Instrument, Measurement, MonitoringAlert
from clinical.monitoring import Planned, RuleMatch, Value, evaluate, match_overdue
from clinical.monitoring.causes import cause_in_words, course_in_words, inside, number, rule_in_words
from clinical.monitoring.rules import KINDS
from tests.clinical.rules import BOTH, HEAVY, LATE, MEAN, OVER_100, REMARK

NEW_YORK = ZoneInfo("America/New_York")
EVENING = datetime.datetime(2026, 11, 8, 23, 30, tzinfo=NEW_YORK)
DAY = datetime.timedelta(days=1)
INSTRUMENTS = {
    "weight": Instrument(code="weight", name="Body weight", unit="kg"),
    "pulse": Instrument(code="pulse", name="Pulse", unit="/min"),
    "steps": Instrument(code="steps", name="Steps", unit="{steps}"),
    "bp_systolic": Instrument(code="bp_systolic", name="Systolic", unit="mm[Hg]"),
}


def value(amount, when=EVENING, code: str = "weight", **values) -> Value:
    return Value(f"{code}@{when}", code, Decimal(str(amount)), when, **values)


def alert_of(match: RuleMatch) -> MonitoringAlert:
    """Return the alert of a match as it comes out of the database."""
    written = Measurement(comment=match.value.comment) if match.value else None
    cause, instrument = json.loads(json.dumps(match.cause)), INSTRUMENTS.get(match.instrument or "")
    return MonitoringAlert(type=match.kind, window=match.window, cause=cause, instrument=instrument, measurement=written)


def words(rule: dict, *values: Value, **known) -> str:
    """Return the cause of the alert that `rule` raises over `values`, read in the clinic's time zone."""
    (match,) = evaluate([rule], values, NEW_YORK)
    with timezone.override(NEW_YORK):
        return cause_in_words(alert_of(match), **known)


def missed(begins: datetime.datetime, ends: datetime.datetime) -> str:
    (match,) = match_overdue([LATE], [Planned("x", "weight", begins, ends)], ends + 2 * DAY, 30 * DAY)
    with timezone.override(NEW_YORK):
        return cause_in_words(alert_of(match))


def test_a_threshold_is_told_with_value_unit_day_of_the_clinic_and_limit():
    assert words(HEAVY, value("95.20")) == "Body weight 95.2 kg on 8 Nov, limit 90"
    rule = {**HEAVY, "instrument": "bp_systolic", "op": ">=", "value": 150}
    assert words(rule, value(160, code="bp_systolic")) == "Systolic 160 mmHg on 8 Nov, limit 150"
    assert words({**HEAVY, "instrument": "steps", "op": ">", "value": 10_000}, value(12_500, code="steps")) == (
        "Steps 12,500 on 8 Nov, limit 10,000"
    )


def test_a_combination_is_told_with_each_value_and_its_limit_in_the_order_of_the_rule():
    values = [value(120, EVENING - DAY / 2, "pulse"), value(95)]
    assert words(BOTH, *values, instruments=INSTRUMENTS) == (
        "Body weight 95 kg (limit 90) and pulse 120 a minute (limit 100) on 8 Nov"
    )
    assert words(BOTH, *values) == "Weight 95 (limit 90) and pulse 120 (limit 100) on 8 Nov"


def test_an_average_is_told_with_its_days():
    values = [value(amount, EVENING - back * DAY) for back, amount in enumerate((95, 90, "91.5"))]
    assert words(MEAN, *values) == "Average body weight 92.2 kg over 3 days to 8 Nov, limit 90"


def test_a_missed_measurement_is_told_with_the_day_it_was_expected_on():
    midnight = datetime.datetime(2026, 11, 8, tzinfo=NEW_YORK)
    assert missed(midnight, midnight + DAY) == "Body weight not measured on 8 Nov"
    # Of a patient in Los Angeles, whose day begins and ends three hours later.
    later = datetime.timedelta(hours=3)
    assert missed(midnight + later, midnight + DAY + later) == "Body weight not measured on 8 Nov"
    # The clocks are set back on 1 November.
    first = datetime.datetime(2026, 11, 1, tzinfo=NEW_YORK)
    ends = datetime.datetime(2026, 11, 2, tzinfo=NEW_YORK)
    assert missed(first.astimezone(datetime.UTC), ends.astimezone(datetime.UTC)) == "Body weight not measured on 1 Nov"
    assert missed(midnight, midnight + 2.5 * DAY) == "Body weight not measured from 8 Nov to 10 Nov"


def test_a_remark_is_told_in_the_patients_words_on_one_line_and_not_too_long():
    assert words(REMARK, value(80, comment=" dizzy when\nI stand up ")) == "Remark: “dizzy when I stand up”"
    long = words(REMARK, value(80, comment="x" * 500))
    assert len(long) < 140
    assert long.endswith("x…”")


def test_an_alert_whose_remark_or_cause_is_missing_has_words_too():
    (match,) = evaluate([REMARK], [value(80, comment="x")], NEW_YORK)
    alert = alert_of(match)
    alert.measurement = None
    assert cause_in_words(alert) == "Remark on 8 Nov"
    assert cause_in_words(MonitoringAlert(type="average", cause={})) == "Average alert"


# --- what became of it ------------------------------------------------------------------------------
def course(rule: dict, *values: Value, later: tuple = ()) -> str:
    """Return what became of the alert of `rule` over `values`, after further amounts on the days after it."""
    match = evaluate([rule], values, NEW_YORK)[0]
    known = [(value.number, value.measured_at) for value in sorted(values, key=lambda value: value.measured_at)]
    after = [(Decimal(amount), EVENING + day * DAY) for day, amount in enumerate(later, start=1)]
    with timezone.override(NEW_YORK):
        return course_in_words(alert_of(match), [*known, *after])


def test_it_is_told_since_when_a_limit_has_been_passed_or_that_it_no_longer_is():
    high, before = value(95), value(85, EVENING - DAY)
    assert course(HEAVY, high) == "The first value"
    assert course(HEAVY, before, high) == "Before it 85 on 7 Nov"
    assert course(HEAVY, before, high, later=(96, 97)) == "Above it since 8 Nov"
    assert course({**HEAVY, "op": "<"}, value(80), later=(81, 82)) == "Below it since 8 Nov"
    assert course(HEAVY, before, high, later=(96, 89)) == "Back to 89 on 10 Nov"


def test_it_is_told_how_many_values_count_and_what_a_remark_was_written_with():
    assert course(MEAN, *(value(95, EVENING - back * DAY) for back in range(3))) == "3 values, at least 3 are needed"
    assert course(REMARK, value(84, comment="x")) == "Written with body weight 84 kg on 8 Nov"
    assert course(BOTH, value(95), value(120, code="pulse")) == "Both within 2 days"


def test_of_a_missed_measurement_the_last_one_is_told():
    (match,) = match_overdue([LATE], [Planned("x", "weight", EVENING, EVENING + DAY)], EVENING + 3 * DAY, 30 * DAY)
    assert course_in_words(alert_of(match), [(Decimal("84.5"), EVENING - 12 * DAY)]) == "The last one 84.5 on 28 Oct"
    assert course_in_words(alert_of(match), []) == ""
    assert course_in_words(MonitoringAlert(type="average", cause={}), []) == ""


# --- rules ------------------------------------------------------------------------------------------
SENTENCES = [
    (OVER_100, "red when body weight is above 100 kg"),
    (BOTH, "red when within 2 days body weight is above 90 kg and pulse is at or above 100 a minute"),
    (MEAN, "orange when the average body weight of 3 values or more in 3 days is above 90 kg"),
    (LATE, "orange when body weight has not been measured 12 hours after it was due"),
    ({**LATE, "grace_hours": 0}, "orange when body weight has not been measured in time"),
    (REMARK, "grey when the patient writes a remark"),
]


@pytest.mark.parametrize(("rule", "sentence"), SENTENCES)
def test_a_rule_is_told_as_a_sentence(rule, sentence):
    assert rule_in_words(rule, INSTRUMENTS) == sentence


def test_every_kind_of_rule_is_told():
    assert {rule["kind"] for rule, _ in SENTENCES} == set(KINDS)


def test_numbers_and_names_are_written_as_people_write_them():
    assert [number(one) for one in (100, 7.0, Decimal("0.500"), 1234567.25, "low", 0)] == [
        "100",
        "7",
        "0.5",
        "1,234,567.25",
        "low",
        "0",
    ]
    assert [inside(name) for name in ("Body weight", "SpO2", "HbA1c", "Pulse")] == ["body weight", "SpO2", "HbA1c", "pulse"]
