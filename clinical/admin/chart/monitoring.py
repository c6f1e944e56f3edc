"""Monitoring at home: the program, what was measured as planned in four weeks, and the alerts that wait."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, F, IntegerField, Value, When

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery, total
from clinical.admin.chart.rules import Plan, ask_plan, plan_of
from clinical.models import Flag, Instrument, MonitoringAlert, MonitoringAlertStatus, PlannedAction
from clinical.monitoring import day_of
from clinical.monitoring.causes import cause_in_words
from patients.models import Patient

# No more than `reading.LOOK_BACK` has.
DAYS = 28
ALERTS_SHOWN = 6
# One planned measurement a day of twenty instruments, and some of the patient's own.
ACTIONS_SHOWN = 800
NOTHING, KEPT, MISSED, PLANNED = "", "kept", "missed", "planned"


@dataclass(frozen=True)
class Track:
    """What was planned of an instrument in four weeks, a state for each day: kept, missed, planned or nothing."""

    name: str
    rate: str
    states: list[str]
    kept: int
    due: int
    missed_on: list[datetime.date]


@dataclass(frozen=True)
class Waiting:
    """An alert that nobody has processed. `cause` is in words."""

    pk: int
    flag: str
    cause: str
    raised_at: datetime.datetime
    escalated_at: datetime.datetime | None
    escalated_by: str
    escalated_to: str


@dataclass(frozen=True)
class PlannedTime:
    """When the next measurement is due: on a day, and by a time of it if it has all of the day no more."""

    day: datetime.date
    by: datetime.datetime | None


@dataclass(frozen=True)
class Monitoring:
    """The block."""

    plan: Plan
    tracks: list[Track]
    alerts: list[Waiting]
    total: int
    first: datetime.date
    last: datetime.date
    next_due: PlannedTime | None
    whole: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    actions = (
        chart.rows(PlannedAction)
        .filter(not_before__gte=chart.since)
        .annotate(code=F("instrument__code"), name=F("instrument__name"))
    )
    columns = ("code", "name", "not_before", "expires_at", "timezone", "completed_at")
    # A combination looks at several instruments; their names are few.
    instruments = Instrument.objects.filter(organization_id=chart.organization_id, deleted_at=None)
    return {
        **ask_plan(chart),
        "actions": Asked(actions.order_by("-not_before", "-pk")[:ACTIONS_SHOWN], columns),
        "waiting": _waiting(chart),
        "instruments": Asked(instruments.order_by("pk"), ("code", "name", "unit")),
    }


def _waiting(chart: ChartQuery) -> Asked:
    urgency = [When(flag=flag, then=Value(place)) for place, flag in enumerate(reversed(Flag.values))]
    rows = (
        chart.rows(MonitoringAlert)
        .exclude(status=MonitoringAlertStatus.PROCESSED)
        .annotate(
            code=F("instrument__code"),
            remark=F("measurement__comment"),
            by=chart.person("escalated_by_id"),
            to=chart.person("escalated_to_id"),
        )
    )
    columns = ("pk", "type", "flag", "cause", "window", "created_at", "escalated_at", "by", "to", "code", "remark", "total")
    gravest = rows.order_by(Case(*urgency, output_field=IntegerField()), "created_at", "pk")
    return Asked(chart.first(gravest, ALERTS_SHOWN), columns)


def build(chart: Chart, answers: Answers) -> Monitoring:
    plan, first = plan_of(answers), chart.today - datetime.timedelta(days=DAYS - 1)
    known = {row.code: row for row in answers["instruments"]}
    return Monitoring(
        plan=plan,
        tracks=list(_tracks(chart, plan, answers["actions"], first)),
        alerts=[_alert(row, known) for row in answers["waiting"]],
        total=total(answers["waiting"]),
        first=first,
        last=chart.today,
        next_due=_next_due(chart, answers["actions"]),
        whole=chart.options.whole,
    )


def _next_due(chart: Chart, actions: list[Any]) -> PlannedTime | None:
    planned = [row for row in actions if _state(row, chart) == PLANNED]
    if not planned:
        return None
    first = min(planned, key=lambda row: row.expires_at)
    zone = ZoneInfo(first.timezone)
    day, last = day_of(first.not_before, zone), first.expires_at.astimezone(zone)
    return PlannedTime(day, first.expires_at if last.date() == day else None)


def _alert(row: Any, known: dict[str, Any]) -> Waiting:
    described = SimpleNamespace(
        type=row.type,
        cause=row.cause,
        window=row.window,
        instrument=known.get(row.code),
        measurement=SimpleNamespace(comment=row.remark),
    )
    return Waiting(row.pk, row.flag, cause_in_words(described, known), row.created_at, row.escalated_at, row.by, row.to)


def _tracks(chart: Chart, plan: Plan, actions: list[Any], first: datetime.date) -> Iterable[Track]:
    names = {row.code: row.name for row in actions}
    for code in sorted(names, key=lambda code: (plan.place(code), names[code])):
        states = [NOTHING] * DAYS
        for row in actions:
            place = (day_of(row.not_before, ZoneInfo(row.timezone)) - first).days
            if row.code == code and 0 <= place < DAYS:
                states[place] = _joined(states[place], _state(row, chart))
        if any(states):
            yield _track(names[code], plan.rate(code), states, first)


def _track(name: str, rate: str, states: list[str], first: datetime.date) -> Track:
    missed = [first + datetime.timedelta(days=place) for place, state in enumerate(states) if state == MISSED]
    kept = states.count(KEPT)
    return Track(name, rate, states, kept, kept + len(missed), missed)


def _state(row: Any, chart: Chart) -> str:
    if row.completed_at is not None:
        return KEPT
    if not _is_expected(row, chart.patient):
        return NOTHING
    return MISSED if row.expires_at <= chart.now else PLANNED


def _is_expected(row: Any, patient: Patient) -> bool:
    """Tell whether the patient was active up to the end of a planned time."""
    return patient.is_followed or (patient.stopped_at is not None and row.expires_at <= patient.stopped_at)


def _joined(one: str, other: str) -> str:
    """Return the state of a day with several plans: it is kept when all are."""
    return max(one, other, key=(NOTHING, KEPT, PLANNED, MISSED).index)
