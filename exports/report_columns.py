"""What the columns of reports are made of: local times, text for numbers, and rows of other tables looked up once a page."""

import datetime
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, QuerySet
from rest_framework import serializers

from accounts.models import CareGroup, GroupMembership
from accounts.scope import Actor, scope, visible
from clinical.models import Flag, MonitoringAlert, MonitoringAlertStatus
from clinical.reading import value_shown
from config.core.databases import Param
from config.core.statements import statements
from config.rest.compiled.lookups import ChildRows
from config.rest.compiled.plans import Computed, LookedUp, Lookup, marked, values_of
from patients.models import Enrolment

TEXT = {"type": "string"}
MAYBE_TEXT = {"type": "string", "nullable": True}
NUMBER = {"type": "integer"}
BIG = BigIntegerField()


class LocalTime(Computed):
    """A moment as the clocks of the organization showed it: YYYY-MM-DD HH:MM:SS. Who belongs to none has UTC."""

    def __init__(self, column: str, zone: str = "organization__timezone", *, nullable: bool = False):
        super().__init__(_local, (column, zone), schema=MAYBE_TEXT if nullable else TEXT)


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
    return str(value_shown(actor, number, choice))


def related(source: str) -> Computed:
    """Return a column of text, perhaps reached through another table, null where there is none or an empty one."""
    return Computed(lambda actor, text: text or None, (source,), schema=MAYBE_TEXT)


def related_uuid(source: str) -> serializers.UUIDField:
    """Return a UUID that is reached through another table, null where there is none."""
    return serializers.UUIDField(source=source, allow_null=True)


# --- where a patient is enrolled ------------------------------------------------------------------


def _latest(rows: list) -> tuple[str, str] | None:
    return tuple(rows[-1]) if rows else None  # type: ignore[return-value]


ENROLMENTS = ChildRows(Enrolment, "patient_id", ("program__name", "protocol__name"), _latest)


def enrolled_in(part: int, source: str) -> LookedUp:
    """Return the name of the program (0) or the protocol (1) that the patient under `source` was enrolled in last."""
    return LookedUp(ENROLMENTS, source=source, show=lambda found: found[part] if found else None, schema=MAYBE_TEXT)


# --- alerts ---------------------------------------------------------------------------------------


class AlertCounts(Lookup):
    """Numbers of monitoring alerts by patient: a Counter by flag and by type."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Counter]:
        rows = statements.get("alerts by patient", self._rows).decoded({"ids": sorted(keys)})
        counts: dict[Any, Counter] = {}
        for patient, flag, kind, number in rows:
            counts.setdefault(patient, Counter()).update({flag: number, kind: number, "total": number})
        return counts

    def _rows(self):
        alerts = MonitoringAlert.objects.filter(patient_id__anyof=Param("ids", BIG)).order_by()
        return alerts.values_list("patient_id", "flag", "type").annotate(number=Count("id"))


ALERT_COUNTS = AlertCounts()


def alerts_of(word: str) -> LookedUp:
    """Return the number of the patient's alerts of one flag or type, as text."""
    return LookedUp(ALERT_COUNTS, source="id", show=lambda found: str(found[word]) if found else "0", schema=TEXT)


def alerts_in_all() -> LookedUp:
    """Return the number of all alerts of the patient."""
    return LookedUp(ALERT_COUNTS, source="id", show=lambda found: found["total"] if found else 0, schema=NUMBER)


class OnceProcessed(Computed):
    """What staff wrote about an alert, null until it is processed: they may write when they escalate it too."""

    def __init__(self, column: str):
        super().__init__(lambda actor, text, status: _once_processed(text, status), (column, "status"), schema=MAYBE_TEXT)


def _once_processed(text: str | None, status: str) -> str | None:
    return text or None if status == MonitoringAlertStatus.PROCESSED else None


_SHOWN = (
    "flag", "type", "created_at", "status", "processed_type", "action", "processed_at", "processed_by__uuid",
    "organization__timezone",
)  # fmt: skip
_RANKS = {flag: rank for rank, flag in enumerate(Flag.values)}


def _gravest(rows: list) -> dict[str, Any] | None:
    """Return the alert of the highest flag, the first of several, as it is shown."""
    if not rows:
        return None
    alert = max((dict(zip(_SHOWN, row, strict=True)) for row in rows), key=lambda found: _RANKS[found["flag"]])
    zone = alert["organization__timezone"]
    moments = {name: alert[name] and local_text(alert[name], zone) for name in ("created_at", "processed_at")}
    action = _once_processed(alert["action"], alert["status"])
    return {**alert, **moments, "type": alert["type"].capitalize(), "action": action}


MEASUREMENT_ALERTS = ChildRows(MonitoringAlert, "measurement_id", _SHOWN, _gravest)


def alert_of_measurement(column: str) -> LookedUp:
    """Return one column of the gravest alert that a measurement raised, null where it raised none."""
    return LookedUp(MEASUREMENT_ALERTS, source="id", show=lambda found: found and found[column], schema=MAYBE_TEXT)


# --- people ---------------------------------------------------------------------------------------


class OfPeople(Lookup):
    """Rows that hang on people, by the person's id: those that the caller sees."""

    def fetch(self, keys: set, actor: Actor) -> list[tuple]:
        """Fetch `rows` of the people in `keys`."""
        shape = (type(self), actor.role, actor.organization_id is None)
        found = statements.get(shape, lambda: self.rows(marked(actor)).order_by())
        return found.decoded({"ids": sorted(keys), **values_of(actor)})

    def rows(self, actor: Actor) -> QuerySet:
        """Return the query of (person, …) for the people in the parameter `ids`."""
        raise NotImplementedError


class GroupNames(OfPeople):
    """Names of people's care groups, in one text."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, str]:
        names: dict[Any, list[str]] = {}
        for person, name in self.fetch(keys, actor):
            names.setdefault(person, []).append(name)
        return {person: ", ".join(sorted(found)) for person, found in names.items()}

    def rows(self, actor: Actor) -> QuerySet:
        seen = GroupMembership.objects.filter(visible(actor, CareGroup, "care_group__"), user_id__anyof=Param("ids", BIG))
        return seen.values_list("user_id", "care_group__name")


class ProcessedAlerts(OfPeople):
    """Numbers of monitoring alerts that people have processed."""

    def load(self, keys: set, actor: Actor) -> Mapping[Any, int]:
        return dict(self.fetch(keys, actor))

    def rows(self, actor: Actor) -> QuerySet:
        processed = {"status": MonitoringAlertStatus.PROCESSED, "processed_by_id__anyof": Param("ids", BIG)}
        seen = scope(actor, MonitoringAlert.objects.filter(**processed))
        return seen.values_list("processed_by_id").annotate(number=Count("id"))


GROUPS = GroupNames()
PROCESSED_ALERTS = ProcessedAlerts()
