"""Keyset pages: positions in an ordered list, carried by sealed cursors."""

import base64
import binascii
import datetime
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models
from django.db.models import F, QuerySet

from config.core.compiled_queries import parameter
from config.core.databases import RowAfter, horizon
from config.rest.compiled.plans import ResponsePlan
from config.rest.compiled.queries import Criterion, Query

_NONCE = 12


class BadCursor(Exception):
    """Not a cursor, or one that was made for another list, caller or set of filters."""


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


@dataclass(frozen=True)
class Keyset:
    """An order by one NOT NULL column and the id. `by_creation` lists end at the horizon of open transactions."""

    column: str
    field: models.Field
    descending: bool = False
    by_creation: bool = False

    def directed(self, *, descending: bool) -> "Keyset":
        """Return the same order in the given direction."""
        return replace(self, descending=descending)

    def page(self, query: Query, plan: ResponsePlan, binding: str, cursor: str | None, size: int) -> "KeysetPage":
        """Fetch the page that `cursor` points to, the first one without a cursor."""
        backward, after = self._position(cursor, binding)
        reverse = self.descending != backward
        order, criteria = self._columns(reverse), [*self._after(after, reverse), *self._below_horizon()]
        rows = query.filter(*criteria).rows(plan.columns.plus(self.column), order, f" LIMIT {size + 1}")
        more = len(rows) > size
        rows = rows[:size][::-1] if backward else rows[:size]
        return KeysetPage(
            rows=rows,
            size=size,
            next=self._cursor("n", rows[-1], binding) if rows and (more or backward) else None,
            previous=self._cursor("p", rows[0], binding) if rows and (more if backward else cursor) else None,
            end=self._cursor("n", rows[-1], binding) if rows else None,
        )

    def walk(self, query: Query, plan: ResponsePlan, size: int) -> Iterator[list[tuple]]:
        """Yield all rows of `query` in this order, `size` at a time: those below the horizon when the walk began.

        SQLite has no horizon: what arrives during the walk is at its end.
        """
        query = query.filter(*self._below_horizon())
        columns, order = plan.columns.plus(self.column), self.columns
        rows: list[tuple] = []
        while not rows or len(rows) == size:
            after = self._after((rows[-1][-1], rows[-1][0]), self.descending) if rows else []
            rows = query.filter(*after).rows(columns, order, f" LIMIT {size}")
            if not rows:
                return
            yield rows

    @property
    def columns(self) -> tuple[str, ...]:
        """The order as `QuerySet.order_by` takes it."""
        return self._columns(self.descending)

    def _columns(self, descending: bool) -> tuple[str, ...]:
        sign = "-" if descending else ""
        return (f"{sign}{self.column}", f"{sign}id")

    def _position(self, cursor: str | None, binding: str) -> tuple[bool, tuple | None]:
        if cursor is None:
            return False, None
        direction, key, pk = read_cursor(cursor, binding)
        return direction == "p", (self.field.to_python(key), pk)

    def _cursor(self, direction: str, row: tuple, binding: str) -> str:
        key = row[-1]
        return write_cursor([direction, key.isoformat() if isinstance(key, datetime.datetime) else key, row[0]], binding)

    def _after(self, position: tuple | None, descending: bool) -> list[Criterion]:
        return [] if position is None else [After(self.column, self.field, descending, *position)]

    def _below_horizon(self) -> list[Criterion]:
        return [BelowHorizon(self.column, self.field, horizon())] if self.by_creation else []


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


@dataclass(frozen=True)
class BelowHorizon(Criterion):
    """The rows that were made before the `horizon`."""

    column: str
    field: models.Field
    horizon: Any = parameter("field")

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{f"{self.column}__lt": self.horizon})


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
