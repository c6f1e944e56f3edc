"""Several querysets as one statement: a page that shows many kinds of rows asks once, however many they are."""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from django.db import connections
from django.db.models import QuerySet

from config.core.caching import cached
from config.core.compiled_queries import CompiledQuery, QueryDefinition, records_of

Answers = Mapping[str, list[Any]]


class Asked(NamedTuple):
    """Rows to fetch, and the names of the fields and annotations that are wanted of each."""

    rows: QuerySet
    columns: tuple[str, ...]


class JointQuery(QueryDefinition):
    """A definition of several querysets, compiled as one statement. All of them show one moment.

    Binary columns cannot be asked for: SQLite passes the rows as JSON.
    """

    def asked(self) -> Mapping[str, Asked]:
        """Return what is asked for by name, called on a copy whose parameters are placeholders."""
        raise NotImplementedError(type(self).__name__)

    def compiled(self) -> "CompiledJointly":
        return CompiledJointly(self.asked())

    def answers(self) -> Answers:
        """Run the statement and return the rows of each queryset as named tuples, every value as the model's field gives it."""
        bound = self.bind()
        query: Any = bound.query
        return query.answers_in(bound.fetch())


class CompiledJointly(CompiledQuery):
    """The SQL of several querysets, each of which becomes one column: an array of records, on SQLite in JSON."""

    def __init__(self, asked: Mapping[str, Asked]):
        self.parts = {name: CompiledQuery(one.rows.values_list(*one.columns)) for name, one in asked.items()}
        self.rows = {name: _row(one.columns) for name, one in asked.items()}
        # A query that can find nothing is not run.
        self.run = {name: part for name, part in self.parts.items() if part.sql}
        self.using = next((part.using for part in self.parts.values()), "default")
        self.params = tuple(value for part in self.run.values() for value in part.params)
        self.sql = f"SELECT {', '.join(map(self.column_of, self.run.values()))}" if self.run else ""
        # Each part converts its own rows.
        self.converters = {}

    @property
    def is_json(self) -> bool:
        """Whether the rows come as JSON."""
        return connections[self.using].vendor != "postgresql"

    def column_of(self, part: CompiledQuery) -> str:
        """Return SQL for the rows of `part` as one value."""
        return _json_array(part) if self.is_json else records_of(part.sql)

    def answers_in(self, fetched: list[tuple]) -> Answers:
        """Return the rows of each queryset, of the one row that the statement gives; of none where it was not run."""
        columns = fetched[0] if fetched else ()
        found = dict(zip(self.run, map(orjson.loads, columns) if self.is_json else columns, strict=True))
        return {
            name: [self.rows[name]._make(row) for row in part.converted(found.get(name, []))] for name, part in self.parts.items()
        }


@cached
def _row(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns)


def _json_array(part: CompiledQuery) -> str:
    """Return SQL for the rows of `part` as JSON. Their columns are numbered, because two may have the same name."""
    columns = ", ".join(part.numbered_columns)
    return f"(WITH part ({columns}) AS ({part.sql}) SELECT json_group_array(json_array({columns})) FROM part)"  # noqa: S608
