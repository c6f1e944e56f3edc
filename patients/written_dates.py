"""Dates of birth as people write them, turned into patterns of the ISO dates that search texts hold."""

import calendar
import re
from collections.abc import Iterator
from typing import NamedTuple

from config.core.written_dates import month_named

_GAP = r"[ ./-]{1,2}"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?"
_FORMS = [
    re.compile(rf"(?<!\S)(?:{form})(?!\S)", re.ASCII)
    for form in (
        rf"(?P<first>\d\d?)(?P<sign>[./-])(?P<second>\d\d?)(?P=sign){_YEAR}",
        r"(?P<first>\d\d)(?P<second>\d\d)(?P<year>\d{4})",
        r"(?P<year>\d{4})(?P<sign>[./-])(?P<month>\d\d?)(?:(?P=sign)(?P<day>\d\d?))?",
        r"(?P<month>\d\d?)[./-](?P<year>\d{4})",
        rf"{_DAY}{_GAP}(?P<name>[a-z]{{3,9}})\.?(?:{_GAP}{_YEAR})?",
        rf"(?P<name>[a-z]{{3,9}})\.?{_GAP}{_DAY}{_GAP}{_YEAR}",
        rf"(?P<name>[a-z]{{3,9}})\.?{_GAP}(?P<year>\d{{4}})",
    )
]


class WrittenDate(NamedTuple):
    """Where a date stands in a text, and the LIKE patterns of the days that it may mean: of 3-4-1957 in March and in April."""

    start: int
    end: int
    patterns: tuple[str, ...]


def written_dates(text: str) -> list[WrittenDate]:
    """Return the dates in the folded `text`, whose words are separated by single blanks.

    Months are numbers or names in the languages of the platform, also shortened to three letters or more. Of two numbers
    either may be the month. A year of two digits is one of any century; a date may lack its day or its year. The fuller form
    wins: 4 jan 1957 is not also Jan 1957.
    """
    dates: list[WrittenDate] = []
    for match in (match for form in _FORMS for match in form.finditer(text)):
        if all(match.end() <= date.start or date.end <= match.start() for date in dates):
            dates.append(WrittenDate(match.start(), match.end(), tuple(_patterns(match))))
    return dates


def _patterns(match: re.Match[str]) -> Iterator[str]:
    parts = {"year": "", "day": "", **match.groupdict()}
    for month, day in _months_and_days(parts):
        year = int(parts["year"]) if len(parts["year"] or "") == 4 else 2000
        if 1 <= month <= 12 and (day is None or 1 <= day <= calendar.monthrange(max(year, 1), month)[1]):
            yield f"%{(parts['year'] or '').rjust(4, '_')}-{month:02}-{'__' if day is None else f'{day:02}'}%"


def _months_and_days(parts: dict[str, str | None]) -> list[tuple[int, int | None]]:
    """Return the (month, day) that the parts of a date may mean, possible or not; the month first comes first."""
    if first := parts.get("first"):
        one, two = int(first), int(str(parts["second"]))
        return [(one, two)] if one == two else [(one, two), (two, one)]
    month = _month_called(str(parts["name"])) if parts.get("name") else int(str(parts["month"]))
    return [(month, int(parts["day"]) if parts["day"] else None)]


def _month_called(word: str) -> int:
    """Return the number of the month that `word` names or begins to name, 0 if none, or more than one."""
    try:
        return month_named(word)
    except ValueError:
        return 0
