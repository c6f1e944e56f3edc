"""Invented patients: families of one to eight with one address and one guarantor, of all ages."""

import datetime
import random
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.seed.names import drawn
from bench.seed.organizations import Clinic

# The day on which the bench's clinics were closed for new data: runs on different days measure the same rows.
LAST_DAY = datetime.date(2026, 1, 1)
YEARS_OPEN = 8
LAST_MOMENT = datetime.datetime.combine(LAST_DAY, datetime.time(), datetime.UTC)
# Shares of families with one member, two, and so on; of adults in ten-year steps from 20 to 100.
FAMILY_SIZES = (28, 34, 15, 13, 6, 2.5, 1, 0.5)
ADULT_AGES = (16, 18, 17, 16, 15, 11, 6, 1)
STATUSES = {"active": 80, "inactive": 12, "prospective": 4, "deceased": 2, "archived": 2}
CITIES = (("Springfield", "MA", "01101"), ("Riverton", "NJ", "08077"), ("Georgetown", "TX", "78626"), ("Salem", "OR", "97301"))
STREETS = ("Main Street", "Oak Avenue", "Church Road", "Mill Lane", "Second Street", "Park Place", "Lake Drive", "Hill Road")
# Columns of Patient -> catalog, and the share of patients who have one.
CATALOGS = {
    "primary_provider_id": ("Provider", 0.95),
    "secondary_provider_id": ("Provider", 0.3),
    "location_id": ("Location", 0.97),
    "care_group_id": ("CareGroup", 0.9),
    "fee_schedule_id": ("FeeSchedule", 0.8),
    "billing_type_id": ("BillingType", 0.8),
    "employer_id": ("Employer", 0.45),
}


class Family(NamedTuple):
    """What the members of a family share."""

    last_name: str
    home_phone: str | None
    address: dict[str, str]
    guarantor: int


def uuid_at(moment: datetime.datetime, chance: random.Random) -> uuid.UUID:
    """Return a time-ordered UUID (version 7) as a row has that was made at `moment`."""
    value = int(moment.timestamp() * 1000) << 80 | chance.getrandbits(80)
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


class People:
    """Draws the patients of a clinic."""

    def __init__(self, clinic: Clinic, chance: random.Random):
        self.clinic, self.chance = clinic, chance
        self.names = {kind: drawn(kind, chance) for kind in ("female", "male", "last")}

    def patients(self, first: int, count: int, share_before: float, share: float) -> Iterator[dict[str, Any]]:
        """Yield the columns of `count` patients with ids from `first` on, without those that derive from others.

        They came to the clinic in order, from `share_before` of the years it is open, for `share` of them.
        """
        years = datetime.timedelta(days=365 * YEARS_OPEN)
        opened, step = LAST_MOMENT - years * (1 - share_before), years * share / count
        made = 0
        while made < count:
            size = min(self.chance.choices(range(1, 9), FAMILY_SIZES)[0], count - made)
            family = self.family(first + made)
            for place in range(size):
                yield self.patient(first + made, family, place, opened + step * made)
                made += 1

    def family(self, guarantor: int) -> Family:
        city, state, postal_code = self.chance.choice(CITIES)
        line = f"{self.chance.randrange(1, 2000)} {self.chance.choice(STREETS)}"
        address = {"address_line1": line, "city": city, "state": state, "postal_code": postal_code, "country": "US"}
        return Family(next(self.names["last"]), self.phone() if self.chance.random() < 0.4 else None, address, guarantor)

    def phone(self) -> str:
        digits = self.chance.randrange(2_000_000, 9_999_999)
        return f"(212) {digits // 10_000}-{digits % 10_000:04}"

    def patient(self, pk: int, family: Family, place: int, created: datetime.datetime) -> dict[str, Any]:
        """Return a member of `family`; `place` 0 is the guarantor, 1 the other adult, and the rest are children."""
        chance = self.chance
        gender = chance.choice(("female", "male"))
        first = next(self.names[gender])
        last = family.last_name if chance.random() < 0.9 else next(self.names["last"])
        status = chance.choices(list(STATUSES), list(STATUSES.values()))[0]
        changed = min(created + datetime.timedelta(days=chance.expovariate(1 / 300)), LAST_MOMENT)
        return {
            "id": pk,
            "uuid": uuid_at(created, chance),
            "organization_id": self.clinic.organization,
            "created_at": created,
            "updated_at": changed,
            "deleted_at": changed if status == "archived" else None,
            "version": chance.choice((1, 1, 1, 2, 3)),
            "status": status,
            "first_name": first,
            "middle_name": next(self.names[gender]) if chance.random() < 0.4 else None,
            "last_name": last,
            "preferred_name": first[:3] if chance.random() < 0.1 else None,
            "date_of_birth": self.born(place),
            "date_time_deceased": changed if status == "deceased" else None,
            "gender": gender,
            "sex": gender,
            "chart_number": f"C{pk:07}",
            "email": f"{first}.{last}{pk}@example.org".lower().replace(" ", "") if chance.random() < 0.75 else None,
            "home_phone": family.home_phone,
            "mobile_phone": self.phone() if place < 2 or chance.random() < 0.2 else None,
            **family.address,
            **{name: self.row_of(catalog, share) for name, (catalog, share) in CATALOGS.items()},
            "responsible_party_id": family.guarantor if family.guarantor != pk else None,
            "medical_urgent_note": "Latex allergy: use the blue cart." if chance.random() < 0.02 else None,
            "treatment_notes": "Prefers mornings. " * chance.randrange(1, 6) if chance.random() < 0.4 else None,
            "date_first_visit": created.date(),
            "receives_email": chance.random() < 0.5,
            "balance_total": chance.choice((0, 0, 0, 0, 25, 120, 640)),
            "activated_at": None if status == "prospective" else created,
            "stopped_at": changed if status in ("inactive", "deceased", "archived") else None,
        }

    def born(self, place: int) -> datetime.date:
        chance = self.chance
        decade = chance.choices(range(20, 100, 10), ADULT_AGES)[0] if place < 2 else chance.choice((0, 10))
        return LAST_DAY - datetime.timedelta(days=round(365.25 * (decade + chance.random() * 9.9)) + 1)

    def row_of(self, catalog: str, share: float) -> int | None:
        return self.chance.choice(self.clinic.catalogs[catalog]) if self.chance.random() < share else None
