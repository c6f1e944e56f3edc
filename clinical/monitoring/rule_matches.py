"""Judging values by rules.

A verdict is about a window. For a threshold and a remark it is the local day of the measurement; for
a combination and an average the local day of the value that completed it; for an overdue
measurement the planned action. All days are the organization's.

Its `cause` explains it for ever, as JSON: `rule` is the rule as it stood, `threshold` what was
reached, `window` the time that was looked at, `values` the values that decided, with measurement,
instrument, value and measured_at. That of an average has the mean and the count too, and of many
values the last VALUES_KEPT.
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
    """A measured value. `new` tells those that are judged from those that stood before; `pk` orders what has one time."""

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
    """A measurement that was planned and has not come."""

    uuid: str
    instrument: str
    not_before: datetime.datetime
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule has found. `value` completed it, None where none came.

    `days` is None where the rule judges every window afresh; else an alert stands for all windows
    less than so many days away too, and a processed one keeps standing. One that is `stale` makes no
    alert: it only raises the flag of one that is not processed.
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


# --- what arrived -----------------------------------------------------------------------------------
def judge(rules: Iterable[Rule], values: Iterable[Value], zone: ZoneInfo) -> list[Verdict]:
    """Return what `rules` find in `values`, at most one verdict a rule and window: the first in time.

    Each verdict rests on a new value at least. Values that stood before take part in combinations
    and averages; which of them are needed is told by `history_for`.
    """
    ordered = sorted(values, key=lambda value: (value.measured_at, value.pk))
    return [verdict for rule in rules if rule["kind"] in _JUDGES for verdict in _JUDGES[rule["kind"]](rule, ordered, zone)]


def history_for(rules: Iterable[Rule], codes: Collection[str]) -> tuple[frozenset[str], int]:
    """Return the instruments whose older values decide with new ones of `codes`, and how many days off these can be."""
    looking = [rule for rule in rules if rule["kind"] in (COMBINATION, AVERAGE) and codes_of(rule) & set(codes)]
    days = [rule["within_days"] if rule["kind"] == COMBINATION else rule["window_days"] for rule in looking]
    return frozenset().union(*map(codes_of, looking)), max(days, default=0)


def met(condition: Rule, number: Decimal | None) -> bool:
    """Tell whether a value meets a condition; a choice meets none."""
    return number is not None and OPS[condition["op"]](number, Decimal(str(condition["value"])))


def _by_threshold(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[Verdict]:
    found = (value for value in values if value.new and value.instrument == rule["instrument"] and met(rule, value.number))
    for day, value in _first_of_days(found, zone):
        yield _of_day(rule, day, value, zone, {"op": rule["op"], "value": rule["value"]})


def _by_remark(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[Verdict]:
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


def _of_day(rule: Rule, day: datetime.date, value: Value, zone: ZoneInfo, threshold: Any) -> Verdict:
    cause = _cause(rule, threshold, day_bounds(day, zone), [value])
    return Verdict(rule["kind"], rule["flag"], rule_key(rule), day.isoformat(), cause, value.instrument, value)


def _by_combination(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[Verdict]:
    """Look at the latest values of the instruments whenever one of them changes."""
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
            yield Verdict(
                COMBINATION, rule["flag"], rule_key(rule), day.isoformat(), cause, value=value, days=rule["within_days"]
            )


def _by_average(rule: Rule, values: Sequence[Value], zone: ZoneInfo) -> Iterator[Verdict]:
    """Slide the window from value to value. The sum is compared, so that nothing is rounded."""
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


def _of_average(rule: Rule, day: datetime.date, values: list[Value], total: Decimal) -> Verdict:
    last, width = values[-1], datetime.timedelta(days=rule["window_days"])
    threshold = {"op": rule["op"], "value": rule["value"], "min_count": rule["min_count"]}
    cause = _cause(rule, threshold, (last.measured_at - width, last.measured_at), values[-VALUES_KEPT:])
    cause |= {"mean": _json(round(total / len(values), MEAN_PLACES)), "count": len(values)}
    return Verdict(AVERAGE, rule["flag"], rule_key(rule), day.isoformat(), cause, last.instrument, last, days=rule["window_days"])


_JUDGES: dict[str, Callable[[Rule, Sequence[Value], ZoneInfo], Iterator[Verdict]]] = {
    MEASUREMENT: _by_threshold,
    REMARK: _by_remark,
    COMBINATION: _by_combination,
    AVERAGE: _by_average,
}


# --- what did not -----------------------------------------------------------------------------------
def judge_overdue(
    rules: Iterable[Rule], actions: Iterable[Planned], now: datetime.datetime, within: datetime.timedelta
) -> list[Verdict]:
    """Return a verdict for every action and rule over its instrument whose grace has run out at `now`.

    Where it ran out longer ago than `within`, the verdict is stale: a new rule does not raise the past.
    """
    overdue = [rule for rule in rules if rule["kind"] == OVERDUE]
    return [
        _of_action(rule, action, stale=now - within > action.expires_at + grace_of(rule))
        for action in actions
        for rule in overdue
        if rule["instrument"] == action.instrument and action.expires_at + grace_of(rule) <= now
    ]


def grace_of(rule: Rule) -> datetime.timedelta:
    """Return how long after its end a planned action may still be made good for."""
    return datetime.timedelta(hours=rule["grace_hours"])


def _of_action(rule: Rule, action: Planned, *, stale: bool) -> Verdict:
    cause = _cause(rule, {"grace_hours": rule["grace_hours"]}, (action.not_before, action.expires_at), [])
    return Verdict(OVERDUE, rule["flag"], rule_key(rule), action.uuid, cause, action.instrument, days=0, stale=stale)


# --- causes -----------------------------------------------------------------------------------------
def _cause(
    rule: Rule, threshold: Any, window: tuple[datetime.datetime, datetime.datetime], values: Iterable[Value]
) -> dict[str, Any]:
    begins, ends = window
    return {
        "rule": dict(rule),
        "threshold": threshold,
        "window": {"from": _moment(begins), "to": _moment(ends)},
        "values": [_shown(value) for value in values],
    }


def _shown(value: Value) -> dict[str, Any]:
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
    """Return a number as JSON has it. A float gives back 15 digits exactly, which is all that these have."""
    return int(number) if number == number.to_integral_value() else float(number)
