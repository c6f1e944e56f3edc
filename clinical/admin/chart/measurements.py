"""Measurements by instrument: drawn with the limits that hold for the patient, or as a table."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from clinical.admin.chart.reading import PERIODS, Answers, Asked, Chart, ChartQuery
from clinical.admin.chart.rules import Plan, ask_plan, plan_of
from clinical.admin.drawing import Limit, Point, flag_of, line_chart, sparkline
from clinical.models import Measurement
from clinical.monitoring.causes import listed, number
from clinical.scales import written_unit

# More values than this are thinned out by leaving the oldest away.
VALUES_SHOWN = {28: 600, 90: 1200, 365: 2500}
CHARTS_SHOWN = 2
TABLE_ROWS = 200
COLUMNS = ("instrument_id", "code", "name", "unit", "measured_at", "value_number", "value_choice", "comment", "pk")


@dataclass(frozen=True)
class Value:
    """A measurement. `flag` is the highest limit that it reaches."""

    at: datetime.datetime
    text: str
    flag: str
    comment: str


@dataclass(frozen=True)
class Series:
    """The measurements of one instrument, oldest first. `chart` is empty for choices, and where a line is enough.

    `own_limits` is the id of the patient's own limits, None where those of the protocol hold.
    """

    code: str
    name: str
    unit: str
    values: list[Value]
    limits: list[Limit]
    own_limits: int | None
    chart: SafeString
    line: SafeString

    @property
    def last(self) -> Value:
        """The latest value."""
        return self.values[-1]

    @property
    def limits_text(self) -> str:
        """The limits in words: "limits 180 and 250"."""
        values = [number(limit.value) for limit in self.limits]
        if not values:
            return ""
        return ngettext("limit %(limits)s", "limits %(limits)s", len(values)) % {"limits": listed(values)}


@dataclass(frozen=True)
class Line:
    """A row of the table: the values of one moment, in the order of the instruments."""

    at: datetime.datetime
    values: list[Value | None]
    comment: str


@dataclass(frozen=True)
class Measurements:
    """The block. `charts` are drawn large, `others` as a line each; `table` holds all where it is wanted."""

    charts: list[Series]
    others: list[Series]
    table: list[Line]
    days: int
    periods: tuple[int, ...]
    as_table: bool
    whole: bool
    flags: set[str]

    @property
    def all(self) -> list[Series]:
        """All instruments."""
        return [*self.charts, *self.others]


def ask(chart: ChartQuery) -> dict[str, Asked]:
    rows = chart.rows(Measurement).filter(measured_at__gte=chart.period_start, measured_at__lte=chart.now)
    named = rows.annotate(code=F("instrument__code"), name=F("instrument__name"), unit=F("instrument__unit"))
    latest = named.order_by("-measured_at", "-pk")[: VALUES_SHOWN[chart.days]]
    return {"measurements": Asked(latest, COLUMNS), **ask_plan(chart)}


def build(chart: Chart, answers: Answers) -> Measurements:
    plan = plan_of(answers)
    by_instrument: dict[str, list[Any]] = defaultdict(list)
    for row in reversed(answers["measurements"]):
        by_instrument[row.code].append(row)
    ordered = sorted(
        by_instrument.values(), key=lambda rows: (not plan.limits(rows[0].code), plan.place(rows[0].code), rows[0].name)
    )
    drawn = [rows[0].code for rows in ordered if rows[0].value_number is not None]
    large = set(drawn if chart.options.whole else drawn[:CHARTS_SHOWN])
    series = [_series(chart, rows, plan, is_large=rows[0].code in large) for rows in ordered]
    return Measurements(
        charts=[one for one in series if one.chart],
        others=[one for one in series if not one.chart],
        table=_table(series) if chart.options.table else [],
        days=chart.options.days,
        periods=PERIODS,
        as_table=chart.options.table,
        whole=chart.options.whole or len(drawn) <= CHARTS_SHOWN,
        flags={value.flag for one in series if one.chart for value in one.values},
    )


def _series(chart: Chart, rows: list[Any], plan: Plan, *, is_large: bool) -> Series:
    first, limits = rows[0], plan.limits(rows[0].code)
    points = [Point(row.value_number, timezone.localtime(row.measured_at)) for row in rows if row.value_number is not None]
    return Series(
        code=first.code,
        name=first.name,
        unit=unit_text(first.unit),
        values=[_value(row, limits) for row in rows],
        limits=limits,
        own_limits=plan.own_limits(first.code),
        chart=_drawn(chart, first, points, limits, plan.gap_days(first.code)) if is_large else SafeString(),
        line=SafeString() if is_large else sparkline(points[-28:], limits=limits, width=80, height=22, label=first.name),
    )


def _drawn(chart: Chart, first: Any, points: list[Point], limits: list[Limit], gap_days: float | None) -> SafeString:
    return line_chart(
        points,
        label=first.name,
        unit=unit_text(first.unit),
        limits=limits,
        first=chart.period_start,
        last=chart.now,
        gap_days=gap_days,
    )


def unit_text(unit: str | None) -> str:
    """Return a UCUM unit as people write it in a table: "/min" stays, as it is short."""
    return unit if unit == "/min" else written_unit(unit)


def _value(row: Any, limits: Iterable[Limit]) -> Value:
    text = number(row.value_choice if row.value_number is None else row.value_number)
    flag = "" if row.value_number is None else flag_of(row.value_number, limits)
    return Value(row.measured_at, text, flag, (row.comment or "").strip())


def _table(series: list[Series]) -> list[Line]:
    """Return a row for each moment, latest first."""
    moments: dict[datetime.datetime, list[Value | None]] = {}
    for place, one in enumerate(series):
        for value in one.values:
            moments.setdefault(value.at, [None] * len(series))[place] = value
    latest = sorted(moments.items(), reverse=True)[:TABLE_ROWS]
    return [
        Line(at, values, "; ".join(dict.fromkeys(value.comment for value in values if value and value.comment)))
        for at, values in latest
    ]
