"""Causes of alerts, and rules, in words: "Systolic blood pressure 160 mmHg on 8 Nov, limit 150".

Days are written as "8 Nov", without the year, which stands beside an alert where it matters. Instruments are anything
with a name and a UCUM unit, by their codes; one that is not among them is called by its code.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from django.utils import timezone

from clinical.monitoring.days import A_DAY
from clinical.monitoring.rule_matches import met
from clinical.monitoring.rules import AVERAGE, COMBINATION, MEASUREMENT, OVERDUE, REMARK, Rule
from clinical.scales import written_unit

COMPARISONS: Mapping[str, str] = MappingProxyType({"<": "below", "<=": "at or below", ">": "above", ">=": "at or above"})
# What stands in a sentence for what nobody has said yet.
UNKNOWN = "…"
REMARK_LENGTH = 120
MEAN_PLACES = 1
# A day has 25 hours when the clocks are set back.
_LONGEST_DAY = A_DAY + datetime.timedelta(hours=1)

Instruments = Mapping[str, Any]
# A value and when it was measured.
Measured = tuple[Decimal, datetime.datetime]
_NONE: Instruments = MappingProxyType({})


# --- causes -----------------------------------------------------------------------------------------
def cause_in_words(alert: Any, instruments: Instruments = _NONE) -> str:
    """Return why `alert`, a MonitoringAlert, was raised.

    Its `instrument` is read, and for a remark its `measurement`, so lists select both. A combination looks at several
    instruments, which only `instruments` can name. Days of measurements are the organization's; that of a missed one is
    in the current time zone.
    """
    if "rule" not in alert.cause:
        return f"{alert.type.capitalize()} alert"
    known = {**instruments, alert.instrument.code: alert.instrument} if alert.instrument else instruments
    return _CAUSES[alert.type](alert, known)


def _by_threshold(alert: Any, instruments: Instruments) -> str:
    rule, (value,) = alert.cause["rule"], alert.cause["values"]
    return f"{_reading(value, instruments)} on {_day_of_window(alert)}, limit {number(rule['value'])}"


def _by_combination(alert: Any, instruments: Instruments) -> str:
    limits = {condition["instrument"]: condition["value"] for condition in alert.cause["rule"]["all"]}
    values = sorted(alert.cause["values"], key=lambda value: list(limits).index(value["instrument"]))
    parts = [f"{_reading(value, instruments)} (limit {number(limits[value['instrument']])})" for value in values]
    return f"{_listed([parts[0], *map(inside, parts[1:])])} on {_day_of_window(alert)}"


def _by_average(alert: Any, instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    name, mean = inside(name_of(rule["instrument"], instruments)), round(Decimal(str(alert.cause["mean"])), MEAN_PLACES)
    over = f"over {_counted(rule['window_days'], 'day')} to {_day_of_window(alert)}"
    return f"Average {name} {_with_unit(mean, rule['instrument'], instruments)} {over}, limit {number(rule['value'])}"


def _by_missing(alert: Any, instruments: Instruments) -> str:
    begins, ends = (datetime.datetime.fromisoformat(alert.cause["window"][end]) for end in ("from", "to"))
    return f"{name_of(alert.cause['rule']['instrument'], instruments)} not measured {_time_of_plan(begins, ends)}"


def _time_of_plan(begins: datetime.datetime, ends: datetime.datetime) -> str:
    """Return when a planned measurement was expected. The day of a patient in another time zone is where most of it lies."""
    if ends - begins <= _LONGEST_DAY:
        return f"on {day(begins + (ends - begins) / 2)}"
    return f"from {day(begins)} to {day(ends)}"


def _by_remark(alert: Any, instruments: Instruments) -> str:
    text = " ".join((getattr(alert.measurement, "comment", None) or "").split())
    short = text if len(text) <= REMARK_LENGTH else f"{text[:REMARK_LENGTH].rstrip()}…"
    return f"Remark: “{short}”" if short else f"Remark on {_day_of_window(alert)}"


_CAUSES: dict[str, Callable[[Any, Instruments], str]] = {
    MEASUREMENT: _by_threshold,
    COMBINATION: _by_combination,
    AVERAGE: _by_average,
    OVERDUE: _by_missing,
    REMARK: _by_remark,
}


# --- what became of it --------------------------------------------------------------------------------
def course_in_words(alert: Any, values: Sequence[Measured], instruments: Instruments = _NONE) -> str:
    """Return what is worth knowing beside the cause: how long the limit has been passed, or that it no longer is.

    `values` are the last ones of the instrument, oldest first; "" where they tell nothing. See `cause_in_words`.
    """
    if "rule" not in alert.cause:
        return ""
    known = {**instruments, alert.instrument.code: alert.instrument} if alert.instrument else instruments
    return _COURSES[alert.type](alert, values, known)


def _since(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    passed = list(takewhile(lambda value: met(rule, value[0]), reversed(values)))
    if not values:
        return ""
    if not passed:
        return f"Back to {number(values[-1][0])} on {day(values[-1][1])}"
    if len(passed) == 1:
        return f"Before it {number(values[-2][0])} on {day(values[-2][1])}" if len(values) > 1 else "The first value"
    return f"{'Above' if '>' in rule['op'] else 'Below'} it since {day(passed[-1][1])}"


def _together(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    return f"{'Both' if len(rule['all']) == 2 else 'All'} within {_counted(rule['within_days'], 'day')}"


def _enough(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    return f"{_counted(alert.cause['count'], 'value')}, at least {alert.cause['rule']['min_count']} are needed"


def _last_one(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    return f"The last one {number(values[-1][0])} on {day(values[-1][1])}" if values else ""


def _written_with(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    (value,) = alert.cause["values"]
    return f"Written with {inside(_reading(value, instruments))} on {_day_of_window(alert)}"


_COURSES: dict[str, Callable[[Any, Sequence[Measured], Instruments], str]] = {
    MEASUREMENT: _since,
    COMBINATION: _together,
    AVERAGE: _enough,
    OVERDUE: _last_one,
    REMARK: _written_with,
}


# --- rules ------------------------------------------------------------------------------------------
def rule_in_words(rule: Rule, instruments: Instruments = _NONE) -> str:
    """Return a rule as the end of a sentence: "red when glucose is above 250 mg/dL".

    What is not known yet of a rule that somebody writes stands as UNKNOWN in it, and in the sentence.
    """
    return f"{rule['flag']} when {_RULES[rule['kind']](rule, instruments)}"


def _condition(condition: Rule, instruments: Instruments) -> str:
    return f"{inside(name_of(condition['instrument'], instruments))} is {_limit(condition, instruments)}"


def _limit(condition: Rule, instruments: Instruments) -> str:
    return f"{COMPARISONS.get(condition['op'], UNKNOWN)} {_with_unit(condition['value'], condition['instrument'], instruments)}"


def _average(rule: Rule, instruments: Instruments) -> str:
    name, values = inside(name_of(rule["instrument"], instruments)), _counted(rule["min_count"], "value")
    return f"the average {name} of {values} or more in {_counted(rule['window_days'], 'day')} is {_limit(rule, instruments)}"


def _combination(rule: Rule, instruments: Instruments) -> str:
    conditions = [_condition(one, instruments) for one in rule["all"]] or [UNKNOWN]
    return f"within {_counted(rule['within_days'], 'day')} {_listed(conditions)}"


def _overdue(rule: Rule, instruments: Instruments) -> str:
    late = f" {_counted(rule['grace_hours'], 'hour')} after it was due" if rule["grace_hours"] else " in time"
    return f"{inside(name_of(rule['instrument'], instruments))} has not been measured{late}"


_RULES: dict[str, Callable[[Rule, Instruments], str]] = {
    MEASUREMENT: _condition,
    COMBINATION: _combination,
    AVERAGE: _average,
    OVERDUE: _overdue,
    REMARK: lambda rule, instruments: "the patient writes a remark",
}


def line_in_words(line: Rule, instruments: Instruments = _NONE) -> str:
    """Return a line of a schedule as a sentence: "Body weight every 7 days, from day 0 to day 180"."""
    often = "every day" if line["every_days"] == 1 else f"every {_counted(line['every_days'], 'day')}"
    return f"{name_of(line['instrument'], instruments)} {often}, from day {line['from_day']} to day {line['to_day']}"


# --- words ------------------------------------------------------------------------------------------
def name_of(code: str, instruments: Instruments) -> str:
    """Return the name of an instrument: "Systolic blood pressure"."""
    found = instruments.get(code)
    return found.name if found else code.replace("_", " ").capitalize()


def unit_of(code: str, instruments: Instruments) -> str:
    """Return the unit of an instrument as people write it, "" where it has none."""
    return written_unit(getattr(instruments.get(code), "unit", None))


def number(value: Any) -> str:
    """Return a number with separated thousands and no zeros at its end; a choice as it is."""
    if isinstance(value, str):
        return value
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day(moment: datetime.datetime) -> str:
    """Return the day of a moment in the current time zone: "8 Nov"."""
    return _short(timezone.localtime(moment).date())


def inside(name: str) -> str:
    """Return a name as it stands inside a sentence: "body weight", but "SpO2"."""
    first = name.partition(" ")[0]
    return name[:1].lower() + name[1:] if first[1:].islower() else name


def _reading(value: Mapping[str, Any], instruments: Instruments) -> str:
    return f"{name_of(value['instrument'], instruments)} {_with_unit(value['value'], value['instrument'], instruments)}"


def _with_unit(value: Any, code: str, instruments: Instruments) -> str:
    return f"{number(value)} {unit_of(code, instruments)}".rstrip()


def _day_of_window(alert: Any) -> str:
    return _short(datetime.date.fromisoformat(alert.window))


def _short(date: datetime.date) -> str:
    return f"{date.day} {date:%b}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
