"""Evaluating rules over measured values.

Each match belongs to a window. For a threshold or a remark this is the local day of the measurement;
for a combination or an average the local day of the value that completed it; for an overdue
measurement the planned action. Days are in the organization's time zone.

`cause` is JSON that explains the match even after the rule has changed: `rule` is the rule as it was,
`threshold` what was reached, `window` the time span considered, `values` the values that mattered, with
measurement, instrument, value and measured_at. For an average it also has the mean and the count, and
at most the last VALUES_KEPT values.
"""

import datetime
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from clinical.monitoring.days import day_bounds, day_of
from clinical.monitoring.rules import AVERAGE, COMBINATION, MEASUREMENT, OPS, OVERDUE, REMARK, Rule, codes_of, rule_key

VALUES_KEPT = 100
MEAN_PLACES = 6


@dataclass(frozen=True, slots=True)
class Value:
    """A measured value. `new` marks the ones being evaluated, as opposed to stored ones; `pk` breaks ties in time."""

    uuid: str
    instrument: str
    number: Decimal | None
    measured_at: datetime.datetime
    choice: str | None = None
    comment: str | None = None
    new: bool = True
    pk: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned measurement that has not been completed."""

    uuid: str
    instrument: str
    not_before: datetime.datetime
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that applies to a window. `value` is the value that completed it, None for an overdue measurement.

    With `days` None every window is independent. Otherwise an alert also covers all windows less than
    that many days away, even once it has been processed. A `stale` match creates no alert: it only
    raises the flag of an unprocessed one.
    """

    kind: str
    flag: str
    rule_key: str
    window: str
    cause: dict[str, Any]
    instrument: str | None = None
    value: Value | None = None
    days: int | None = None
    stale: bool = False


# --- measured values --------------------------------------------------------------------------------
def evaluate(rules: Iterable[Rule], values: Iterable[Value], zone: ZoneInfo) -> list[RuleMatch]:
    """Return the matches of `rules` over `values`: at most one per rule and window, the first in time.

    Every match involves at least one new value. Stored values take part in combinations and averages;
    `history_for` says which of them are needed.
    """
    ordered = sorted(values, key=lambda value: (value.measured_at, value.pk))
    return [match for rule in rules if rule["kind"] in _EVALUATORS for match in _EVALUATORS[rule["kind"]](rule, ordered, zone)]


def history_for(rules: Iterable[Rule], codes: Collection[str]) -> tuple[frozenset[str], int]:
    """Return the instruments whose stored values matter together with new ones of `codes`, and how many days away at most."""
    combining = [rule for rule in rules if rule["kind"] in (COMBINATION, AVERAGE) and codes_of(rule) & set(codes)]
    days = [rule["within_days"] if rule["kind"] == COMBINATION else rule["window_days"] for rule in combining]
    return frozenset().union(*map(codes_of, combining)), max(days, default=0)


def met(condition: Rule, number: Decimal | None) -> bool:
    """Tell whether a number meets a condition; None, the value of a choice, meets none."""
    return number is not None and OPS[condition["op"]](number, Decimal(str(condition["value"])))


def _by_threshold(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[RuleMatch]:
    found = (value for value in values if value.new and value.instrument == rule["instrument"] and met(rule, value.number))
    for day, value in _first_of_days(found, zone):
        yield _of_day(rule, day, value, zone, {"op": rule["op"], "value": rule["value"]})


def _by_remark(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[RuleMatch]:
    found = (value for value in values if value.new and (value.comment or "").strip())
    for day, value in _first_of_days(found, zone):
        yield _of_day(rule, day, value, zone, None)


def _first_of_days(values: Iterable[Value], zone: ZoneInfo) -> Iterator[tuple[datetime.date, Value]]:
    seen: set[datetime.date] = set()
    for value in values:
        day = day_of(value.measured_at, zone)
        if day not in seen:
            seen.add(day)
            yield day, value


def _of_day(rule: Rule, day: datetime.date, value: Value, zone: ZoneInfo, threshold: Any) -> RuleMatch:
    cause = _cause(rule, threshold, day_bounds(day, zone), [value])
    return RuleMatch(rule["kind"], rule["flag"], rule_key(rule), day.isoformat(), cause, value.instrument, value)


def _by_combination(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[RuleMatch]:
    """Compare the latest value of each instrument whenever one of them changes."""
    codes, within = codes_of(rule), datetime.timedelta(days=rule["within_days"])
    latest: dict[str, Value] = {}
    seen: set[datetime.date] = set()
    for value in values:
        if value.instrument not in codes:
            continue
        latest[value.instrument] = value
        deciding = [one for one in latest.values() if value.measured_at - one.measured_at < within]
        if len(deciding) < len(codes) or not any(one.new for one in deciding):
            continue
        day = day_of(value.measured_at, zone)
        if day not in seen and all(met(condition, latest[condition["instrument"]].number) for condition in rule["all"]):
            seen.add(day)
            cause = _cause(rule, rule["all"], (value.measured_at - within, value.measured_at), deciding)
            yield RuleMatch(
                COMBINATION, rule["flag"], rule_key(rule), day.isoformat(), cause, value=value, days=rule["within_days"]
            )


def _by_average(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[RuleMatch]:
    """Slide the window from value to value. Sums are compared instead of means, so that nothing is rounded."""
    width, limit, compare = datetime.timedelta(days=rule["window_days"]), Decimal(str(rule["value"])), OPS[rule["op"]]
    inside: deque[Value] = deque()
    total, fresh = Decimal(0), 0
    seen: set[datetime.date] = set()
    for value in values:
        if value.instrument != rule["instrument"] or value.number is None:
            continue
        inside.append(value)
        total, fresh = total + value.number, fresh + value.new
        while inside[0].measured_at <= value.measured_at - width:
            gone = inside.popleft()
            total, fresh = total - (gone.number or 0), fresh - gone.new
        day, count = day_of(value.measured_at, zone), len(inside)
        if day not in seen and fresh and count >= rule["min_count"] and compare(total, limit * count):
            seen.add(day)
            yield _of_average(rule, day, list(inside), total)


def _of_average(rule: Rule, day: datetime.date, values: list[Value], total: Decimal) -> RuleMatch:
    last, width = values[-1], datetime.timedelta(days=rule["window_days"])
    threshold = {"op": rule["op"], "value": rule["value"], "min_count": rule["min_count"]}
    cause = _cause(rule, threshold, (last.measured_at - width, last.measured_at), values[-VALUES_KEPT:])
    cause |= {"mean": _json(round(total / len(values), MEAN_PLACES)), "count": len(values)}
    return RuleMatch(
        AVERAGE, rule["flag"], rule_key(rule), day.isoformat(), cause, last.instrument, last, days=rule["window_days"]
    )


_EVALUATORS: dict[str, Callable[[Rule, Sequence[Value], ZoneInfo], Iterator[RuleMatch]]] = {
    MEASUREMENT: _by_threshold,
    REMARK: _by_remark,
    COMBINATION: _by_combination,
    AVERAGE: _by_average,
}


# --- overdue measurements ---------------------------------------------------------------------------
def match_overdue(
    rules: Iterable[Rule], actions: Iterable[Planned], now: datetime.datetime, within: datetime.timedelta
) -> list[RuleMatch]:
    """Return a match for each action and rule over its instrument whose grace period has ended by `now`.

    If it ended longer ago than `within`, the match is stale: a new rule raises no alerts about the past.
    """
    overdue = [rule for rule in rules if rule["kind"] == OVERDUE]
    return [
        _of_action(rule, action, stale=now - (action.expires_at + grace_of(rule)) > within)
        for action in actions
        for rule in overdue
        if rule["instrument"] == action.instrument and action.expires_at + grace_of(rule) <= now
    ]


def grace_of(rule: Rule) -> datetime.timedelta:
    """Return how long after its end a planned action may still be completed."""
    return datetime.timedelta(hours=rule["grace_hours"])


def _of_action(rule: Rule, action: Planned, *, stale: bool) -> RuleMatch:
    cause = _cause(rule, {"grace_hours": rule["grace_hours"]}, (action.not_before, action.expires_at), [])
    return RuleMatch(OVERDUE, rule["flag"], rule_key(rule), action.uuid, cause, action.instrument, days=0, stale=stale)


# --- causes -----------------------------------------------------------------------------------------
def _cause(
    rule: Rule, threshold: Any, window: tuple[datetime.datetime, datetime.datetime], values: Iterable[Value]
) -> dict[str, Any]:
    begins, ends = window
    return {
        "rule": dict(rule),
        "threshold": threshold,
        "window": {"from": _moment(begins), "to": _moment(ends)},
        "values": [_value_as_json(value) for value in values],
    }


def _value_as_json(value: Value) -> dict[str, Any]:
    measured = value.choice if value.number is None else _json(value.number)
    return {
        "measurement": value.uuid,
        "instrument": value.instrument,
        "value": measured,
        "measured_at": _moment(value.measured_at),
    }


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _json(number: Decimal) -> int | float:
    """Return a number as JSON has it. These have at most 12 digits, and a float keeps 15 exactly."""
    return int(number) if number == number.to_integral_value() else float(number)
