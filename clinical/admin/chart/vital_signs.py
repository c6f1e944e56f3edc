"""Vital signs: the last three recordings as columns, beside what is usual at the patient's age, and the last eight as lines."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from django.db.models import F
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery, total
from clinical.admin.drawing import Band, Point, sparkline
from clinical.models import VitalSigns
from clinical.monitoring.causes import number
from clinical.vitals import CRITICAL, Number, Range, age_in_months, ranges_at

COLUMNS_SHOWN, LINE_SHOWN = 3, 8


class Sign(NamedTuple):
    """A row of the table: its columns of the model, name and unit."""

    columns: tuple[str, ...]
    name: str | Promise
    unit: str


SIGNS = (
    Sign(("bp_systolic", "bp_diastolic"), gettext_lazy("Blood pressure"), "mmHg"),
    Sign(("pulse",), gettext_lazy("Pulse"), "/min"),
    Sign(("oxygen_saturation",), gettext_lazy("Oxygen saturation"), "%"),
    Sign(("respiration_rate",), gettext_lazy("Respiration"), "/min"),
    Sign(("temperature_f",), gettext_lazy("Temperature"), "°F"),
    Sign(("weight_lbs",), gettext_lazy("Weight"), "lb"),
    Sign(("height_inches",), gettext_lazy("Height"), "in"),
    Sign(("bmi",), gettext_lazy("Body mass index"), ""),
    Sign(("bmi_percentile",), gettext_lazy("Body mass index percentile"), ""),
)
VALUES = tuple(column for sign in SIGNS for column in sign.columns)


@dataclass(frozen=True)
class Recording:
    """A column of the table."""

    pk: int
    day: datetime.date
    time: datetime.time | None
    note: str


@dataclass(frozen=True)
class Cell:
    """A value in words; `direction` is "high" or "low" where it is out of range, `is_critical` where by far."""

    text: str = ""
    direction: str = ""
    is_critical: bool = False


@dataclass(frozen=True)
class Row:
    """A sign."""

    name: str
    unit: str
    usual: str
    cells: list[Cell]
    line: SafeString

    @property
    def last(self) -> Cell:
        """The value of the last recording."""
        return self.cells[-1]


@dataclass(frozen=True)
class Signs:
    """The block. `abnormal` and `critical` count the values of the last recording that are out of range."""

    recordings: list[Recording]
    rows: list[Row]
    total: int
    abnormal: int
    critical: int
    blocks_procedures: bool
    whole: bool

    @property
    def last_day(self) -> datetime.date | None:
        """The day of the last recording."""
        return self.recordings[-1].day if self.recordings else None


def ask(chart: ChartQuery) -> dict[str, Asked]:
    rows = chart.rows(VitalSigns).filter(deleted_at=None)
    latest = rows.order_by("-date_taken", F("time_taken").desc(nulls_last=True), "-pk")
    columns = ("pk", "date_taken", "time_taken", *VALUES, "note", "abnormal_flags", "is_procedure_blocking", "total")
    return {"vital_signs": Asked(chart.first(latest, LINE_SHOWN), columns)}


def build(chart: Chart, answers: Answers) -> Signs:
    found = answers["vital_signs"]
    shown = list(reversed(found if chart.options.whole else found[:COLUMNS_SHOWN]))
    last = shown[-1].abnormal_flags if shown else []
    return Signs(
        recordings=[Recording(row.pk, row.date_taken, row.time_taken, (row.note or "").strip()) for row in shown],
        rows=[_row(chart, sign, shown, list(reversed(found[:LINE_SHOWN]))) for sign in SIGNS if _is_known(sign, found)],
        total=total(found),
        abnormal=len(last),
        critical=sum(flag["severity"] == CRITICAL for flag in last),
        blocks_procedures=bool(shown) and shown[-1].is_procedure_blocking,
        whole=chart.options.whole,
    )


def _is_known(sign: Sign, found: list[Any]) -> bool:
    return any(getattr(row, column) is not None for row in found for column in sign.columns)


def _row(chart: Chart, sign: Sign, shown: list[Any], line: list[Any]) -> Row:
    usual = _ranges(chart, chart.today)
    first = sign.columns[0]
    points = [_point(first, row) for row in line]
    return Row(
        name=str(sign.name),
        unit=sign.unit,
        usual=" / ".join(filter(None, (_usual(usual.get(column, Range())) for column in sign.columns))),
        cells=[_cell(chart, sign, row) for row in shown],
        line=sparkline(points, band=_band(usual.get(first, Range())), width=80, height=22, label=str(sign.name)),
    )


def _ranges(chart: Chart, day: datetime.date) -> dict[str, Range]:
    """Return what is usual at the age that the patient has on `day`."""
    return dict(ranges_at(age_in_months(chart.patient.date_of_birth, day), chart.patient.sex))


def _limits(usual: Range) -> tuple[Number | None, Number | None]:
    """Return the least and the greatest usual value; outside of them is at least a warning."""
    low = usual.lowest if usual.low is None else usual.low
    high = usual.highest if usual.high is None else usual.high
    return low, high


def _band(usual: Range) -> Band | None:
    low, high = _limits(usual)
    return None if low is None and high is None else (low, high)


def _usual(usual: Range) -> str:
    low, high = _limits(usual)
    if low is not None and high is not None:
        return f"{number(low)}–{_highest(high)}"
    if low is not None:
        return _("%(low)s and above") % {"low": number(low)}
    return "" if high is None else _("to %(high)s") % {"high": _highest(high)}


def _highest(value: Number) -> str:
    """Return the highest usual value with one place, cut off: 24.99 is usual and 25.0 is not."""
    return number(Decimal(value).quantize(Decimal("0.1"), ROUND_FLOOR))


def _point(column: str, row: Any) -> Point:
    severity = _severities(row).get(column)
    return Point(getattr(row, column), flag={None: "", CRITICAL: "red"}.get(severity, "orange"))


def _severities(row: Any) -> Mapping[str, str]:
    return {flag["vital"]: flag["severity"] for flag in row.abnormal_flags}


def _cell(chart: Chart, sign: Sign, row: Any) -> Cell:
    values = {column: getattr(row, column) for column in sign.columns}
    if all(value is None for value in values.values()):
        return Cell()
    severities = {column: severity for column, severity in _severities(row).items() if values.get(column) is not None}
    text = "/".join("–" if value is None else number(round(value, 1)) for value in values.values())
    if not severities:
        return Cell(text)
    worst = max(severities, key=lambda column: severities[column] == CRITICAL)
    low = (_band(_ranges(chart, row.date_taken).get(worst, Range())) or (None, None))[0]
    below = low is not None and values[worst] < low
    return Cell(text, "low" if below else "high", severities[worst] == CRITICAL)
