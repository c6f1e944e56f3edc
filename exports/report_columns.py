"""What the columns of reports are made of: local times, text for numbers, and rows of other tables looked up once a page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, QuerySet
from rest_framework import serializers

from accounts.models import CareGroup, GroupMembership
from accounts.scope import Actor, Viewer, viewer_of, visible
from clinical.models import Flag, MonitoringAlert, MonitoringAlertStatus
from clinical.serializer_fields import measured_value
from config.core.compiled_queries import QueryDefinition, parameter
from config.rest.compiled.loaders import ChildLoader, Loader
from config.rest.compiled.plans import Computed, LoadedField
from config.rest.openapi import INTEGER, NULLABLE_TEXT, TEXT
from patients.models import Enrolment

_BIG = BigIntegerField()


class LocalTime(Computed):
    """A moment in the time zone of the organization, UTC where there is none: YYYY-MM-DD HH:MM:SS."""

    def __init__(self, column: str, zone: str = "organization__timezone", *, nullable: bool = False):
        super().__init__(_local, (column, zone), schema=NULLABLE_TEXT if nullable else TEXT)


def _local(actor: Actor, moment: datetime.datetime | None, zone: str | None) -> str | None:
    return local_text(moment, zone or "UTC") if moment else None


def local_text(moment: datetime.datetime, zone: str) -> str:
    """Return `moment` as the clocks of `zone` showed it, in 19 characters."""
    return moment.astimezone(ZoneInfo(zone)).isoformat(" ", "seconds")[:19]


class Titled(Computed):
    """A word of ours as reports write it: `measurement` is Measurement."""

    def __init__(self, column: str):
        super().__init__(lambda actor, word: word.capitalize(), (column,), schema=TEXT)


class TextOf(Computed):
    """A number as text."""

    def __init__(self, column: str):
        super().__init__(lambda actor, number: str(number), (column,), schema=TEXT)


class MeasuredText(Computed):
    """A measured value as text, without idle zeros after the point."""

    def __init__(self) -> None:
        super().__init__(_measured, ("value_number", "value_choice"), schema=TEXT)


def _measured(actor: Actor, number: Decimal | None, choice: str | None) -> str:
    return str(measured_value(actor, number, choice))


def related(source: str) -> Computed:
    """Return a column of text, perhaps reached through another table, null where there is none or an empty one."""
    return Computed(lambda actor, text: text or None, (source,), schema=NULLABLE_TEXT)


def related_uuid(source: str) -> serializers.UUIDField:
    """Return a UUID that is reached through another table, null where there is none."""
    return serializers.UUIDField(source=source, allow_null=True)


# --- where a patient is enrolled ------------------------------------------------------------------


def _latest(rows: list) -> tuple[str, str] | None:
    return tuple(rows[-1]) if rows else None  # type: ignore[return-value]


ENROLMENTS = ChildLoader(Enrolment, "patient_id", ("program__name", "protocol__name"), _latest)


def enrolled_in(part: int, source: str) -> LoadedField:
    """Return the name of the program (0) or the protocol (1) that the patient under `source` was enrolled in last."""
    return LoadedField(ENROLMENTS, source=source, render=lambda found: found[part] if found else None, schema=NULLABLE_TEXT)


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
        super().__init__(lambda actor, text, status: _once_processed(text, status), (column, "status"), schema=NULLABLE_TEXT)


def _once_processed(text: str | None, status: str) -> str | None:
    return text or None if status == MonitoringAlertStatus.PROCESSED else None


_ALERT_COLUMNS = (
    "flag",
    "type",
    "created_at",
    "status",
    "processed_type",
    "action",
    "processed_at",
    "processed_by__uuid",
    "organization__timezone",
)
_RANKS = {flag: rank for rank, flag in enumerate(Flag.values)}


def _gravest(rows: list) -> dict[str, Any] | None:
    """Return the alert of the highest flag, the first of several, as it is shown."""
    if not rows:
        return None
    alert = max((dict(zip(_ALERT_COLUMNS, row, strict=True)) for row in rows), key=lambda found: _RANKS[found["flag"]])
    zone = alert["organization__timezone"]
    moments = {name: alert[name] and local_text(alert[name], zone) for name in ("created_at", "processed_at")}
    action = _once_processed(alert["action"], alert["status"])
    return {**alert, **moments, "type": alert["type"].capitalize(), "action": action}


MEASUREMENT_ALERTS = ChildLoader(MonitoringAlert, "measurement_id", _ALERT_COLUMNS, _gravest)


def alert_of_measurement(column: str) -> LoadedField:
    """Return one column of the gravest alert that a measurement raised, null where it raised none."""
    return LoadedField(MEASUREMENT_ALERTS, source="id", render=lambda found: found and found[column], schema=NULLABLE_TEXT)


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
