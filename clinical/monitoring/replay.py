"""Replaying rules over what was measured and planned: which alerts they would have raised."""

import datetime
from collections.abc import Collection
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clinical.monitoring.days import day_of
from clinical.monitoring.reconcile import reconcile_alerts
from clinical.monitoring.rule_matches import Planned, RuleMatch, Value, evaluate, match_overdue
from clinical.monitoring.rules import Rule


class ReplayedAlert(NamedTuple):
    """An alert that would have been raised: the match that gave it its flag, and the local day that it is about."""

    match: RuleMatch
    day: datetime.date


def replay(
    rules: Collection[Rule], values: Collection[Value], missed: Collection[Planned], now: datetime.datetime, zone: ZoneInfo
) -> list[ReplayedAlert]:
    """Return the alerts that `rules` would have raised by `now` about one patient.

    Alerts are raised by the values that are new, and by `missed`, the planned measurements that were not completed. It is as
    if values had come in the order of their time, and as if nobody had processed an alert before it reached its flag.
    """
    matches = [*evaluate(rules, values, zone), *match_overdue(rules, missed, now, within=datetime.timedelta.max)]
    days = {action.uuid: day_of(action.not_before, zone) for action in missed}
    return [
        ReplayedAlert(match, days.get(alert.window) or datetime.date.fromisoformat(alert.window))
        for alert, match in reconcile_alerts(matches, [])
    ]
