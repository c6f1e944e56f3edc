"""Local days: which day a moment is on, when a day begins and ends, and the days of a schedule."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

A_DAY = datetime.timedelta(days=1)


def day_of(moment: datetime.datetime, zone: ZoneInfo) -> datetime.date:
    """Return the local day of `moment`."""
    return moment.astimezone(zone).date()


def day_bounds(day: datetime.date, zone: ZoneInfo) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when a local day begins and when the next one does, in UTC.

    The day of a clock change has 23 or 25 hours. Where the clock skips midnight, the day begins at the
    first moment after the gap.
    """
    begins, ends = (datetime.datetime.combine(one, datetime.time(), zone) for one in (day, day + A_DAY))
    return begins.astimezone(datetime.UTC), ends.astimezone(datetime.UTC)


def days_of(line: Mapping[str, Any], start: datetime.date, first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    """Yield the days of a schedule line between `first` and `last`, for an enrolment that began on `start` (day 0)."""
    every, begins = line["every_days"], line["from_day"]
    after = max(begins, (first - start).days)
    after += (begins - after) % every
    for number in range(after, min(line["to_day"], (last - start).days) + 1, every):
        yield start + datetime.timedelta(days=number)
