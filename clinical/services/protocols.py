"""Creating and changing protocols, with checks of their schedules and rules."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row, update_catalog_row
from clinical.models import Instrument, InstrumentKind
from clinical.monitoring import InstrumentFacts, check_rules, check_schedule, codes_of
from clinical.scales import Scale, scale_of
from clinical.services.instruments import GAUGES, get_or_create_gauge, instruments_of
from config.core.exceptions import Invalid
from patients.models import Protocol


@transaction.atomic
def create_protocol(
    *, actor: Actor, organization: Organization, name: str, model: type[Protocol] = Protocol, **values: Any
) -> Protocol:
    """Add a protocol, as `create_catalog_row`. Raises Invalid if `schedule` or `rules` are wrong."""
    _check(organization.pk, values)
    return create_catalog_row(actor=actor, model=model, organization=organization, name=name, **values)


@transaction.atomic
def update_protocol(*, actor: Actor, row: Protocol, base_version: int, changes: Mapping[str, Any]) -> None:
    """Change a protocol, as `update_catalog_row`. Raises Invalid if `schedule` or `rules` are wrong."""
    _check(row.organization_id, changes)
    update_catalog_row(actor=actor, row=row, base_version=base_version, changes=changes)


def _check(organization_id: int, values: Mapping[str, Any]) -> None:
    for field, check in (("schedule", check_schedule), ("rules", check_rules)):
        if values.get(field) is not None:
            known = instruments_of(organization_id)
            check(values[field], facts_by_code(known))
            codes = (code for item in values[field] for code in codes_of(item))
            add_missing_gauges(organization_id, known, codes, field)


def facts_by_code(instruments: Mapping[str, Instrument]) -> dict[str, InstrumentFacts]:
    """Return code -> facts of an organization's instruments and of all gauges, which are created on first use."""
    numeric = InstrumentKind.NUMERIC
    gauges = {
        code: InstrumentFacts(numeric, Scale(Decimal(least), Decimal(most))) for code, (_name, least, most) in GAUGES.items()
    }
    return {**gauges, **{code: InstrumentFacts(row.kind, scale_of(row)) for code, row in instruments.items()}}


def add_missing_gauges(organization_id: int, known: dict[str, Instrument], codes: Iterable[str], field: str) -> None:
    """Create the gauges among `codes` that are not in `known`, and add them. Raises Invalid for an archived one."""
    for code in sorted(set(codes) - known.keys()):
        gauge = get_or_create_gauge(organization_id, code)
        if gauge is None:
            raise Invalid(_("The instrument %(code)s is archived.") % {"code": code}, field)
        known[code] = gauge
