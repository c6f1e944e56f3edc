"""Charts of active patients that lack what their organization asks for."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.dates import today_at
from patients.models import Patient, Status
from patients.models.patients import LACKS

VITAL_SIGNS = "vital_signs"
ROWS = 25
# So many are counted; the page says if there are more.
MAX_COUNTED = 1_000


def needs_of(organization: Organization) -> dict[str, Q]:
    """Return what charts of an organization need -> the condition that one lacks it."""
    lacks = {need: LACKS[need] for need in organization.needs}
    if organization.vital_signs_days is not None:
        oldest = today_at(organization.timezone) - datetime.timedelta(days=organization.vital_signs_days)
        lacks[VITAL_SIGNS] = Q(latest_vitals_date=None) | Q(latest_vitals_date__lt=oldest)
    return lacks


def incomplete_charts(
    actor: Actor, organization: Organization, needs: Sequence[str], after: Patient | None = None
) -> list[Patient]:
    """Return the charts in the actor's scope that lack one of `needs`, by name; one more than ROWS where there are more.

    They come behind the chart `after`. Each has `lacks_<need>` for everything that the organization asks for.
    """
    lacks, place = needs_of(organization), Q()
    if after is not None:
        behind = Q(last_name_key__gt=after.last_name_key) | Q(pk__gt=after.pk)
        place = behind & Q(last_name_key__gte=after.last_name_key)
    charts = _charts(actor, organization).filter(place).order_by("last_name_key", "pk")
    found = _any_of(charts, [lacks[need] for need in needs], ROWS + 1)
    rows = Patient.objects.filter(pk__anyof=found).select_related("care_group").order_by("last_name_key", "pk")
    marks: Any = {f"lacks_{need}": condition for need, condition in lacks.items()}
    return list(rows.annotate(**marks)[: ROWS + 1])


def to_count(actor: Actor, organization: Organization) -> QuerySet:
    """Return the ids of the charts in the actor's scope that lack something; where these are many, of more than MAX_COUNTED."""
    return _any_of(_charts(actor, organization), list(needs_of(organization).values()), MAX_COUNTED + 1)


def _charts(actor: Actor, organization: Organization) -> QuerySet[Patient]:
    # Who is active is not archived. It is said all the same, as the index by name has none who are.
    rows = Patient.objects.filter(organization=organization, status=Status.ACTIVE, deleted_at=None)
    return scope(actor, rows).order_by()


def _any_of(charts: QuerySet[Patient], lacks: Sequence[Q], limit: int) -> QuerySet:
    """Return the ids of the first `limit` of `charts` of which one condition is true, and of those of each other one.

    Each condition has its index, which an OR of them would not use in the order of the list.
    """
    if not lacks:
        return charts.none().values("pk")
    first, *others = (
        Patient.objects.filter(pk__anyof=charts.filter(condition).values("pk")[:limit]).order_by().values("pk")
        for condition in lacks
    )
    return first.union(*others) if others else first
