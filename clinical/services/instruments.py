"""The instruments of an organization, and the gauges that come with the product."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import BigAutoField, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row, update_catalog_row
from clinical.models import Instrument, RuleOverride
from clinical.monitoring import Rule, codes_of
from config.core.compiled_queries import parameter
from config.core.exceptions import Invalid
from config.core.instances import InstanceQuery
from config.core.orm import drop_nulls_for_not_null_columns
from patients.models import Enrolment, Protocol

# Code -> name and scale of the gauges of the general API. An organization's row is created on first use.
GAUGES: Mapping[str, tuple[str, int, int]] = {
    "mood": ("Mood", 1, 10),
    "anxiety": ("Anxiety", 1, 10),
    "energy": ("Energy", 1, 10),
    "sleep_quality": ("Sleep quality", 1, 10),
    "pain": ("Pain", 0, 10),
    "medication_adherence": ("Medication adherence", 0, 10),
    "social_interaction": ("Social interaction", 1, 10),
}


# The columns that rules depend on: with another code or kind, they would silently match nothing.
USED_BY_RULES = ("code", "kind")


@transaction.atomic
def update_instrument(*, actor: Actor, row: Instrument, base_version: int, changes: Mapping[str, Any]) -> None:
    """Change an instrument, as `update_catalog_row`. Raises Invalid for a new code or kind if rules use it."""
    written = drop_nulls_for_not_null_columns(Instrument, changes)
    stored = Instrument.objects.get(pk=row.pk)  # A form has put what it was sent into its row already.
    moved = [name for name in USED_BY_RULES if name in written and written[name] != getattr(stored, name)]
    if moved and any(stored.code in codes_of(rule) for rule in _rules_in_use(row.organization_id)):
        raise Invalid({name: [_("Protocols or rules of patients name this instrument.")] for name in moved})
    update_catalog_row(actor=actor, row=row, base_version=base_version, changes=changes)


def _rules_in_use(organization_id: int) -> Iterator[Rule]:
    """Yield the rules and schedule lines of the organization's protocols, and its patients' own rules.

    An archived protocol stays in use for patients who are enrolled in it.
    """
    in_use = Q(deleted_at=None) | Exists(Enrolment.objects.filter(protocol=OuterRef("pk"), end_date=None))
    protocols = Protocol.objects.filter(in_use, organization_id=organization_id)
    for rules, schedule in protocols.values_list("rules", "schedule"):
        yield from (*rules, *schedule)
    own = RuleOverride.objects.filter(organization_id=organization_id, deleted_at=None, instrument__deleted_at=None)
    for (rules,) in own.values_list("rules"):
        yield from rules


class InstrumentLookup:
    """The unarchived instruments of an organization, by code or UUID."""

    def __init__(self, organization_id: int):
        self.organization_id = organization_id
        self.by_code = instruments_of(organization_id)
        self.by_uuid = {str(row.uuid): row for row in self.by_code.values()}
        self.unknown: set[str] = set()

    def named(self, name: str) -> Instrument:
        """Return the instrument with this code or UUID, creating that of a gauge. Raises Invalid if there is none."""
        found = self.by_code.get(name) or self.by_uuid.get(name.lower())
        if found is None and name not in self.unknown and (found := get_or_create_gauge(self.organization_id, name)):
            self.by_code[name] = found
        if found is None:
            self.unknown.add(name)
            raise Invalid(_("There is no such instrument."), "instrument")
        return found


@dataclass(frozen=True)
class InstrumentsOfOrganization(InstanceQuery):
    """An organization's unarchived instruments; whatever is measured or evaluated asks for them."""

    organization_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet[Instrument]:
        return Instrument.objects.filter(organization_id=self.organization_id, deleted_at=None)


def instruments_of(organization_id: int) -> dict[str, Instrument]:
    """Return the organization's unarchived instruments by code."""
    return {row.code: row for row in InstrumentsOfOrganization(organization_id).instances()}


def offered_instruments(organization_id: int) -> dict[str, Instrument]:
    """Return the organization's unarchived instruments and the gauges that it has not used yet, by code, sorted by name."""
    rows = list(Instrument.objects.filter(organization_id=organization_id).order_by("name_key", "pk"))
    taken = {row.code for row in rows}
    unused = [_gauge(code) for code in GAUGES if code not in taken]
    offered = [*(row for row in rows if row.deleted_at is None), *unused]
    return {row.code: row for row in sorted(offered, key=lambda row: row.name.lower())}


def _gauge(code: str) -> Instrument:
    """Return the instrument of a gauge as it would be created."""
    name, least, most = GAUGES[code]
    return Instrument(code=code, name=name, unit="{score}", scale_min=Decimal(least), scale_max=Decimal(most))


def get_or_create_gauge(organization_id: int, code: str) -> Instrument | None:
    """Return the instrument of a gauge, creating it on first use. None for other codes, or if it was archived."""
    if code not in GAUGES:
        return None
    # Of two concurrent first uses, the second waits for the lock and finds the row.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    rows = Instrument.objects.filter(organization_id=organization_id, code=code)
    if rows.exists():
        return rows.filter(deleted_at=None).first()
    gauge = _gauge(code)
    values: dict[str, Any] = {name: getattr(gauge, name) for name in ("code", "unit", "scale_min", "scale_max")}
    system = Actor.system("gauges")
    return create_catalog_row(actor=system, model=Instrument, organization=organization, name=gauge.name, **values)
