"""Rows, what they refer to, and what is written because of them, as one statement: where the database can.

PostgreSQL takes queries, look-ups by ids in their rows (`PageKeys`) and INSERTs made of their rows as the
parts of one WITH. They see one moment, and all of them are done or none. Each saves a round trip, which
costs more than most of these statements do. SQLite cannot, and has no round trips: there the callers run one
after the other.

What is not one row for one of the answer comes as an array for each column: psycopg reads those in C, and records in Python.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connections

from config.core.compiled_queries import BoundQuery, reading

PAGE = "page"
"""What the rows of `fetch_page` are called in the other parts of its statement; their columns are c0, c1, …"""


class Addition(NamedTuple):
    """What is written because of the rows of a statement.

    `sql` are further parts of its WITH, `columns` are expressions that are fetched beside the columns of each row.
    """

    sql: str
    parameters: Sequence[Any]
    columns: tuple[str, ...] = ()


def are_possible(using: str = "default") -> bool:
    """Tell whether the database has such statements."""
    return connections[using].vendor == "postgresql"


def fetch_page(
    page: BoundQuery, links: Sequence[BoundQuery] = (), addition: Addition | None = None
) -> tuple[list[tuple], list[list[tuple]]]:
    """Fetch the rows of `page`, each with the columns of `addition` behind its own, and those of each of `links`."""
    # The rows of the links come once, with the first row: without one there is nothing to refer to.
    arrays = [
        f"CASE WHEN row_number() OVER () = 1 THEN (SELECT array_agg({column}) FROM {name}) END"  # noqa: S608 - names of ours
        for name, link in _linked(links).items()
        for column in link.query.numbered_columns
    ]
    columns = ", ".join([f"{PAGE}.*", *(addition.columns if addition else ()), *arrays])
    rows = _run(f"SELECT {columns} FROM {PAGE}", {PAGE: page}, links, addition)  # noqa: S608 - compiled SQL
    if not arrays:
        return page.query.converted(rows), [[] for _ in links]
    found = iter(rows[0][-len(arrays) :] if rows else [None] * len(arrays))
    return page.query.converted([row[: -len(arrays)] for row in rows]), [_rows(link, found) for link in links]


def fetch_pages(
    pages: Mapping[str, BoundQuery], links: Sequence[BoundQuery] = (), addition: Addition | None = None
) -> tuple[dict[str, list[tuple]], list[list[tuple]]]:
    """Fetch the rows of several `pages`, which go by their names in the statement, and those of each of `links`."""
    arrays = [
        f"(SELECT {', '.join(map('array_agg({})'.format, part.query.numbered_columns))} FROM {name}) AS {name}_arrays"  # noqa: S608
        for name, part in {**_run_ones(pages), **_linked(links)}.items()
    ]
    found = iter(_run(f"SELECT * FROM {', '.join(arrays)}", _run_ones(pages), links, addition)[0])  # noqa: S608 - names of ours
    return {name: _rows(page, found) for name, page in pages.items()}, [_rows(link, found) for link in links]


def _run(select: str, pages: Mapping[str, BoundQuery], links: Sequence[BoundQuery], addition: Addition | None) -> list[tuple]:
    parts, parameters = _parts(pages)
    if addition:
        parts.append(addition.sql)
        parameters.extend(addition.parameters)
    link_parts, link_parameters = _parts(_linked(links))
    with reading() as cursor:
        cursor.execute(f"WITH {', '.join([*parts, *link_parts])} {select}", [*parameters, *link_parameters])
        return cursor.fetchall()


def _parts(queries: Mapping[str, BoundQuery]) -> tuple[list[str], list[Any]]:
    parts = [bound.as_part(name) for name, bound in queries.items()]
    return parts, [value for bound in queries.values() for value in bound.driver_parameters()]


def _run_ones(queries: Mapping[str, BoundQuery]) -> dict[str, BoundQuery]:
    """Return those of `queries` that are run: one that can find nothing is not."""
    return {name: bound for name, bound in queries.items() if bound.sql}


def _linked(links: Sequence[BoundQuery]) -> dict[str, BoundQuery]:
    """Return those of `links` that are run, by what they are called in the statement."""
    return _run_ones({f"link{number}": link for number, link in enumerate(links)})


def _rows(bound: BoundQuery, arrays: Iterator[list | None]) -> list[tuple]:
    """Return the rows of a query from the next of `arrays`, one for each of its columns, null where there are no rows."""
    if not bound.sql:
        return []
    columns = [next(arrays) for _ in bound.query.numbered_columns]
    return bound.query.converted([] if columns[0] is None else list(zip(*columns, strict=True)))
