"""Days and times of day as people write them, and the moments that a local time stands for. Pure functions."""

import datetime
import re
from functools import cache
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.formats import date_format
from django.utils.translation import override

from config.core.text import fold

# ISO 3166-1, where the month comes before the day: the United States and those that have its customs.
MONTH_FIRST = frozenset({"AS", "FM", "GU", "MH", "MP", "PH", "PR", "PW", "UM", "US", "VI"})
# The languages whose names of months are read: those of the monitoring platform.
LANGUAGES = ("en", "nl", "de", "fr")

_BESIDE_TODAY = {"yesterday": -1, "today": 0, "tomorrow": 1, "gisteren": -1, "vandaag": 0, "morgen": 1}
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,2})[-/.\s](\d{1,2})[-/.\s](\d{4}|\d\d)", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-.\s]*([a-z]+)[-.,\s]*(\d{4}|\d\d)", re.ASCII)
_MONTH_DAY = re.compile(r"([a-z]+)[-.\s]*(\d{1,2})(?:st|nd|rd|th)?[-.,\s]+(\d{4}|\d\d)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?(?::\d{2})?\s*(am|pm|a\.m\.|p\.m\.)?", re.ASCII)


def read_day(text: str, country: str = "", latest: datetime.date | None = None) -> datetime.date:
    """Return the day that `text` names: 30 Nov 2026, Nov 30, 2026, 2026-11-30, and 11/30/2026 or 30-11-2026.

    Which of two numbers is the month depends on the `country` (ISO 3166-1), unless only one of them can be. A year of two
    digits is read where the day is known to be none after `latest`: 6 Aug 59 is in 1959. Raises ValueError.
    """
    text = fold(text)
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
        return datetime.date(year, month, day)
    if found := _NUMBERS.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        month, day = (first, second) if _month_is_first(first, second, country) else (second, first)
        return _day(found[3], month, day, latest)
    if found := _DAY_MONTH.fullmatch(text):
        return _day(found[3], month_named(found[2]), int(found[1]), latest)
    if found := _MONTH_DAY.fullmatch(text):
        return _day(found[3], month_named(found[1]), int(found[2]), latest)
    raise ValueError("This is not a day")


def read_day_near(text: str, today: datetime.date, country: str = "") -> datetime.date:
    """Return the day that `text` names, as `read_day` does; also "today", "tomorrow", "yesterday", and a day without its year,
    which is the one next to `today`. Raises ValueError.
    """
    words = fold(text)
    if words in _BESIDE_TODAY:
        return today + datetime.timedelta(days=_BESIDE_TODAY[words])
    try:
        return read_day(text, country)
    except ValueError:
        days = [read_day(f"{text} {year}", country) for year in (today.year - 1, today.year, today.year + 1)]
        return min(days, key=lambda day: abs(day - today))


def _day(year: str, month: int, day: int, latest: datetime.date | None) -> datetime.date:
    if len(year) == 4:
        return datetime.date(int(year), month, day)
    if latest is None:
        raise ValueError("The century is not known")
    century = latest.year - latest.year % 100
    if (century + int(year), month, day) > (latest.year, latest.month, latest.day):
        century -= 100
    return datetime.date(century + int(year), month, day)


def _month_is_first(first: int, second: int, country: str) -> bool:
    return first <= 12 if country in MONTH_FIRST else second > 12


def month_named(word: str) -> int:
    """Return the month that `word` names or begins to name. Raises ValueError if none, or more than one."""
    found = {number for name, number in _months() if name == word or (len(word) >= 3 and name.startswith(word))}
    if len(found) != 1:
        raise ValueError("This is not a month")
    return found.pop()


@cache
def _months() -> frozenset[tuple[str, int]]:
    """Return (folded name or abbreviation, number) of the months in LANGUAGES."""
    found = set()
    for language in LANGUAGES:
        with override(language):
            found |= {(fold(str(name)), number) for names in (MONTHS, MONTHS_3) for number, name in names.items()}
    # The French abbreviate June and July by the same three letters; Mrz is what German spreadsheets show.
    return frozenset(found - {("jui", 6), ("jui", 7)} | {("sept", 9), ("mrz", 3)})


def written_day(day: datetime.date) -> str:
    """Return `day` as pages show it: 30 Nov 2026, in Dutch 30 nov 2026."""
    return date_format(day, "DATE_FORMAT")


def read_clock(text: str) -> datetime.time:
    """Return the time of day that `text` names: 9:42, 09.42, 0942, 9h42, 9, 9:42 pm. Raises ValueError."""
    found = _CLOCK.fullmatch(fold(text))
    if not found:
        raise ValueError("This is not a time of day")
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "")[:1]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("There is no such hour")
        hour = hour % 12 + (12 if half == "p" else 0)
    return datetime.time(hour, minute)


def moments_at(day: datetime.date, clock: datetime.time, zone: datetime.tzinfo) -> list[datetime.datetime]:
    """Return the moments at which clocks in `zone` show `clock` on `day`: none where it is skipped, two where it comes twice."""
    local = datetime.datetime.combine(day, clock)
    both = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    shown = [moment.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None) for moment in both]
    if local not in shown:
        return []
    return both if both[0].utcoffset() != both[1].utcoffset() else both[:1]


def zone_name(zone: datetime.tzinfo, at: datetime.datetime | None = None) -> str:
    """Return what people call `zone` at a moment, such as EST; its place where it has no letters of its own."""
    moment = (at or datetime.datetime.now(datetime.UTC)).astimezone(zone)
    name = moment.tzname() or ""
    place = zone.key if isinstance(zone, ZoneInfo) else str(zone)
    return name if name.isalpha() else place
