"""Keyset pages: positions in an ordered list, carried by sealed cursors."""

import base64
import binascii
import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models
from django.db.models import F, QuerySet
from django.utils import timezone

from config.core.compiled_queries import parameter
from config.core.databases import RowAfter, change_horizon, horizon
from config.core.orm import has_column
from config.rest.compiled.plans import ResponsePlan
from config.rest.compiled.queries import Criterion, Query

_NONCE = 12


# The cursor at the end of a list whose rows are kept for a while stays so far behind the horizon. A clock that is put back,
# or that of a server which takes over, would otherwise date rows before it. SQLite has no horizon: whoever holds its only
# write lock for so long has made all others fail long before.
BEHIND = datetime.timedelta(hours=1)
# Who begins at the oldest row that is shown has so long to go on.
GRACE = datetime.timedelta(days=1)
# Before every change.
START = (datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC), 0)


class BadCursor(Exception):
    """Not a cursor, or one that was made for another list, caller or set of filters."""


class ExpiredCursor(Exception):
    """A cursor that points further back than rows are kept: what followed it may be gone."""


class OutdatedCursor(Exception):
    """A cursor that was made for a caller who saw other rows: what follows it does not lead from those to these."""


def write_cursor(position: list, binding: str) -> str:
    """Return `position` as a cursor that is good for `binding` only.

    It is encrypted, not only signed: a position in a list by name is a name, and cursors travel in addresses.
    """
    nonce = os.urandom(_NONCE)
    text = json.dumps(position, separators=(",", ":")).encode()
    return _encoded(nonce + _cipher(settings.CURSOR_KEY).encrypt(nonce, text, binding.encode()))


def read_cursor(cursor: str, binding: str) -> list:
    """Return the position that `write_cursor` put into `cursor`, BadCursor for anything else."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text = _cipher(settings.CURSOR_KEY).decrypt(data[:_NONCE], data[_NONCE:], binding.encode())
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise BadCursor from error
    # Base64 has several spellings of the same bytes: only ours is taken.
    if _encoded(data) != cursor:
        raise BadCursor
    return json.loads(text)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(key.encode()).digest())


class Positioned(Protocol):
    """Rows of a walk. `last` is the position (sort key, id) of the last one, None where nothing follows."""

    @property
    def last(self) -> tuple | None: ...


Part = TypeVar("Part", bound=Positioned)


@dataclass(frozen=True)
class Keyset:
    """An order by one NOT NULL column and the id. `by_creation` lists end at the horizon of open transactions.

    `kept` is how long their rows are shown. A cursor that is older by more than GRACE raises ExpiredCursor, so that rows may
    be removed a day later; the one at the end of the list moves on with time. Such lists are read forwards only.

    `by_change` lists are those by the moment at which rows have changed, in which a row that changes moves to the end. They
    are read forwards only, too, and end at the horizon; a cursor leads on from every page. `seen` says which rows the caller
    may see; a cursor that was made with another raises OutdatedCursor.

    Where no index serves the order, `candidates` makes of a value of the column a condition that all rows from there on meet,
    and by which indexes find most of the others not to.
    """

    column: str
    field: models.Field
    descending: bool = False
    by_creation: bool = False
    kept: datetime.timedelta | None = None
    by_change: bool = False
    seen: str | None = None
    candidates: Callable[[Any], Criterion] | None = None

    def directed(self, *, descending: bool) -> "Keyset":
        """Return the same order in the given direction."""
        return replace(self, descending=descending)

    def page(self, query: Query, plan: ResponsePlan, binding: str, cursor: str | None, size: int) -> "KeysetPage":
        """Fetch the page that `cursor` points to, the first one without a cursor."""
        backward, after = self._position(cursor, binding)
        reverse = self.descending != backward
        end = self._horizon()
        order, criteria = self._columns(reverse), [*self._after(after, reverse), *self._below(end)]
        rows = query.filter(*criteria).first_rows(plan.columns.plus(self.column), order, size + 1, size)
        more = len(rows) > size
        rows = rows[:size][::-1] if backward else rows[:size]
        return KeysetPage(
            rows=rows,
            size=size,
            next=self._cursor("n", rows[-1], binding) if rows and (more or backward) else None,
            previous=self._cursor("p", rows[0], binding) if rows and (more if backward else cursor) else None,
            end=self._end(rows, after, None if more else end, binding),
        )

    def walk(self, query: Query, read: Callable[[Query], Part]) -> Iterator[Part]:
        """Yield all rows of `query` in this order, by parts: those below the horizon when the walk began.

        `read` takes the query of all that is left, and returns the first rows of it with the position of the last.
        SQLite has no horizon: what arrives during the walk is at its end.
        """
        query = query.filter(*self._below(self._horizon()))
        part = read(query)
        yield part
        while part.last:
            part = read(query.filter(*self._after(part.last, self.descending)))
            yield part

    @property
    def columns(self) -> tuple[str, ...]:
        """The order as `QuerySet.order_by` takes it."""
        return self._columns(self.descending)

    def _columns(self, descending: bool) -> tuple[str, ...]:
        sign = "-" if descending else ""
        return (f"{sign}{self.column}", f"{sign}id")

    def _horizon(self) -> datetime.datetime | None:
        if self.by_change:
            return change_horizon()
        return horizon() if self.by_creation else None

    def _position(self, cursor: str | None, binding: str) -> tuple[bool, tuple | None]:
        oldest = timezone.now() - self.kept if self.kept else None
        if cursor is None:
            return False, (oldest, 0) if oldest else None
        direction, key, pk, *seen = read_cursor(cursor, binding)
        if seen != self._seen:
            raise OutdatedCursor
        value = self.field.to_python(key)
        if oldest and value < oldest - GRACE:
            raise ExpiredCursor
        return direction == "p", (value, pk)

    def _end(self, rows: list[tuple], after: tuple | None, end: datetime.datetime | None, binding: str) -> str | None:
        """Return the cursor that goes on after `rows`, which follow `after`; `end` is the horizon if they are the last."""
        positions = [(rows[-1][-1], rows[-1][0])] if rows else []
        if self.by_change:
            positions += [after or START]
        if self.kept:
            positions += [after] if after else []
            positions += [(min(end, timezone.now()) - BEHIND, 0)] if end else []
        return self._cursor_at("n", *max(positions), binding) if positions else None

    def _cursor(self, direction: str, row: tuple, binding: str) -> str:
        return self._cursor_at(direction, row[-1], row[0], binding)

    def _cursor_at(self, direction: str, key: Any, pk: int, binding: str) -> str:
        value = key.isoformat() if isinstance(key, datetime.datetime) else key
        return write_cursor([direction, value, pk, *self._seen], binding)

    @property
    def _seen(self) -> list[str]:
        return [] if self.seen is None else [self.seen]

    def _after(self, position: tuple | None, descending: bool) -> list[Criterion]:
        if position is None:
            return []
        candidates = [self.candidates(position[0])] if self.candidates else []
        return [*candidates, After(self.column, self.field, descending, *position)]

    def _below(self, end: datetime.datetime | None) -> list[Criterion]:
        return [] if end is None else [BelowHorizon(self.column, self.field, end)]


@dataclass(frozen=True)
class After(Criterion):
    """The rows that follow the position (`value` of the column, `id`) in an order by `column` and id."""

    column: str
    field: models.Field
    descending: bool
    value: Any = parameter("field")
    id: Any = parameter(models.BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(RowAfter([F(self.column), F("id")], [self.value, self.id], descending=self.descending))

    def applies_to(self, model: type[models.Model]) -> bool:
        return has_column(model, self.column)


@dataclass(frozen=True)
class BelowHorizon(Criterion):
    """The rows that were made before the `horizon`."""

    column: str
    field: models.Field
    horizon: Any = parameter("field")

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{f"{self.column}__lt": self.horizon})

    def applies_to(self, model: type[models.Model]) -> bool:
        return has_column(model, self.column)


@dataclass(frozen=True)
class KeysetPage:
    """A page's rows (columns of the plan, then the sort key) and the cursors that lead on from it.

    `end` is the cursor after the last row, also where nothing follows yet.
    """

    rows: list[tuple]
    size: int
    next: str | None
    previous: str | None
    end: str | None
