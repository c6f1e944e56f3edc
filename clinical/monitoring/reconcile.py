"""What verdicts come to beside the alerts that stand.

Of one rule and window one alert at most is not processed. A verdict with a higher flag raises the
flag of that alert, with its cause; a lower or equal one changes nothing.

Where alerts have been processed, a threshold and a remark judge the window afresh: another
measurement raises another alert. A combination, an average and an overdue measurement do not: a
processed alert stands for its window, and for those of the days around it, unless the flag is higher.
A stale verdict makes no alert.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clinical.monitoring.rule_matches import Verdict
from clinical.monitoring.rules import FLAGS


@dataclass(slots=True)
class Standing:
    """An alert that was raised: `pk` None in this very moment. `measurement` is the UUID of the one that raised it."""

    pk: int | None
    rule_key: str
    window: str
    flag: str
    processed: bool = False
    measurement: str | None = None


def settle(verdicts: Iterable[Verdict], standing: Iterable[Standing]) -> list[tuple[Standing, Verdict]]:
    """Return the alerts to raise (no `pk`) and those whose flag rises, each with its verdict, in the order of windows."""
    alerts: dict[str, list[Standing]] = defaultdict(list)
    for alert in standing:
        alerts[alert.rule_key].append(alert)
    changed: dict[int, tuple[Standing, Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: (verdict.window, -rank(verdict.flag))):
        moved = _settled(verdict, alerts[verdict.rule_key])
        if moved is not None:
            changed[id(moved)] = (moved, verdict)
    return list(changed.values())


def rank(flag: str) -> int:
    """Return how much a flag weighs."""
    return FLAGS.index(flag)


def _settled(verdict: Verdict, alerts: list[Standing]) -> Standing | None:
    """Return the alert that `verdict` raises, made or changed by it; None where it changes nothing."""
    near = [alert for alert in alerts if _covers(alert, verdict)]
    open_ones = [alert for alert in near if not alert.processed]
    if open_ones:
        highest = max(open_ones, key=lambda alert: rank(alert.flag))
        if rank(verdict.flag) <= rank(highest.flag):
            return None
        highest.flag = verdict.flag
        return highest
    if verdict.stale or any(_keeps_standing(alert, verdict) for alert in near):
        return None
    made = Standing(None, verdict.rule_key, verdict.window, verdict.flag)
    alerts.append(made)
    return made


def _covers(alert: Standing, verdict: Verdict) -> bool:
    """Tell whether the window of `alert` is that of `verdict`, or near enough to stand for it."""
    if alert.window == verdict.window or not verdict.days:
        return alert.window == verdict.window
    one, other = (datetime.date.fromisoformat(window) for window in (alert.window, verdict.window))
    return abs(one - other) < datetime.timedelta(days=verdict.days)


def _keeps_standing(processed: Standing, verdict: Verdict) -> bool:
    if verdict.days is None:
        return verdict.value is not None and processed.measurement == verdict.value.uuid
    return rank(processed.flag) >= rank(verdict.flag)
