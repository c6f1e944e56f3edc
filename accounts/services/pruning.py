"""What `manage.py prune` deletes of the tables of later apps, which add it here."""

import datetime
from collections.abc import Callable, Iterator

from django.db.models import QuerySet

Expired = Callable[[datetime.datetime], QuerySet]

_expired: dict[str, Expired] = {}


def add_expired(what: str, rows: Expired) -> None:
    """Let `rows(now)`, called `what`, be deleted by every run."""
    _expired[what] = rows


def expired_rows(now: datetime.datetime) -> Iterator[tuple[str, QuerySet]]:
    """Yield what is to be deleted: how it is called, and its rows."""
    for what, rows in _expired.items():
        yield what, rows(now)
