"""The age of a patient, which stops at death: the same in every dialect and on every page."""

import datetime

from config.core.dates import age_on
from patients.models import Status


def died_at(status: str, deceased_at: datetime.datetime | None, stopped_at: datetime.datetime | None) -> datetime.datetime | None:
    """Return when a patient has died, None for the living. A death of unknown time is taken for the day of its record."""
    return deceased_at or (stopped_at if status == Status.DECEASED else None)


def age_in_years(
    born: datetime.date | None, died: datetime.datetime | None, today: datetime.date, zone: datetime.tzinfo
) -> int | None:
    """Return the age in whole years `today`, or on the day of death in `zone`; None without a date of birth."""
    if born is None:
        return None
    return max(age_on(died.astimezone(zone).date() if died else today, born), 0)
