"""Calendar days: today in a time zone, and the years between two days."""

import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def today_at(zone: str) -> datetime.date:
    """Return today's date in the IANA time zone `zone`."""
    return timezone.now().astimezone(ZoneInfo(zone)).date()


def start_of_today(zone: str) -> datetime.datetime:
    """Return the moment at which today began in the IANA time zone `zone`."""
    return datetime.datetime.combine(today_at(zone), datetime.time.min, ZoneInfo(zone))


def years_before(day: datetime.date, years: int) -> datetime.date:
    """Return the day `years` years before `day`; 29 February becomes 28 February in years that lack it."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def age_on(day: datetime.date, born: datetime.date) -> int:
    """Return the age in whole years on `day`. A person born on 29 February has their birthday on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
