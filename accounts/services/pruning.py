"""What `manage.py prune` removes of the tables of later apps, which add it here."""

import datetime
from collections.abc import Callable, Mapping

from django.db.models import QuerySet

from config.core.bulk_writes import WriteTurns

# Rows in one transaction.
CHUNK = 1_000
# Removes what is past its time at a moment, and returns of how many rows.
Removal = Callable[[datetime.datetime], int]

_removals: dict[str, Removal] = {}


def add_removal(what: str, removal: Removal) -> None:
    """Let every run remove what is called `what`."""
    _removals[what] = removal


def removals() -> Mapping[str, Removal]:
    """Return what was added, by how it is called."""
    return _removals


def delete_in_turns(rows: QuerySet) -> int:
    """Delete `rows` in chunks, so that no other transaction waits long, and return how many there were."""
    deleted, turns = 0, WriteTurns()
    while chunk := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        with turns.turn():
            rows.model._base_manager.filter(pk__in=chunk).delete()
        deleted += len(chunk)
    return deleted
