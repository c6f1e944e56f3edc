"""The instruments that an organization measures with, and those that come with the product."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row
from clinical.models import Instrument
from config.exceptions import Invalid

GAUGES: Mapping[str, tuple[str, int, int]] = {
    "mood": ("Mood", 1, 10),
    "anxiety": ("Anxiety", 1, 10),
    "energy": ("Energy", 1, 10),
    "sleep_quality": ("Sleep quality", 1, 10),
    "pain": ("Pain", 0, 10),
    "medication_adherence": ("Medication adherence", 0, 10),
    "social_interaction": ("Social interaction", 1, 10),
}
"""Code -> name and scale of the gauges of the general API. Each organization gets a row of one when it is first used."""


class Instruments:
    """The instruments of an organization that are not archived, by what callers name them."""

    def __init__(self, organization_id: int):
        self.organization_id = organization_id
        self.by_code = instruments_of(organization_id)
        self.by_uuid = {str(row.uuid): row for row in self.by_code.values()}

    def named(self, name: str) -> Instrument:
        """Return the instrument with this code or UUID, that of a gauge from its first use on; Invalid where there is none."""
        found = self.by_code.get(name) or self.by_uuid.get(name.lower())
        if found is None and (found := ship_gauge(self.organization_id, name)):
            self.by_code[name] = found
        if found is None:
            raise Invalid("There is no such instrument.", "instrument")
        return found


def instruments_of(organization_id: int) -> dict[str, Instrument]:
    """Return the organization's instruments that are not archived, by code."""
    rows = Instrument.objects.filter(organization_id=organization_id, deleted_at=None)
    return {row.code: row for row in rows}


def ship_gauge(organization_id: int, code: str) -> Instrument | None:
    """Make the instrument of a gauge that comes with the product; None for other codes, and where it was archived."""
    if code not in GAUGES:
        return None
    # Two patients may be the first to use it at one moment: the second one waits, and finds it made.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    rows = Instrument.objects.filter(organization_id=organization_id, code=code)
    if rows.exists():
        return rows.filter(deleted_at=None).first()
    name, least, most = GAUGES[code]
    values: dict[str, Any] = {"code": code, "unit": "{score}", "scale_min": Decimal(least), "scale_max": Decimal(most)}
    return create_catalog_row(actor=Actor.system("gauges"), model=Instrument, organization=organization, name=name, **values)
