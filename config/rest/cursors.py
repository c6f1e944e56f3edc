"""Keyset pages: positions in an ordered list, carried by signed cursors."""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, QuerySet

from config.databases import Param, RowAfter, horizon
from config.rest.reading import Criterion, Plan, Query

_MAC = 16


class BadCursor(Exception):
    """Not a cursor, or one that was made for another list, caller or set of filters."""


def sign(position: list, binding: str) -> str:
    """Return `position` as an opaque cursor that is good for `binding` only."""
    text = json.dumps(position, separators=(",", ":")).encode()
    return _spelled(_mac(text, binding) + text)


def unsign(cursor: str, binding: str) -> list:
    """Return the position that `sign` put into `cursor`, BadCursor for anything else."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
    mac, text = data[:_MAC], data[_MAC:]
    # Base64 has several spellings of the same bytes: only ours is taken.
    if not hmac.compare_digest(mac, _mac(text, binding)) or _spelled(data) != cursor:
        raise BadCursor
    return json.loads(text)


def _spelled(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(text: bytes, binding: str) -> bytes:
    return hmac.digest(settings.CURSOR_KEY.encode(), binding.encode() + b"|" + text, hashlib.sha256)[:_MAC]


@dataclass(frozen=True)
class Keyset:
    """An order by one NOT NULL column and the id. `by_creation` lists end at the horizon of open transactions."""

    column: str
    field: models.Field
    descending: bool = False
    by_creation: bool = False

    def turned(self, *, descending: bool) -> "Keyset":
        """Return the same order in the given direction."""
        return replace(self, descending=descending)

    def page(self, query: Query, plan: Plan, binding: str, cursor: str | None, size: int) -> "KeysetPage":
        """Fetch the page that `cursor` points to, the first one without a cursor."""
        backward, after = self._position(cursor, binding)
        flipped = self.descending != backward
        criteria = [*query.criteria, *self._after(after, flipped), *self._horizon()]
        order = tuple(f"{'-' if flipped else ''}{name}" for name in (self.column, "id"))
        rows = Query(query.model, criteria).rows(plan.columns.plus(**{self.column: self.column}), order, f" LIMIT {size + 1}")
        more = len(rows) > size
        rows = rows[:size][::-1] if backward else rows[:size]
        return KeysetPage(
            rows=rows,
            size=size,
            next=self._cursor("n", rows[-1], binding) if rows and (more or backward) else None,
            previous=self._cursor("p", rows[0], binding) if rows and (more if backward else cursor) else None,
            end=self._cursor("n", rows[-1], binding) if rows else None,
        )

    def _position(self, cursor: str | None, binding: str) -> tuple[bool, tuple | None]:
        if cursor is None:
            return False, None
        direction, key, pk = unsign(cursor, binding)
        return direction == "p", (self.field.to_python(key), pk)

    def _cursor(self, direction: str, row: tuple, binding: str) -> str:
        key = row[-1]
        return sign([direction, key.isoformat() if isinstance(key, datetime.datetime) else key, row[0]], binding)

    def _after(self, after: tuple | None, flipped: bool) -> list[Criterion]:
        if after is None:
            return []
        columns = [F(self.column), F("id")]
        markers = [Param("after.key", self.field), Param("after.id", models.BigIntegerField())]
        compare: Callable[[QuerySet], QuerySet] = lambda rows: rows.filter(  # noqa: E731
            RowAfter(columns, markers, descending=flipped)
        )
        values: Mapping[str, Any] = {"after.key": after[0], "after.id": after[1]}
        return [Criterion(("after", self.column, flipped), compare, values)]

    def _horizon(self) -> list[Criterion]:
        if not self.by_creation:
            return []
        below = {f"{self.column}__lt": Param("horizon", self.field)}
        return [Criterion("horizon", lambda rows: rows.filter(**below), {"horizon": horizon()})]


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
