"""The lines of the worklist: alerts with their cause in words, what became of it, and the trend of values."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.db.models import BigIntegerField, DateTimeField, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.scope import Actor
from clinical.admin.drawing import Limit, Point, sparkline
from clinical.models import Instrument, Measurement, MonitoringAlert
from clinical.monitoring.causes import Measured, cause_in_words, course_in_words
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.instances import InstanceQuery

# How many values a trend shows, and how far back they lie at most: those of a quarter, measured once a week.
VALUES, DAYS = 14, 120
Series = Mapping[tuple[int, int], Sequence[Measured]]


@dataclass(frozen=True)
class Row:
    """A line of the worklist. `done` is what was done about a processed alert, `holder` who else is looking at it now."""

    alert: MonitoringAlert
    cause: str
    course: str
    trend: SafeString
    done: str
    holder: User | None


def rows_of(alerts: Collection[MonitoringAlert], actor: Actor) -> list[Row]:
    """Return the lines of `alerts`, in their order, by two queries more."""
    instruments, series = instruments_of(alerts), recent_values(alerts)
    return [row_of(alert, instruments.get(alert.organization_id, {}), series, actor) for alert in alerts]


def row_of(alert: MonitoringAlert, instruments: Mapping[str, Instrument], series: Series, actor: Actor) -> Row:
    """Return the line of an alert."""
    shown = instrument_shown(alert)
    values = series.get((alert.patient_id, shown or 0), ())
    cause, course = cause_in_words(alert, instruments), course_in_words(alert, values, instruments)
    return Row(alert, cause, course, _trend(alert, values, instruments), done_in_words(alert), holder_of(alert, actor))


def holder_of(alert: MonitoringAlert, actor: Actor) -> User | None:
    """Return whoever else is looking at an alert now."""
    claimed = alert.claimed_until is not None and alert.claimed_until > timezone.now()
    return alert.claimed_by if claimed and alert.claimed_by_id != actor.user_id else None


def done_in_words(alert: MonitoringAlert) -> str:
    """Return what was done about a processed alert: "Contacted patient"."""
    return alert.get_processed_type_display().capitalize() if alert.processed_type else _("Processed")


def instrument_shown(alert: MonitoringAlert) -> int | None:
    """Return the id of the instrument whose values are shown: of several, that of the value which completed the match."""
    return alert.instrument_id or (alert.measurement.instrument_id if alert.measurement else None)


@dataclass(frozen=True)
class InstrumentsOfOrganizations(InstanceQuery):
    """The instruments of some organizations, the archived ones last."""

    organization_ids: Any = parameter(BigIntegerField())

    def queryset(self) -> QuerySet[Instrument]:
        rows = Instrument.objects.filter(organization_id__anyof=self.organization_ids)
        return rows.order_by(F("deleted_at").asc(nulls_first=True), "pk")


@dataclass(frozen=True)
class LatestNumbers(QueryDefinition):
    """The last VALUES numbers since a moment of each of some patients and instruments, oldest first."""

    organization_ids: Any = parameter(BigIntegerField())
    patient_ids: Any = parameter(BigIntegerField())
    instrument_ids: Any = parameter(BigIntegerField())
    since: Any = parameter(DateTimeField())

    def queryset(self) -> QuerySet:
        latest_first = [F("measured_at").desc(), F("pk").desc()]
        rows = Measurement.objects.filter(
            organization_id__anyof=self.organization_ids,
            patient_id__anyof=self.patient_ids,
            instrument_id__anyof=self.instrument_ids,
            value_number__isnull=False,
            measured_at__gte=self.since,
        ).annotate(place=Window(RowNumber(), partition_by=[F("patient_id"), F("instrument_id")], order_by=latest_first))
        latest = rows.filter(place__lte=VALUES).order_by("measured_at", "pk")
        return latest.values_list("patient_id", "instrument_id", "value_number", "measured_at")


def instruments_of(alerts: Iterable[MonitoringAlert]) -> dict[int, dict[str, Instrument]]:
    """Return the instruments of the organizations of `alerts` by organization id and code; an archived one if no other has it."""
    found: dict[int, dict[str, Instrument]] = defaultdict(dict)
    for instrument in InstrumentsOfOrganizations(sorted({alert.organization_id for alert in alerts})).instances():
        found[instrument.organization_id].setdefault(instrument.code, instrument)
    return found


def recent_values(alerts: Collection[MonitoringAlert]) -> Series:
    """Return the last VALUES numbers by patient and instrument of `alerts`, oldest first, none older than DAYS."""
    latest = LatestNumbers(
        organization_ids=sorted({alert.organization_id for alert in alerts}),
        patient_ids=sorted({alert.patient_id for alert in alerts}),
        instrument_ids=sorted({shown for alert in alerts if (shown := instrument_shown(alert))}),
        since=timezone.now() - datetime.timedelta(days=DAYS),
    )
    series: dict[tuple[int, int], list[Measured]] = defaultdict(list)
    for patient, instrument, number, moment in latest.fetch():
        series[patient, instrument].append((cast(Decimal, number), moment))
    return series


def limits_of(rule: Mapping[str, Any], code: str | None) -> list[Limit]:
    """Return the limits that a rule sets to the values of one instrument; those of averages among them."""
    conditions = [condition for condition in rule.get("all", [rule]) if condition.get("instrument") == code]
    return [Limit(Decimal(str(one["value"])), one["op"], rule["flag"]) for one in conditions if "value" in one]


def _trend(alert: MonitoringAlert, values: Sequence[Measured], instruments: Mapping[str, Instrument]) -> SafeString:
    named = alert.instrument or next((one for one in instruments.values() if one.pk == instrument_shown(alert)), None)
    limits = limits_of(alert.cause.get("rule", {}), named.code if named else None)
    points = [Point(number, moment) for number, moment in values]
    return sparkline(points, limits=limits, width=84, height=26, label=named.name if named else "")
