"""The columns of the calendar: each with its visits, what is free between them, and who is busy with somebody else."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from clinical.agenda import span_of
from clinical.models import Appointment
from clinical.models.appointments import BOOKED
from clinical.scheduling import CLOSES, OPENS, Span, free_spans, full_hours, lanes

# Shorter gaps are not offered.
LEAST_FREE = datetime.timedelta(minutes=15)
# What is free from now on begins at one of these minutes.
STEP = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Item:
    """Something in a column, `minute` minutes below its top and `height` minutes high."""

    span: Span
    minute: int
    height: int
    visit: Appointment | None = None
    lane: int = 0
    lanes: int = 1
    overlaps: bool = False
    book_url: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and its items in order of time."""

    title: str
    items: list[Item]
    subtitle: str = ""
    url: str = ""
    is_today: bool = False


@dataclass(frozen=True)
class Plan:
    """What a column is made of.

    `busy` is time of visits that the actor does not see; `offers` is what `admin:book` presets. `is_one` tells that the visits
    are those of one person, who cannot be at two of them.
    """

    title: str
    hours: Span
    visits: Sequence[Appointment]
    busy: Sequence[Span] = ()
    offers: dict[str, int] | None = None
    is_one: bool = False
    subtitle: str = ""
    url: str = ""
    is_today: bool = False


def column_of(plan: Plan) -> Column:
    """Return the column of `plan`."""
    items = [*_visits(plan), *_busy(plan), *(_free(plan) if plan.offers is not None else ())]
    items.sort(key=lambda item: (item.span, item.visit is None))
    return Column(plan.title, items, plan.subtitle, plan.url, plan.is_today)


def hours_shown(spans: Iterable[Span]) -> tuple[int, int]:
    """Return the first and the last local hour to show: those in which times are offered, and all of `spans`."""
    first, last = OPENS, CLOSES
    for span in spans:
        start, end = timezone.localtime(span.start), timezone.localtime(span.end)
        first = min(first, start.hour)
        last = 24 if end.date() > start.date() else max(last, end.hour + bool(end.minute))
    return first, last


def hour_labels(hours: Span) -> list[tuple[int, str]]:
    """Return (minutes below the top, clock) of each full hour."""
    return [(_minutes(moment - hours.start), f"{timezone.localtime(moment):%H:%M}") for moment in full_hours(hours)]


def overlapping_pairs(visits: Iterable[Appointment]) -> list[tuple[Appointment, Appointment]]:
    """Return the visits of one provider, sorted by start, of which the second begins before the first has ended."""
    found: list[tuple[Appointment, Appointment]] = []
    before: dict[int, Appointment] = {}
    for visit in visits:
        if visit.provider_id is None or visit.status not in BOOKED:
            continue
        last = before.get(visit.provider_id)
        if last is not None and span_of(last).shared_with(span_of(visit)) > 0:
            found.append((last, visit))
        if last is None or span_of(visit).end > span_of(last).end:
            before[visit.provider_id] = visit
    return found


def _minutes(length: datetime.timedelta) -> int:
    return length // datetime.timedelta(minutes=1)


def _item(plan: Plan, span: Span, **values) -> Item:
    shown = Span(max(span.start, plan.hours.start), min(span.end, plan.hours.end))
    return Item(span, _minutes(shown.start - plan.hours.start), shown.minutes, **values)


def _visits(plan: Plan) -> Iterable[Item]:
    spans = [span_of(visit) for visit in plan.visits]
    for visit, span, (lane, of) in zip(plan.visits, spans, lanes(spans), strict=True):
        yield _item(plan, span, visit=visit, lane=lane, lanes=of, overlaps=plan.is_one and of > 1)


def _busy(plan: Plan) -> Iterable[Item]:
    return (_item(plan, span) for span in plan.busy)


def _free(plan: Plan) -> Iterable[Item]:
    passed = Span(plan.hours.start, max(plan.hours.start, _next_step(timezone.now())))
    taken = [passed, *plan.busy, *(span_of(visit) for visit in plan.visits)]
    for span in free_spans(taken, plan.hours, LEAST_FREE):
        preset = {**(plan.offers or {}), "starts_at": timezone.localtime(span.start).isoformat(timespec="minutes")}
        yield _item(plan, span, book_url=f"{reverse('admin:book')}?{urlencode(preset)}")


def _next_step(moment: datetime.datetime) -> datetime.datetime:
    """Return the next full five minutes."""
    return moment + -(moment - datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)) % STEP
