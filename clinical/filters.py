"""What the dialects share in listing clinical records: conditions on alerts, and the filter by instrument."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Case, DateField, DateTimeField, F, Q, QuerySet, When
from django.db.models.functions import Greatest
from django.db.models.lookups import GreaterThanOrEqual

from accounts.scope import Actor
from clinical.models import AlertScope, AlertStatus, Instrument
from clinical.services.alerts import with_effective_status
from clinical.services.instruments import GAUGES
from config.core.compiled_queries import parameter
from config.core.databases import DatabaseNow, StartOfDay
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import Criterion, Where
from config.rest.filters import StrictFilter
from config.rest.formats import parse_uuid
from config.rest.query_parameters import refused
from patients.families import household

# An id that no row has.
NO_INSTRUMENT = 0
# The order of measurements.
BY_TIME = Keyset("measured_at", DateTimeField())
NOT_ARCHIVED_ALERTS = Where(~Q(status=AlertStatus.ARCHIVED))


@dataclass(frozen=True)
class WithEffectiveStatus(Criterion):
    """The alerts that have `status` on the day `today`."""

    status: str
    today: datetime.date = parameter(DateField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(with_effective_status(self.status, self.today))


def alerts_with_status(status: str | None, today: datetime.date) -> Criterion:
    """Return the condition that alerts have the effective `status` on `today`; None is for all but archived ones."""
    return NOT_ARCHIVED_ALERTS if status is None else WithEffectiveStatus(status, today)


# Seconds after the beginning of its day from which an alert counts as changed: by then all servers show it as disabled.
BY_ALL_CLOCKS = 60


@dataclass(frozen=True)
class WithChangedAt(Criterion):
    """All alerts, with `changed_at`: when they were last written, or were disabled by their day since."""

    def apply(self, rows: QuerySet) -> QuerySet:
        begun = StartOfDay("disable_on", "organization__timezone", BY_ALL_CLOCKS)
        by_day = Q(status=AlertStatus.ACTIVE, disable_on__isnull=False) & Q(GreaterThanOrEqual(DatabaseNow(), begun))
        return rows.annotate(changed_at=Case(When(by_day, then=Greatest(F("updated_at"), begun)), default=F("updated_at")))


@dataclass(frozen=True)
class WrittenOrDueSince(Criterion):
    """The alerts that were written from a moment on, or may have been disabled from a day on."""

    moment: datetime.datetime = parameter(DateTimeField())
    day: datetime.date = parameter(DateField())

    @classmethod
    def of(cls, moment: datetime.datetime) -> "WrittenOrDueSince":
        """Return the condition for a moment, whose day is another one in other time zones."""
        return cls(moment, moment.date() - datetime.timedelta(days=2))

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(Q(updated_at__gte=self.moment) | Q(status=AlertStatus.ACTIVE, disable_on__gte=self.day))


ALERTS_BY_CHANGE = Keyset("changed_at", DateTimeField(), by_change=True, candidates=WrittenOrDueSince.of)


@dataclass(frozen=True)
class ChangedSince(Criterion):
    """The alerts with `changed_at` that have changed since a moment."""

    moment: datetime.datetime = parameter(DateTimeField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(changed_at__gte=self.moment)


@dataclass(frozen=True)
class OnChart(Criterion):
    """The rows that `rows_on_chart(rows, patient)` finds on the chart of a patient."""

    rows_on_chart: Callable[[QuerySet, Any], QuerySet]
    patient_id: int = parameter(BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return self.rows_on_chart(rows, self.patient_id)


def alerts_on_chart(rows: QuerySet, patient: Any) -> QuerySet:
    """Return those of the alerts `rows` that stand on the chart of `patient`, an expression that gives an id.

    These are their own, and the family-scope ones of their family: the patients with the same
    guarantor, and the guarantor, as far as they are not archived. Whom of them the caller may see is
    for the scope of the query to say.
    """
    # First whose alerts, and then which: so that an index on the patient leads to the rows.
    return rows.filter(Q(patient_id=patient) | Q(alert_scope=AlertScope.FAMILY), patient_id__in=household(patient).values("id"))


class InstrumentFilter(StrictFilter):
    """The code or the UUID of an instrument of the organization whose patient the path names.

    A gauge that comes with the product and was never used there finds nothing.
    """

    def __init__(self) -> None:
        super().__init__(field_name="instrument_id")

    def resolve(self, value: str, name: str, actor: Actor, organization_id: int | None) -> int:
        uuid = parse_uuid(value)
        named = {"uuid": uuid} if uuid else {"code": value}
        rows = Instrument.objects.filter(Q(organization_id=organization_id), **named)
        # An archived instrument may have given its code away: the row that is in use comes first.
        found = rows.order_by(F("deleted_at").desc(nulls_first=True)).values_list("pk", flat=True).first()
        if found is None and value not in GAUGES:
            raise refused(name, "unknown", "There is no such instrument")
        return found or NO_INSTRUMENT
