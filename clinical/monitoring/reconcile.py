"""Reconcile new rule matches with existing alerts.

At most one unprocessed alert exists per rule and window. A match with a higher flag raises the flag
of that alert and replaces its cause; a match with a lower or equal flag changes nothing.

Once an alert has been processed, it depends on the kind of rule. For a threshold or a remark another
measurement raises a new alert. For a combination, an average or an overdue measurement the processed
alert still covers its window, and those of the days around it, unless the new flag is higher.
A stale match creates no alert.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clinical.monitoring.rule_matches import RuleMatch
from clinical.monitoring.rules import FLAGS


@dataclass(slots=True)
class ExistingAlert:
    """An alert; `pk` is None until it is saved. `measurement` is the UUID of the measurement that raised it."""

    pk: int | None
    rule_key: str
    window: str
    flag: str
    processed: bool = False
    measurement: str | None = None


def reconcile_alerts(matches: Iterable[RuleMatch], existing: Iterable[ExistingAlert]) -> list[tuple[ExistingAlert, RuleMatch]]:
    """Return the alerts to create (without `pk`) and those whose flag rises, each with its match, ordered by window."""
    alerts: dict[str, list[ExistingAlert]] = defaultdict(list)
    for known in existing:
        alerts[known.rule_key].append(known)
    changed: dict[int, tuple[ExistingAlert, RuleMatch]] = {}
    for match in sorted(matches, key=lambda match: (match.window, -rank(match.flag))):
        alert = _apply(match, alerts[match.rule_key])
        if alert is not None:
            changed[id(alert)] = (alert, match)
    return list(changed.values())


def rank(flag: str) -> int:
    """Return the severity of a flag as a number."""
    return FLAGS.index(flag)


def _apply(match: RuleMatch, alerts: list[ExistingAlert]) -> ExistingAlert | None:
    """Return the alert that `match` creates or changes, or None if it changes nothing."""
    covering = [alert for alert in alerts if _covers(alert, match)]
    open_ones = [alert for alert in covering if not alert.processed]
    if open_ones:
        highest = max(open_ones, key=lambda alert: rank(alert.flag))
        if rank(match.flag) <= rank(highest.flag):
            return None
        highest.flag = match.flag
        return highest
    if match.stale or any(_still_covers(alert, match) for alert in covering):
        return None
    new_alert = ExistingAlert(None, match.rule_key, match.window, match.flag)
    alerts.append(new_alert)
    return new_alert


def _covers(alert: ExistingAlert, match: RuleMatch) -> bool:
    """Tell whether the window of `alert` is that of `match`, or close enough to cover it."""
    if alert.window == match.window or not match.days:
        return alert.window == match.window
    one, other = (datetime.date.fromisoformat(window) for window in (alert.window, match.window))
    return abs(one - other) < datetime.timedelta(days=match.days)


def _still_covers(processed: ExistingAlert, match: RuleMatch) -> bool:
    if match.days is None:
        return match.value is not None and processed.measurement == match.value.uuid
    return rank(processed.flag) >= rank(match.flag)
