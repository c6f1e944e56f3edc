"""What the columns of reports are made of: local times, text for numbers, and rows of other tables looked up once a page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Case, Count, Model, QuerySet, When, Window
from django.db.models.functions import RowNumber
from rest_framework import serializers

from accounts.models import CareGroup, GroupMembership
from accounts.scope import Actor, Viewer, viewer_of, visible
from clinical.models import Flag, MonitoringAlert, MonitoringAlertStatus
from clinical.serializer_fields import measured_value
from config.core.compiled_queries import QueryDefinition, parameter
from config.rest.compiled.loaders import Loader
from config.rest.compiled.plans import Computed, LoadedField, SqlText
from config.rest.openapi import INTEGER, NULLABLE_TEXT, TEXT
from patients.models import Enrolment
from patients.serializer_fields import activation

_BIG = BigIntegerField()


# PostgreSQL takes the names of four zones for their winter time. These places keep the same clocks, since 1997 at least.
_AT_ZONE = """to_char(
    {0} AT TIME ZONE
        CASE {1} WHEN 'CET' THEN 'Europe/Brussels' WHEN 'MET' THEN 'Europe/Brussels' WHEN 'EET' THEN 'Europe/Athens'
        WHEN 'WET' THEN 'Europe/Lisbon' ELSE coalesce({1}, 'UTC') END,
    'YYYY-MM-DD HH24:MI:SS'
)"""


class LocalTime(Computed):
    """A moment in the time zone of the organization, UTC where there is none: YYYY-MM-DD HH:MM:SS."""

    def __init__(self, column: str, zone: str = "organization__timezone", *, nullable: bool = False):
        sql = SqlText(_AT_ZONE, verbatim=True)
        super().__init__(_local, (column, zone), schema=NULLABLE_TEXT if nullable else TEXT, sql=sql)


def _local(actor: Actor, moment: datetime.datetime | None, zone: str | None) -> str | None:
    return local_text(moment, zone or "UTC") if moment else None


def _activated(actor: Actor, activated: datetime.datetime | None, created: datetime.datetime, zone: str) -> str | None:
    return _local(actor, activation(activated, created), zone)


def local_text(moment: datetime.datetime, zone: str) -> str:
    """Return `moment` as the clocks of `zone` showed it, in 19 characters."""
    return moment.astimezone(ZoneInfo(zone)).isoformat(" ", "seconds")[:19]


class ActivationTime(Computed):
    """When a patient became active, in the time zone of the organization; see `LocalTime`."""

    def __init__(self) -> None:
        super().__init__(_activated, ("activated_at", "created_at", "organization__timezone"), schema=NULLABLE_TEXT)


class Titled(Computed):
    """A word of ours as reports write it: `measurement` is Measurement."""

    def __init__(self, column: str):
        sql = SqlText('initcap({0} COLLATE "C")', verbatim=True)
        super().__init__(lambda actor, word: word.capitalize(), (column,), schema=TEXT, sql=sql)


class LowerCase(Computed):
    """A word of ours in lower case."""

    def __init__(self, column: str, *, nullable: bool = False):
        sql = SqlText('lower({0} COLLATE "C")', verbatim=True)
        schema = NULLABLE_TEXT if nullable else TEXT
        super().__init__(lambda actor, word: word and word.lower(), (column,), schema=schema, sql=sql)


class TextOf(Computed):
    """A number as text."""

    def __init__(self, column: str):
        sql = SqlText("{0}::text", verbatim=True)
        super().__init__(lambda actor, number: str(number), (column,), schema=TEXT, sql=sql)


class MeasuredText(Computed):
    """A measured value as text, without idle zeros after the point."""

    def __init__(self) -> None:
        sql = SqlText("coalesce(trim_scale({0})::text, {1})")
        super().__init__(_measured, ("value_number", "value_choice"), schema=TEXT, sql=sql)


def _measured(actor: Actor, number: Decimal | None, choice: str | None) -> str:
    return str(measured_value(actor, number, choice))


def related(source: str) -> Computed:
    """Return a column of text, perhaps reached through another table, null where there is none or an empty one."""
    column = source.replace(".", "__")
    return Computed(lambda actor, text: text or None, (column,), schema=NULLABLE_TEXT, sql=SqlText("nullif({0}, '')"))


def found_uuid(column: str) -> Computed:
    """Return a UUID that a found row has."""
    return Computed(lambda actor, uuid: uuid, (column,), schema=NULLABLE_TEXT, sql=SqlText("{0}::text", verbatim=True))


def related_uuid(source: str) -> serializers.UUIDField:
    """Return a UUID that is reached through another table, null where there is none."""
    return serializers.UUIDField(source=source, allow_null=True)


# --- one of several rows --------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstRows(QueryDefinition):
    """Of the rows of `model` whose `parent` is one of `ids`, the first of each by `order`: the parent, then `columns`."""

    model: type[Model]
    parent: str
    order: tuple
    columns: tuple[str, ...]
    ids: Any = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rows = self.model._base_manager.filter(**{f"{self.parent}__anyof": self.ids})
        place = Window(RowNumber(), partition_by=self.parent, order_by=self.order)
        return rows.annotate(place=place).filter(place=1).order_by().values_list(self.parent, *self.columns)


class FirstRow(Loader):
    """The first of the child rows of each key by `order`, as a dict of `columns`."""

    def __init__(self, model: type[Model], parent: str, order: tuple, columns: tuple[str, ...]):
        self.model, self.parent, self.order, self.columns = model, parent, order, columns

    def rows(self, ids: Any) -> FirstRows:
        """Return the query of the rows; `ids` is a list or SQL."""
        return FirstRows(self.model, self.parent, self.order, self.columns, ids)

    def load(self, keys: set, actor: Actor) -> Mapping[Any, dict[str, Any]]:
        return {key: dict(zip(self.columns, cells, strict=True)) for key, *cells in self.rows(sorted(keys)).fetch()}


class OfFirstRow(LoadedField):
    """What `shown` makes of the row that `loader` finds under the key in `source`, null where there is none."""

    loader: FirstRow

    def __init__(self, loader: FirstRow, shown: Computed, *, source: str):
        self.shown = shown
        super().__init__(loader, source=source, render=self._shown, schema=NULLABLE_TEXT)

    def _shown(self, found: dict[str, Any] | None) -> Any:
        # Nothing that reports show of such a row depends on the caller.
        return found and self.shown.compute(None, *(found[column] for column in self.shown.columns))


ENROLMENT = FirstRow(Enrolment, "patient_id", ("-id",), ("program__name", "protocol__name"))


def enrolled_in(column: str, source: str) -> OfFirstRow:
    """Return what the enrolment that the patient under `source` has last has in `column`."""
    return OfFirstRow(ENROLMENT, related(column), source=source)


# --- alerts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlertNumbers(QueryDefinition):
    """Numbers of monitoring alerts by patient, flag and type."""

    ids: list = parameter(_BIG)

    def queryset(self) -> QuerySet:
        alerts = MonitoringAlert.objects.filter(patient_id__anyof=self.ids).order_by()
        return alerts.values_list("patient_id", "flag", "type").annotate(number=Count("id"))


class AlertCounts(Loader):
    """Numbers of monitoring alerts by patient: a Counter by flag and by type."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Counter]:
        counts: dict[Any, Counter] = {}
        for patient, flag, kind, number in AlertNumbers(sorted(keys)).fetch():
            counts.setdefault(patient, Counter()).update({flag: number, kind: number, "total": number})
        return counts


ALERT_COUNTS = AlertCounts()


def alerts_of(word: str) -> LoadedField:
    """Return the number of the patient's alerts of one flag or type, as text."""
    return LoadedField(ALERT_COUNTS, source="id", render=lambda found: str(found[word]) if found else "0", schema=TEXT)


def alerts_in_all() -> LoadedField:
    """Return the number of all alerts of the patient."""
    return LoadedField(ALERT_COUNTS, source="id", render=lambda found: found["total"] if found else 0, schema=INTEGER)


class OnceProcessed(Computed):
    """What staff wrote about an alert, null until it is processed: they may write when they escalate it too."""

    def __init__(self, column: str):
        sql = SqlText(f"CASE WHEN {{1}} = '{MonitoringAlertStatus.PROCESSED}' THEN nullif({{0}}, '') END")
        super().__init__(_once_processed, (column, "status"), schema=NULLABLE_TEXT, sql=sql)


def _once_processed(actor: Actor, text: str | None, status: str) -> str | None:
    return text or None if status == MonitoringAlertStatus.PROCESSED else None


GRAVEST_ALERT = FirstRow(
    MonitoringAlert,
    "measurement_id",
    (Case(*(When(flag=flag, then=rank) for rank, flag in enumerate(Flag.values))).desc(), "id"),
    (
        "flag",
        "type",
        "created_at",
        "status",
        "processed_type",
        "action",
        "processed_at",
        "processed_by__uuid",
        "organization__timezone",
    ),
)


def of_alert(shown: Computed) -> OfFirstRow:
    """Return a column about the alert of the highest flag that a measurement raised, the first of several."""
    return OfFirstRow(GRAVEST_ALERT, shown, source="id")


# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupNamesOfPeople(QueryDefinition):
    """(user, name) of the care groups that people are in, as far as the viewer sees the groups."""

    viewer: Viewer
    ids: list = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rows = GroupMembership.objects.filter(visible(self.viewer, CareGroup, "care_group__"), user_id__anyof=self.ids)
        return rows.order_by().values_list("user_id", "care_group__name")


class GroupNames(Loader):
    """Names of people's care groups, in one text."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, str]:
        names: dict[Any, list[str]] = {}
        for person, name in GroupNamesOfPeople(viewer_of(actor), sorted(keys)).fetch():
            names.setdefault(person, []).append(name)
        return {person: ", ".join(sorted(found)) for person, found in names.items()}


@dataclass(frozen=True)
class AlertsProcessedByPeople(QueryDefinition):
    """(user, number) of the monitoring alerts that people have processed, as far as the viewer sees the alerts."""

    viewer: Viewer
    ids: list = parameter(_BIG)

    def queryset(self) -> QuerySet:
        processed = {"status": MonitoringAlertStatus.PROCESSED, "processed_by_id__anyof": self.ids}
        rows = MonitoringAlert.objects.filter(visible(self.viewer, MonitoringAlert), **processed)
        return rows.order_by().values_list("processed_by_id").annotate(number=Count("id"))


class ProcessedAlerts(Loader):
    """Numbers of monitoring alerts that people have processed."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, int]:
        return dict(AlertsProcessedByPeople(viewer_of(actor), sorted(keys)).fetch())


GROUPS = GroupNames()
PROCESSED_ALERTS = ProcessedAlerts()
