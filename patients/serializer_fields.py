"""Serializer fields of patients that the dialects and the reports share: identity numbers, age, public status."""

import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import UserStatus
from accounts.permissions import READS_IDENTITY_NUMBERS, READS_MASKED_NUMBERS
from accounts.scope import Actor
from config.core.dates import today_at
from config.core.encryption import unseal
from config.rest.compiled.plans import Computed
from patients.ages import age_in_years, died_at
from patients.models import Status


class IdentityNumber(Computed):
    """An encrypted number: in clear, its last four characters, or null, as the caller's role allows."""

    def __init__(self, name: str, **kwargs):
        self.name = name
        columns = (f"{name}_sealed", "uuid")
        super().__init__(self._value, columns, schema={"type": "string", "nullable": True}, **kwargs)

    def _value(self, actor: Actor, sealed: bytes | None, uuid: UUID) -> str | None:
        if sealed is None or actor.role not in READS_IDENTITY_NUMBERS | READS_MASKED_NUMBERS:
            return None
        number = unseal(sealed, f"patient.{self.name}", uuid)
        return number if actor.role in READS_IDENTITY_NUMBERS else masked(number)


def masked(number: str) -> str:
    """Return `number` with all but its last four characters hidden; a short one entirely."""
    return "*" * (len(number) - 4) + number[-4:] if len(number) > 4 else "*" * len(number)


def age_today(
    actor: Actor,
    born: datetime.date | None,
    zone: str,
    status: str,
    deceased_at: datetime.datetime | None,
    stopped_at: datetime.datetime | None,
) -> int | None:
    """Return the age in whole years today, or at death, in the organization's time zone."""
    return age_in_years(born, died_at(status, deceased_at, stopped_at), today_at(zone), ZoneInfo(zone))


class Age(Computed):
    """Age in whole years."""

    def __init__(self, **kwargs):
        columns = ("date_of_birth", "organization__timezone", "status", "date_time_deceased", "stopped_at")
        super().__init__(age_today, columns, schema={"type": "integer", "nullable": True}, **kwargs)


PUBLIC_STATUS: dict[str, str] = {
    Status.PROSPECTIVE: "created",
    Status.ACTIVE: "active",
    Status.INACTIVE: "stopped",
    Status.DECEASED: "stopped",
    Status.ARCHIVED: "stopped",
}


def public_status(actor: Actor, status: str, login: str | None) -> str:
    """Return a patient's status in the public API's words; a login that is blocked or cancelled outranks it."""
    return login if login in (UserStatus.BLOCKED, UserStatus.CANCELLED) else PUBLIC_STATUS[status]


def activation(activated: datetime.datetime | None, created: datetime.datetime) -> datetime.datetime | None:
    """Return when a patient became active, None for never.

    It is never before the creation, although two clocks tell them: that of the process, and that of the database.
    """
    return activated and max(activated, created)


RESTRICTED_ABOVE = Decimal(500)


def scheduling_restricted(actor: Actor, status: str, balance: Decimal) -> bool:
    """Tell whether no appointment should be made: the patient is inactive or owes more than 500."""
    return status == Status.INACTIVE or balance > RESTRICTED_ABOVE
