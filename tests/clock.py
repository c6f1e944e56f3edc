"""A clock that tests move, and the one that moves by itself."""

import datetime

import pytest
from django.db import models
from django.utils import timezone

from config.core.databases import database_clock


class Clock:
    """The program's clock, which stands still until it is moved.

    The database has a clock of its own, which nobody moves: what it dates, of the models in `dated`, is
    given the time of this clock when that moves on. Stories are told in the past, as a report ends
    at the database's present.
    """

    def __init__(self, patch: pytest.MonkeyPatch, now: datetime.datetime, dated: tuple[type[models.Model], ...] = ()):
        self.now, self.dated = now, dated
        patch.setattr(timezone, "now", lambda: self.now)

    def move(self, to: datetime.datetime) -> None:
        """Make it `to`, which lies later than any moment before."""
        self.settle()
        self.now = to

    def settle(self) -> None:
        """Date what was made since the last move."""
        for model in self.dated:
            model._base_manager.filter(created_at__gt=self.now).update(created_at=self.now)


def moment(text: str) -> datetime.datetime:
    """Return the moment that an answer or an example shows. As a text a whole second is later than its milliseconds."""
    return datetime.datetime.fromisoformat(text)


def wait_for_the_next_moment() -> None:
    """Wait until the clock of the database has moved: SQLite's has milliseconds, in which two events may stand side by side."""
    before = database_clock()
    while database_clock() == before:
        pass
