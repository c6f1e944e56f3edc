"""How ids, dates, times and booleans are written: what is meant has to be clear, and is read in each usual form."""

import datetime
import re
from uuid import UUID

_OFFSET = r"([Zz]|[+-]\d{2}(:?\d{2})?)"
_DATE = re.compile(rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}})([Tt ]00:00(:00(\.0+)?)?{_OFFSET}?)?", re.ASCII)
_DATE_TIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?{_OFFSET}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_A_DAY = datetime.timedelta(days=1)
_EARLIEST = datetime.datetime.min.replace(tzinfo=datetime.UTC) + _A_DAY
# Between these every clock can show a moment: offsets reach almost a day either way.
_LATEST = datetime.datetime.max.replace(tzinfo=datetime.UTC) - _A_DAY
_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True) | dict.fromkeys(
    ("false", "0", "no", "off", "f", "n"), False
)


def parse_uuid(text: object) -> UUID | None:
    """Return the UUID that `text` writes in canonical hyphenated form, either case; None for anything else."""
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def parse_date(text: object) -> datetime.date | None:
    """Return the date that `text` writes as YYYY-MM-DD; None for anything else.

    Midnight behind it, as clients write who have no type for dates alone, means nothing: the day is the one that is
    written, whatever the offset.
    """
    written = _DATE.fullmatch(text) if isinstance(text, str) else None
    if written is None:
        return None
    try:
        return datetime.date.fromisoformat(written["day"])
    except ValueError:
        return None


def parse_date_time(text: object) -> datetime.datetime | None:
    """Return the moment that `text` writes as RFC 3339 has it, with an offset; None for anything else.

    The offset may also be written +0100 or +01. Fractions of a second are cut to microseconds.

    A moment that some time zone cannot represent is refused: nobody could read back what was stored.
    """
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None


def parse_time(text: object) -> datetime.time | None:
    """Return the time of day that `text` writes as HH:MM[:SS[.f…]], without an offset; None for anything else.

    Fractions of a second are cut to microseconds.
    """
    return datetime.time.fromisoformat(text) if isinstance(text, str) and _TIME.fullmatch(text) else None


def parse_boolean(text: str) -> bool | None:
    """Return what `text` says in one of the usual words, in any case: true, 1, yes, on, and their opposites; None for others."""
    return _BOOLEANS.get(text.lower())
