"""Drawings of values over time as SVG: a sparkline for a table, and a chart with axes and limits.

They need no script and print as they are. Colours come from clinical/static/clinic/drawing.css. Urgency is never told by
colour alone: a value within its limits is a dot, one that reaches a grey limit a ring, an orange one a diamond, a red one a
triangle.

Places are written with a point, as SVG has it; the numbers that people read are written in the current language.
"""

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinical.monitoring import OPS
from clinical.monitoring.causes import flag_word, listed
from config.core.written_numbers import in_language

Number = int | float | Decimal
# The usual values, both ends included; None is an open end.
Band = tuple[Number | None, Number | None]
# In pixels, from the left and from the top.
Place = tuple[float, float]

# Urgency, least first: flag -> the outline of its mark around a place.
MARKS = {
    "": "M{0:g} {1:g}h0",
    "grey": "M{0:g} {1:g}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "orange": "M{0:g} {1:g}m0-4l4 4-4 4-4-4z",
    "red": "M{0:g} {1:g}m-4.5 3.5h9l-4.5-8z",
}
_URGENCY = tuple(MARKS)
_GRAVEST_FIRST = _URGENCY[:0:-1]
# With more values than this only those that reach a limit are marked.
_DOTS = 60
_LINE_HEIGHT = 11


class Limit(NamedTuple):
    """A threshold of a rule. It is reached where `value op limit` holds, such as `162 >= 160`."""

    value: Number
    op: str
    flag: str

    @property
    def label(self) -> str:
        """The limit in words, such as "160 red"."""
        return f"{_text(self.value)} {flag_word(self.flag)}"


class Point(NamedTuple):
    """A value at a moment, or None where one was missed. Without `flag` its urgency follows from limits and band."""

    value: Number | None
    at: datetime.datetime | None = None
    flag: str | None = None


class Scale(NamedTuple):
    """From `low` at the pixel `start` to `high` at the pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Number) -> float:
        return round(self.start + (float(value) - self.low) / (self.high - self.low) * (self.end - self.start), 1)


class Box(NamedTuple):
    """The part of a drawing in which values are drawn, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


# --- drawings -------------------------------------------------------------------------------------
def sparkline(
    points: Iterable[Point | Number | None],
    *,
    band: Band | None = None,
    limits: Sequence[Limit] = (),
    width: int = 72,
    height: int = 24,
    label: str = "",
) -> SafeString:
    """Draw values at equal distances: the line, its last value marked, `band` shaded and `limits` as lines.

    `label` says what the values are, for those who do not see the drawing. Without values nothing is drawn.
    """
    judged = _judged((point if isinstance(point, Point) else Point(point) for point in points), limits, band)
    values = [point.value for point in judged if point.value is not None]
    if not values:
        return SafeString()
    box = Box(3, 5, width - 5, height - 5)
    y = _scale_of([*values, *_ends(band), *(limit.value for limit in limits)], box)
    end = len(judged) - 1
    x = Scale(min(0, end - 1), end, box.left, box.right)
    places = [None if point.value is None else (x(index), y(point.value)) for index, point in enumerate(judged)]
    last = max(index for index, place in enumerate(places) if place)
    reached = _("the last one %(flag)s") % {"flag": flag_word(judged[last].flag or "")} if judged[last].flag else ""
    parts = [
        _shade(band, y, Box(0, box.top, width, box.bottom)),
        *(_limit_line(limit, y, 0, width) for limit in limits),
        _path("line", _line(places)),
        _marks([places[last]], [judged[last].flag or ""]),
    ]
    return _svg("sparkline", width, height, _told([label, _course(values), reached]), parts)


def line_chart(
    points: Iterable[Point],
    *,
    label: str,
    unit: str = "",
    band: Band | None = None,
    limits: Sequence[Limit] = (),
    first: datetime.datetime,
    last: datetime.datetime,
    gap_days: float | None = None,
    width: int = 304,
    height: int = 142,
) -> SafeString:
    """Draw values between the moments `first` and `last`, in whose time zones the days are named.

    Limits are lines with their value and flag at the right. The line breaks at a missed value, and between two values that
    lie more than `gap_days` apart. Without values nothing is drawn.
    """
    judged = [point for point in _judged(points, limits, band) if point.at is not None]
    values = [point.value for point in judged if point.value is not None]
    if not values:
        return SafeString()
    box = Box(30, 10, width - 70, height - 20)
    ticks = _ticks([float(value) for value in (*values, *_ends(band), *(limit.value for limit in limits))])
    y = Scale(ticks[0], ticks[-1], box.bottom, box.top)
    x = Scale(first.timestamp(), max(last.timestamp(), first.timestamp() + 1), box.left, box.right)
    places = list(_places(judged, x, y, gap_days))
    parts = [
        _shade(band, y, box),
        *_value_axis(ticks, y, box),
        *_time_axis(first, last, x, box),
        *_limits(limits, y, box),
        _path("line", _line(places)),
        _marks(*_marked(places, judged)),
        _last_value(places, values[-1], [y(limit.value) for limit in limits]),
    ]
    gaps = sum(place is None for place in places)
    return _svg("line-chart", width, height, _summary(label, unit, judged, limits, gaps), parts)


def bar_chart(
    weeks: Sequence[Mapping[str, int]],
    *,
    label: str,
    first: datetime.date,
    last: datetime.date,
    width: int = 264,
    height: int = 112,
) -> SafeString:
    """Draw how many alerts of each flag there are in each of `weeks`, from the day `first` to `last`: the gravest at the bottom.

    `label` says what is counted, for those who do not see the drawing.
    """
    box = Box(24, 8, width - 4, height - 20)
    most = max(sum(week.values()) for week in weeks)
    ticks = [tick for tick in _ticks([0, max(most, 4)]) if tick == int(tick)]
    y = Scale(0, ticks[-1], box.bottom, box.top)
    parts = [
        *_value_axis(ticks, y, box),
        *_bars(weeks, y, box),
        _label("tick", box.left, height - 6, "start", _day(first)),
        _label("tick", box.right, height - 6, "end", _day(last)),
    ]
    counts = [f"{sum(week.get(flag, 0) for week in weeks)} {flag_word(flag)}" for flag in _GRAVEST_FIRST]
    at_most = _("at most %(count)s in one week") % {"count": most}
    told = _told([label, _days([_day(first), _day(last)]), *counts, at_most])
    return _svg("bar-chart", width, height, told, parts)


def mark(flag: str) -> SafeString:
    """Draw the mark of a flag by itself, for a legend whose text says what it means."""
    inner = _marks([(6.0, 6.5)], [flag])
    return format_html(
        '<svg class="drawing mark-alone" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">{}</svg>', inner
    )


def flag_of(value: Number, limits: Iterable[Limit] = (), band: Band | None = None) -> str:
    """Return the highest flag among the limits that `value` reaches, "orange" where it is outside of the band, or ""."""
    reached = [limit.flag for limit in limits if OPS[limit.op](float(value), float(limit.value))]
    low, high = band or (None, None)
    outside = (low is not None and value < low) or (high is not None and value > high)
    return max([*reached, "orange" if outside else ""], key=_URGENCY.index)


# --- values ---------------------------------------------------------------------------------------
def _judged(points: Iterable[Point], limits: Sequence[Limit], band: Band | None) -> list[Point]:
    return [
        point if point.value is None or point.flag is not None else point._replace(flag=flag_of(point.value, limits, band))
        for point in points
    ]


def _ends(band: Band | None) -> list[Number]:
    return [end for end in band or () if end is not None]


def _scale_of(values: Sequence[Number], box: Box) -> Scale:
    """Return the scale on which all of `values` fit into `box`; equal values lie in its middle."""
    low, high = float(min(values)), float(max(values))
    spare = 0.5 if low == high else 0.0
    return Scale(low - spare, high + spare, box.bottom, box.top)


def _ticks(values: Sequence[float]) -> list[float]:
    """Return at most five round numbers at equal distances that enclose `values`."""
    low, high = min(values), max(values)
    span = (high - low) or max(abs(high) / 10, 1.0)
    power = 10.0 ** math.floor(math.log10(span / 3))
    for step in (factor * power for factor in (1, 2, 2.5, 4, 5, 10, 20)):
        first = math.floor(low / step)
        count = max(math.ceil(high / step) - first, 1)
        if count <= 4:
            break
    return [round((first + index) * step, 6) for index in range(count + 1)]


def _places(points: Sequence[Point], x: Scale, y: Scale, gap_days: float | None) -> Iterator[Place | None]:
    """Yield the place of each value, and None for each gap between them."""
    known: Point | None = None
    for point in points:
        if point.value is None or point.at is None:
            yield None
            continue
        if known and gap_days is not None and known.at and (point.at - known.at).total_seconds() > gap_days * 86_400:
            yield None
        known = point
        yield x(point.at.timestamp()), y(point.value)


def _marked(places: Sequence[Place | None], points: Sequence[Point]) -> tuple[list[Place], list[str]]:
    """Return the places to mark, with their flags."""
    flags = [point.flag or "" for point in points if point.value is not None]
    drawn = [place for place in places if place is not None]
    kept = [(place, flag) for place, flag in zip(drawn, flags, strict=True) if flag or len(drawn) <= _DOTS]
    return [place for place, _ in kept], [flag for _, flag in kept]


# --- words ----------------------------------------------------------------------------------------
def _text(number: Number) -> str:
    return in_language(f"{round(float(number), 3):,.10g}")


def _day(moment: datetime.date) -> str:
    return date_format(moment, "MONTH_DAY_FORMAT")


def _days(days: Sequence[str]) -> str:
    """Return the first and the last one of days in words."""
    if days[0] == days[-1]:
        return days[0]
    return _("%(first)s to %(last)s") % {"first": days[0], "last": days[-1]}


def _told(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _course(values: Sequence[Number]) -> str:
    """Return how many values there are, and from where to where they went."""
    first, last = values[0], values[-1]
    shown = {"count": len(values), "first": _text(first), "last": _text(last)}
    if len(values) == 1:
        return _("one value, %(last)s") % shown
    if first == last:
        return _("%(count)s values, steady at %(last)s") % shown
    if first < last:
        return _("%(count)s values, rising from %(first)s to %(last)s") % shown
    return _("%(count)s values, falling from %(first)s to %(last)s") % shown


def _summary(label: str, unit: str, points: Sequence[Point], limits: Sequence[Limit], gaps: int) -> str:
    values = [point for point in points if point.value is not None]
    days = [_day(point.at) for point in (values[0], values[-1]) if point.at]
    numbers = [point.value for point in values if point.value is not None]
    counts = Counter(point.flag for point in values)
    told = [
        _("%(label)s in %(unit)s") % {"label": label, "unit": unit} if unit else label,
        _days(days),
        _course(numbers),
        _("lowest %(least)s, highest %(most)s") % {"least": _text(min(numbers)), "most": _text(max(numbers))},
        _("limits %(limits)s") % {"limits": listed([limit.label for limit in limits])} if limits else "",
        *(f"{counts[flag]} {flag_word(flag)}" for flag in _GRAVEST_FIRST if counts[flag]),
        ngettext("%(count)s gap", "%(count)s gaps", gaps) % {"count": gaps} if gaps else "",
    ]
    return _told(told)


# --- shapes ---------------------------------------------------------------------------------------
def _svg(kind: str, width: int, height: int, told: str, parts: Iterable[str]) -> SafeString:
    return format_html(
        '<svg class="drawing {}" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        *(kind, width, height, width, height, told, mark_safe("".join(parts))),  # noqa: S308 - each part is safe
    )


def _path(kind: str, outline: str) -> str:
    return format_html('<path class="{}" d="{}"/>', kind, outline) if outline else ""


def _label(kind: str, x: float, y: float, anchor: str, text: str) -> str:
    return format_html('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>', kind, f"{x:g}", f"{y:g}", anchor, text)


def _line(places: Iterable[Place | None]) -> str:
    """Return a line through `places`, broken at each None; a place by itself is a dot."""
    runs = ([place for place in run if place] for _, run in groupby(places, key=bool))
    return "".join(f"M{' '.join(f'{x:g} {y:g}' for x, y in run)}{'h0' if len(run) == 1 else ''}" for run in runs if run)


def _shade(band: Band | None, y: Scale, box: Box) -> str:
    """Return the band, reaching the edge of the box where it has no end."""
    if not _ends(band):
        return ""
    low, high = band or (None, None)
    top, bottom = box.top if high is None else y(high), box.bottom if low is None else y(low)
    size = f'width="{box.right - box.left:g}" height="{max(bottom - top, 1):g}"'
    return f'<rect class="band" x="{box.left:g}" y="{top:g}" {size}/>'


def _limit_line(limit: Limit, y: Scale, left: float, right: float) -> str:
    return _path(f"limit {limit.flag}", f"M{left:g} {y(limit.value):g}H{right:g}")


def _limits(limits: Sequence[Limit], y: Scale, box: Box) -> Iterator[str]:
    """Yield a line and a label for each limit; labels that would cover each other move apart."""
    lowest_free = -math.inf
    for limit in sorted(limits, key=lambda limit: y(limit.value)):
        yield _limit_line(limit, y, box.left, box.right)
        lowest_free = max(y(limit.value) + 4, lowest_free)
        yield _label(f"limit-label {limit.flag}", box.right + 6, lowest_free, "start", limit.label)
        lowest_free += _LINE_HEIGHT


def _bars(weeks: Sequence[Mapping[str, int]], y: Scale, box: Box) -> Iterator[str]:
    """Yield a bar for each week and flag, those of a week on top of each other."""
    step = (box.right - box.left) / len(weeks)
    for place, week in enumerate(weeks):
        left, count = box.left + place * step + 2, 0
        for flag in _GRAVEST_FIRST:
            bottom, count = y(count), count + week.get(flag, 0)
            if height := bottom - y(count):
                size = f'width="{step - 4:.1f}" height="{height:g}"'
                yield f'<rect class="bar {flag}" x="{left:.1f}" y="{y(count):g}" {size}/>'


def _value_axis(ticks: Sequence[float], y: Scale, box: Box) -> Iterator[str]:
    for tick in ticks:
        yield _path("grid", f"M{box.left:g} {y(tick):g}H{box.right:g}")
        yield _label("tick", box.left - 6, y(tick) + 4, "end", _text(tick))


def _time_axis(first: datetime.datetime, last: datetime.datetime, x: Scale, box: Box) -> Iterator[str]:
    middle = first + (last - first) / 2
    for moment, anchor in ((first, "start"), (middle, "middle"), (last, "end")):
        yield _label("tick", x(moment.timestamp()), box.bottom + 16, anchor, _day(moment))


def _marks(places: Sequence[Place | None], flags: Sequence[str]) -> SafeString:
    """Return the marks of `places`, one path for each flag, the most urgent on top."""
    outlines = dict.fromkeys(MARKS, "")
    for place, flag in zip(places, flags, strict=True):
        if place is not None:
            outlines[flag] += MARKS[flag].format(*place)
    drawn = "".join(_path(f"mark {flag}".strip(), outline) for flag, outline in outlines.items())
    return mark_safe(drawn)  # noqa: S308 - each path is safe


def _last_value(places: Sequence[Place | None], value: Number, limits: Sequence[float]) -> str:
    """Return the last value at the right of its place, where the line has ended, or above where the label of a limit may be."""
    x, y = next(place for place in reversed(places) if place is not None)
    if any(abs(y - limit) < _LINE_HEIGHT for limit in limits):
        return _label("last-value", x + 2, max(y - 9, 9), "end", _text(value))
    return _label("last-value", x + 7, y + 4, "start", _text(value))
