"""What the dialects share in reading clinical records: alerts as they stand today, instruments, measured values."""

import datetime
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, DateField, DateTimeField, F, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.scope import Actor
from clinical.models import AlertScope, AlertStatus, Instrument
from clinical.services.alerts import effective_status, with_effective_status
from clinical.services.instruments import GAUGES
from config.core.databases import Param
from config.core.dates import today_at
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Computed, Criterion
from config.rest.filters import Parameter, refused
from config.rest.formats import parse_uuid
from patients.models import Patient
from patients.reading import family_of

NOTHING = 0
"""An id that no row has."""
BY_TIME = Keyset("measured_at", DateTimeField())
"""The order of measurements."""


class EffectiveStatus(Computed):
    """The status of an alert today, in its organization's time zone."""

    def __init__(self, **kwargs: Any):
        columns = ("status", "disable_on", "organization__timezone")
        super().__init__(self._shown, columns, schema={"type": "string", "enum": AlertStatus.values}, **kwargs)

    @staticmethod
    def _shown(actor: Actor, status: str, disable_on: datetime.date | None, zone: str) -> str:
        return effective_status(status, disable_on, today_at(zone))


def alerts_with_status(status: str | None, today: datetime.date) -> Criterion:
    """Return the condition that alerts have the effective `status` on `today`; None is for all but archived ones."""
    if status is None:
        return Criterion("alerts not archived", lambda rows: rows.exclude(status=AlertStatus.ARCHIVED))
    return Criterion(
        ("alerts with status", status),
        lambda rows: rows.filter(with_effective_status(status, Param("today", DateField()))),
        {"today": today},
    )


def alerts_of_family(patient_id: int) -> Criterion:
    """Return the condition that alerts stand on a patient's chart: their own, and the family-scope ones of their family.

    The family are the patients with the same guarantor, and the guarantor, as far as they are not
    archived. Whom of them the caller may see is for the scope of the query to say.
    """
    patient = Param("chart", BigIntegerField())
    return Criterion("alerts of a family", lambda rows: standing_on_chart(rows, patient), {"chart": patient_id})


def standing_on_chart(rows: QuerySet, patient: Any) -> QuerySet:
    """Return those of the alerts `rows` that stand on the chart of `patient`, an expression that gives an id."""
    # First whose alerts, and then which: so that an index on the patient leads to the rows.
    return rows.filter(Q(patient_id=patient) | Q(alert_scope=AlertScope.FAMILY), patient_id__in=household(patient).values("id"))


def household(patient: Any) -> QuerySet:
    """Return `patient`, an expression that gives an id, and the others of their family as far as they are not archived."""
    named = Patient._base_manager.filter(id=patient).order_by().values(found=Coalesce("responsible_party_id", "id"))
    family = family_of(Subquery(named[:1])) & Q(deleted_at=None)
    return Patient._base_manager.filter(Q(id=patient) | family).order_by()


class InstrumentParameter(Parameter):
    """The code or the UUID of an instrument of the organization whose patient the path names.

    A gauge that comes with the product and was never used there finds nothing.
    """

    column = BigIntegerField()

    def __init__(self) -> None:
        super().__init__(field_name="instrument_id")

    def meant(self, name: str, value: str, actor: Actor, organization_id: int | None) -> int:
        uuid = parse_uuid(value)
        named = {"uuid": uuid} if uuid else {"code": value}
        rows = Instrument.objects.filter(Q(organization_id=organization_id), **named)
        # An archived instrument may have given its code away: the row that is in use comes first.
        found = rows.order_by(F("deleted_at").desc(nulls_first=True)).values_list("pk", flat=True).first()
        if found is None and value not in GAUGES:
            raise refused(name, "unknown", "There is no such instrument")
        return found or NOTHING


def value_shown(actor: Actor, number: Decimal | None, choice: str | None) -> Any:
    """Return a measured value as JSON has it: a number, whole where it is, or the choice."""
    if number is None:
        return choice
    return int(number) if number == number.to_integral_value() else float(number)
