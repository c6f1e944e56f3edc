"""Rules about times of appointments: what overlaps, what is free, what stands beside what. Pure: values in, values out."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

# How long an appointment is taken to be if nobody said when it ends.
USUAL_LENGTH = datetime.timedelta(minutes=30)
# No appointment is looked for that began longer ago.
LONGEST = datetime.timedelta(days=1)
# The hours, on the clinic's clock, in which times are offered.
OPENS, CLOSES = 8, 17


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of time from `start` until before `end`, both aware."""

    start: datetime.datetime
    end: datetime.datetime

    @classmethod
    def of(cls, start: datetime.datetime, end: datetime.datetime | None) -> "Span":
        """Return the time that an appointment takes."""
        return cls(start, end or start + USUAL_LENGTH)

    @property
    def minutes(self) -> int:
        """The whole minutes that pass."""
        return (self.end - self.start) // datetime.timedelta(minutes=1)

    def shared_with(self, other: "Span") -> int:
        """Return the minutes in both spans, 0 or less for none."""
        return Span(max(self.start, other.start), min(self.end, other.end)).minutes


def hours_of(day: datetime.date, zone: ZoneInfo, first: int = 0, last: int = 24) -> Span:
    """Return `day` from the local hour `first` until the hour `last`: 23 or 25 hours where the clock is changed."""
    midnight = datetime.datetime.combine(day, datetime.time())
    local = [(midnight + datetime.timedelta(hours=hour)).replace(tzinfo=zone) for hour in (first, last)]
    return Span(*(moment.astimezone(datetime.UTC) for moment in local))


def full_hours(span: Span) -> Iterator[datetime.datetime]:
    """Yield each full hour in a span that begins with one, as time passes, whatever the clock is set to."""
    moment = span.start
    while moment < span.end:
        yield moment
        moment += datetime.timedelta(hours=1)


def free_spans(taken: Iterable[Span], within: Span, at_least: datetime.timedelta) -> list[Span]:
    """Return what `taken` leaves free of `within`, without what is shorter than `at_least`."""
    found, begins = [], within.start
    for span in [*sorted(taken), Span(within.end, within.end)]:
        free = Span(begins, min(span.start, within.end))
        found += [free] if free.end - free.start >= at_least else []
        begins = max(begins, span.end)
    return found


def nearest_starts(free: Iterable[Span], wanted: Span, step: datetime.timedelta, most: int) -> list[datetime.datetime]:
    """Return up to `most` starts in `free` at which `wanted` would fit, the one nearest to its own start first."""
    length, starts = wanted.end - wanted.start, []
    for span in free:
        moment = span.start
        while moment + length <= span.end:
            starts.append(moment)
            moment += step
    return sorted(starts, key=lambda start: abs(start - wanted.start))[:most]


def lanes(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return for each of `spans`, sorted by start, its lane and how many lanes those have that it hangs together with."""
    placed: list[tuple[int, int]] = []
    group: list[int] = []
    ends: list[datetime.datetime] = []
    for span in spans:
        if ends and span.start >= max(ends):
            placed += [(lane, len(ends)) for lane in group]
            group, ends = [], []
        free = next((lane for lane, end in enumerate(ends) if end <= span.start), len(ends))
        ends[free : free + 1] = [span.end]
        group.append(free)
    return [*placed, *((lane, len(ends)) for lane in group)]
