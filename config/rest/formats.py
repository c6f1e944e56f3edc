"""How ids, dates and times are written: read strictly, in one form each."""

import datetime
import re
from uuid import UUID

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_A_DAY = datetime.timedelta(days=1)
_EARLIEST = datetime.datetime.min.replace(tzinfo=datetime.UTC) + _A_DAY
# Between these every clock can show a moment: offsets reach almost a day either way.
_LATEST = datetime.datetime.max.replace(tzinfo=datetime.UTC) - _A_DAY


def parse_uuid(text: object) -> UUID | None:
    """Return the UUID that `text` writes in canonical hyphenated form, either case; None for anything else."""
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def parse_date(text: object) -> datetime.date | None:
    """Return the date that `text` writes as YYYY-MM-DD; None for anything else."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def parse_date_time(text: object) -> datetime.datetime | None:
    """Return the moment that `text` writes as RFC 3339 has it, with an offset; None for anything else.

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
    """Return the time of day that `text` writes as HH:MM[:SS[.ffffff]], without an offset; None for anything else."""
    return datetime.time.fromisoformat(text) if isinstance(text, str) and _TIME.fullmatch(text) else None
