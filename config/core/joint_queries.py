"""Several querysets as one statement: a page that shows many kinds of rows asks once, however many they are."""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.db import connections
from django.db.models import QuerySet

from config.core.caching import cached
from config.core.compiled_queries import BoundQuery, CompiledQuery, fetch_together, reading


class Asked(NamedTuple):
    """Rows to fetch, and the names of the fields and annotations that are wanted of each."""

    rows: QuerySet
    columns: tuple[str, ...]


def fetch_jointly(asked: Mapping[str, Asked], using: str = "default") -> dict[str, list[Any]]:
    """Return the rows of each queryset as named tuples, every value as the model's field gives it.

    All of them are one statement and show one moment. Binary columns cannot be asked for: SQLite passes the rows as JSON.
    """
    queries = [BoundQuery(CompiledQuery(one.rows.values_list(*one.columns)), ()) for one in asked.values()]
    if connections[using].vendor == "postgresql":
        fetched = fetch_together(queries, using)
    else:
        fetched = _fetch_as_json(queries, [len(one.columns) for one in asked.values()], using)
    return {
        name: [_row(one.columns)._make(row) for row in rows] for (name, one), rows in zip(asked.items(), fetched, strict=True)
    }


@cached
def _row(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns)


def _fetch_as_json(queries: Sequence[BoundQuery], widths: Sequence[int], using: str) -> list[list[tuple]]:
    """Fetch each query, which has so many columns, as one array of arrays."""
    # A query that can find nothing is not run.
    run = [(bound, width) for bound, width in zip(queries, widths, strict=True) if bound.query.sql]
    if not run:
        return [[] for _ in queries]
    arrays = ", ".join(_json_array(bound.query.sql, width) for bound, width in run)
    with reading(using) as cursor:
        cursor.execute(f"SELECT {arrays}", [value for bound, _ in run for value in bound.driver_parameters()])
        texts = iter(cursor.fetchone())
    return [bound.converted(orjson.loads(next(texts))) if bound.query.sql else [] for bound in queries]


def _json_array(sql: str, width: int) -> str:
    """Return SQL for the rows of `sql` as JSON. Their columns are numbered, because two may have the same name."""
    columns = ", ".join(f"c{number}" for number in range(width))
    return f"(WITH part ({columns}) AS ({sql}) SELECT json_group_array(json_array({columns})) FROM part)"  # noqa: S608
