"""Judging without a database: what rules find in values, what matches come to, and where days begin and end."""

import datetime
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from clinical.monitoring import (
    ExistingAlert,
    Planned,
    RuleMatch,
    Value,
    day_bounds,
    day_of,
    days_of,
    evaluate,
    history_for,
    match_overdue,
    reconcile_alerts,
)
from clinical.monitoring.rule_matches import VALUES_KEPT
from tests.clinical import rules
from tests.clinical.rules import BOTH, DAILY, HEAVY, REMARK

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
START = datetime.datetime(2030, 1, 10, 12, tzinfo=datetime.UTC)
MEAN = {**rules.MEAN, "min_count": 2}
LATE = {**rules.LATE, "instrument": "mood"}


def at(days: float = 0, hours: float = 0, seconds: float = 0) -> datetime.datetime:
    return START + datetime.timedelta(days=days, hours=hours, seconds=seconds)


def value(number, when=START, instrument: str = "weight", *, new: bool = True, **values) -> Value:
    """Return a value whose UUID and place tell its moment."""
    measured = None if number is None else Decimal(str(number))
    place = int((when - START).total_seconds())
    return Value(f"{instrument}@{place}", instrument, measured, when, new=new, pk=place, **values)


def found(rules, *values) -> list[tuple[str, str, str]]:
    """Return flag, rule key and window of what the rules find."""
    return [(one.flag, one.rule_key, one.window) for one in evaluate(rules, values, AMSTERDAM)]


# --- thresholds and remarks -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("op", "number", "reached"),
    [
        ("<", "89.999", True),
        ("<", 90, False),
        ("<=", 90, True),
        ("<=", "90.001", False),
        (">", 90, False),
        (">", "90.001", True),
        (">=", 90, True),
        (">=", "89.999", False),
    ],
)
def test_a_threshold_is_met_to_the_last_place(op, number, reached):
    assert bool(found([{**HEAVY, "op": op}], value(number))) == reached


def test_numbers_are_compared_as_they_are_written():
    assert found([{**HEAVY, "op": ">", "value": 0.3}], value("0.3")) == []
    assert found([{**HEAVY, "op": ">=", "value": 0.1}], value("0.1")) != []


def test_a_threshold_looks_at_new_numbers_of_its_instrument():
    assert found([HEAVY], value(95, new=False)) == []
    assert found([HEAVY], value(95, instrument="pulse")) == []
    assert found([HEAVY], value(None, choice="heavy")) == []


def test_a_threshold_finds_the_first_value_of_each_local_day():
    before_midnight, after = at(hours=10.9), at(hours=11.1)  # 23:54 and 00:06 in Amsterdam, one day in UTC
    values = [value(95, after), value(96, before_midnight), value(97, at())]
    assert [one.value.number for one in evaluate([HEAVY], values, AMSTERDAM)] == [97, 95]
    assert [window for _, _, window in found([HEAVY], *values)] == ["2030-01-10", "2030-01-11"]


def test_a_remark_is_any_comment_with_a_word_in_it():
    values = [value(1, at(number), comment=text) for number, text in enumerate([None, "", "  \n", "Dizzy", "  x "])]
    assert found([REMARK], *values) == [("grey", "remark", "2030-01-13"), ("grey", "remark", "2030-01-14")]
    assert found([REMARK], value(None, instrument="mood", choice="low", comment="Dizzy")) != []
    assert found([REMARK], value(1, comment="Dizzy", new=False)) == []


def test_a_cause_explains_the_verdict_in_exact_numbers():
    (match,) = evaluate([HEAVY], [value("123456789.125")], AMSTERDAM)
    assert json.loads(json.dumps(match.cause)) == {
        "rule": HEAVY,
        "threshold": {"op": ">", "value": 90},
        "window": {"from": "2030-01-09T23:00:00Z", "to": "2030-01-10T23:00:00Z"},
        "values": [
            {"measurement": "weight@0", "instrument": "weight", "value": 123456789.125, "measured_at": "2030-01-10T12:00:00Z"}
        ],
    }
    assert Decimal(repr(match.cause["values"][0]["value"])) == Decimal("123456789.125")
    (remark,) = evaluate([REMARK], [value(None, instrument="mood", choice="low", comment="Dizzy")], AMSTERDAM)
    assert [one["value"] for one in remark.cause["values"]] == ["low"]
    assert remark.cause["threshold"] is None


# --- combinations -----------------------------------------------------------------------------------
def test_a_combination_is_completed_by_the_newest_value_and_has_its_day():
    heavy, quick = value(95, at(), new=False), value(100, at(days=1), "pulse")
    assert found([BOTH], heavy, quick) == [("red", "combination:pulse:weight", "2030-01-11")]
    (match,) = evaluate([BOTH], [quick, heavy], AMSTERDAM)
    assert match.value == quick
    assert [one["measurement"] for one in match.cause["values"]] == ["weight@0", "pulse@86400"]
    assert match.cause["window"] == {"from": "2030-01-09T12:00:00Z", "to": "2030-01-11T12:00:00Z"}


@pytest.mark.parametrize(("apart", "complete"), [(at(days=2, seconds=-1), True), (at(days=2), False), (at(days=3), False)])
def test_a_value_counts_for_less_than_within_days(apart, complete):
    assert bool(found([BOTH], value(95), value(100, apart, "pulse"))) == complete


def test_a_combination_needs_every_condition_from_the_latest_value_of_its_instrument():
    quick = value(100, at(hours=2), "pulse")
    assert found([BOTH], value(90), quick) == []
    assert found([BOTH], value(95), value(99, at(hours=2), "pulse")) == []
    assert found([BOTH], value(95)) == []
    assert found([BOTH], value(95), value(80, at(hours=1)), quick) == []
    assert found([BOTH], value(80), value(95, at(hours=1)), quick) != []


def test_a_combination_rests_on_a_new_value():
    old = [value(95, new=False), value(100, at(hours=1), "pulse", new=False)]
    assert found([BOTH], *old) == []
    assert found([BOTH], *old, value(1, at(hours=2), "mood")) == []
    assert found([BOTH], *old, value(96, at(hours=2))) != []


def test_a_value_that_comes_late_completes_what_is_newer():
    (match,) = evaluate([BOTH], [value(95), value(100, at(hours=5), "pulse", new=False)], AMSTERDAM)
    assert match.value.instrument == "pulse"


def test_a_combination_may_bound_one_instrument_from_both_sides():
    between = {**BOTH, "all": [{"instrument": "weight", "op": op, "value": limit} for op, limit in ((">", 50), ("<", 60))]}
    assert [bool(found([between], value(number))) for number in (50, 55, 60)] == [False, True, False]


# --- averages ---------------------------------------------------------------------------------------
def test_an_average_is_the_mean_of_its_window():
    assert found([MEAN], value(89), value(92, at(days=1))) == [("orange", "average:weight", "2030-01-11")]
    assert found([MEAN], value(89), value(91, at(days=1))) == []
    (match,) = evaluate([{**MEAN, "op": ">="}], [value(89), value(91, at(days=1))], AMSTERDAM)
    assert (match.cause["mean"], match.cause["count"]) == (90, 2)
    assert match.cause["threshold"] == {"op": ">=", "value": 90, "min_count": 2}


def test_an_average_needs_enough_values():
    assert found([MEAN], value(500)) == []
    assert found([{**MEAN, "min_count": 1}], value(500)) != []


@pytest.mark.parametrize(("apart", "inside"), [(at(days=3, seconds=-1), True), (at(days=3), False)])
def test_a_value_leaves_the_window_when_it_is_window_days_old(apart, inside):
    assert bool(found([MEAN], value(95), value(95, apart))) == inside


def test_an_average_rests_on_a_new_value_of_its_window():
    old = [value(95, new=False), value(95, at(hours=1), new=False)]
    assert found([MEAN], *old) == []
    assert found([MEAN], *old, value(95, at(days=9))) == []
    assert found([MEAN], *old, value(95, at(hours=2))) != []
    assert found([MEAN], value(95), value(95, at(hours=1), new=False)) != []  # It came late.
    assert found([MEAN], *old, value(95, at(hours=2), "pulse"), value(None, at(hours=2), choice="x")) == []


def test_a_mean_that_does_not_end_is_compared_exactly():
    third = {**MEAN, "op": ">", "value": 33.333, "min_count": 3}
    assert found([third], *(value(number, at(hours=number)) for number in (33, 33, 33))) == []
    (match,) = evaluate([third], [value(number, at(hours=hour)) for hour, number in enumerate((33, 33, 34))], AMSTERDAM)
    assert match.cause["mean"] == 33.333333


def test_the_cause_of_an_average_keeps_the_last_values():
    (match,) = evaluate([{**MEAN, "min_count": 150}], [value(95, at(seconds=number)) for number in range(150)], AMSTERDAM)
    assert match.cause["count"] == 150
    assert [one["measurement"] for one in match.cause["values"]][:: VALUES_KEPT - 1] == ["weight@50", "weight@149"]


def test_history_is_asked_for_where_older_values_decide():
    assert history_for([HEAVY, REMARK, LATE], {"weight"}) == (frozenset(), 0)
    assert history_for([HEAVY, BOTH, MEAN], {"weight"}) == ({"weight", "pulse"}, 3)
    assert history_for([BOTH, MEAN], {"pulse"}) == ({"weight", "pulse"}, 2)
    assert history_for([BOTH, MEAN], {"mood"}) == (frozenset(), 0)


# --- overdue ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("now", "late"), [(at(days=1, hours=12, seconds=-1), False), (at(days=1, hours=12), True)])
def test_a_planned_measurement_is_overdue_when_its_grace_has_run_out(now, late):
    action = Planned("a1", "mood", at(), at(days=1))
    matches = match_overdue([LATE, {**LATE, "instrument": "weight"}, HEAVY], [action], now, datetime.timedelta(days=2))
    assert [(one.rule_key, one.window, one.flag) for one in matches] == ([("overdue:mood", "a1", "orange")] if late else [])
    for one in matches:
        assert one.cause == {
            "rule": LATE,
            "threshold": {"grace_hours": 12},
            "window": {"from": "2030-01-10T12:00:00Z", "to": "2030-01-11T12:00:00Z"},
            "values": [],
        }


# --- reconciling ------------------------------------------------------------------------------------
def match(flag: str, window: str = "2030-01-10", *, days: int | None = None, when=START) -> RuleMatch:
    return RuleMatch("measurement", flag, "key", window, {"flag": flag}, value=value(1, when), days=days)


def reconciled(matches, *existing) -> list[tuple[int | None, str, str]]:
    return [(alert.pk, alert.window, alert.flag) for alert, _ in reconcile_alerts(matches, existing)]


def test_of_several_flags_the_highest_wins():
    for flags in (["grey", "red", "orange"], ["red"], ["orange", "red", "red"]):
        assert reconciled([match(flag) for flag in flags]) == [(None, "2030-01-10", "red")]


@pytest.mark.parametrize(
    ("stands", "comes", "result"),
    [("grey", "red", [(1, "2030-01-10", "red")]), ("red", "red", []), ("red", "grey", []), ("orange", "grey", [])],
)
def test_an_alert_that_is_not_processed_rises_and_never_falls(stands, comes, result):
    assert reconciled([match(comes)], ExistingAlert(1, "key", "2030-01-10", stands)) == result


def test_another_window_or_rule_is_another_alert():
    assert reconciled([match("red")], ExistingAlert(1, "key", "2030-01-09", "red")) == [(None, "2030-01-10", "red")]
    assert reconciled([match("red")], ExistingAlert(1, "other", "2030-01-10", "red")) == [(None, "2030-01-10", "red")]


def test_another_measurement_after_a_processed_alert_raises_another():
    processed = ExistingAlert(1, "key", "2030-01-10", "red", True, "weight@0")
    assert reconciled([match("red", when=at(hours=1))], processed) == [(None, "2030-01-10", "red")]
    assert reconciled([match("red")], processed) == [], "the same measurement has been processed"


@pytest.mark.parametrize(
    ("window", "new"), [("2030-01-08", True), ("2030-01-09", False), ("2030-01-11", False), ("2030-01-12", True)]
)
@pytest.mark.parametrize("processed", [False, True])
def test_an_alert_of_days_stands_for_the_days_around_it(window, new, processed):
    standing = ExistingAlert(1, "key", "2030-01-10", "orange", processed)
    assert bool(reconciled([match("orange", window, days=2)], standing)) == new


def test_a_higher_flag_is_told_near_an_alert_of_days_too():
    comes = [match("red", "2030-01-11", days=2)]
    assert reconciled(comes, ExistingAlert(1, "key", "2030-01-10", "orange")) == [(1, "2030-01-10", "red")]
    assert reconciled(comes, ExistingAlert(1, "key", "2030-01-10", "orange", True)) == [(None, "2030-01-11", "red")]


def test_matches_of_one_batch_are_reconciled_with_each_other():
    days = [match(flag, f"2030-01-{day}", days=3) for day, flag in ((15, "grey"), (10, "grey"), (12, "red"), (13, "red"))]
    assert reconciled(days) == [(None, "2030-01-10", "red"), (None, "2030-01-13", "red")], "windows count, not values"


# --- days -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("day", "hours"), [((2030, 3, 31), 23), ((2030, 10, 27), 25), ((2030, 1, 1), 24)], ids=["spring", "autumn", "winter"]
)
def test_a_local_day_goes_from_midnight_to_midnight(day, hours):
    begins, ends = day_bounds(datetime.date(*day), AMSTERDAM)
    assert ends - begins == datetime.timedelta(hours=hours)
    assert day_of(begins, AMSTERDAM) == day_of(ends - datetime.timedelta(seconds=1), AMSTERDAM) == datetime.date(*day)
    assert day_bounds(datetime.date(*day) + datetime.timedelta(days=1), AMSTERDAM)[0] == ends


def test_a_day_without_a_midnight_begins_after_the_gap():
    beirut = ZoneInfo("Asia/Beirut")  # Clocks went from 00:00 to 01:00 on 31 March 2024.
    begins, _ = day_bounds(datetime.date(2024, 3, 31), beirut)
    assert begins.astimezone(beirut).time() == datetime.time(1)
    assert begins == day_bounds(datetime.date(2024, 3, 30), beirut)[1]


def numbers(line, first: int, last: int) -> list[int]:
    start = START.date()
    days = days_of({**DAILY, **line}, start, start + datetime.timedelta(first), start + datetime.timedelta(last))
    return [(day - start).days for day in days]


def test_a_line_plans_every_so_many_days_between_its_first_and_last():
    assert numbers({"every_days": 3, "from_day": 2, "to_day": 9}, -5, 20) == [2, 5, 8]
    assert numbers({"every_days": 3, "from_day": 2, "to_day": 8}, 3, 8) == [5, 8]
    assert numbers({"every_days": 3, "from_day": 2, "to_day": 8}, 6, 7) == []
    assert numbers({"every_days": 7, "from_day": 0, "to_day": 0}, 0, 1) == [0]
    assert numbers({"every_days": 1, "from_day": 1, "to_day": 3}, 4, 9) == []
    assert numbers({"every_days": 1, "from_day": 1, "to_day": 3}, -9, 0) == []
