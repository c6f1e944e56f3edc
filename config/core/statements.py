"""SQL compiled once from the ORM's own querysets; afterwards only the parameters change.

A queryset is written with `Param` markers where values will stand. Compiling it takes
milliseconds, running what was compiled takes none of that again.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from config.core.databases import Slot, fetch_together, reading


class Statement:
    """A compiled queryset. `rows(values)` runs it and returns raw tuples; `decoders` tell how to read them."""

    def __init__(self, queryset: QuerySet, frame: str = "{}"):
        self.using = queryset.db
        compiler = queryset.query.get_compiler(self.using)
        try:
            sql, params = compiler.as_sql()
            self.sql = frame.format(sql)
        except EmptyResultSet:
            self.sql, params = "", ()
        self.params = tuple(params)
        self.decoders = self._decoders(compiler) if self.sql else {}

    def _decoders(self, compiler) -> dict[int, list]:
        """Return, by column, the functions by which Django itself reads a stored value on this database."""
        chosen = [column[0] for column in compiler.select]
        return {
            index: [(convert, expression) for convert in converters]
            for index, (converters, expression) in compiler.get_converters(chosen).items()
        }

    def rows(self, values: Mapping[str, Any], tail: str = "") -> list[tuple]:
        """Run the statement with `values` by parameter name; `tail` (LIMIT, OFFSET) is trusted text."""
        if not self.sql:
            return []
        with reading(self.using) as cursor:
            cursor.execute(self.sql + tail, self.bound(values))
            return cursor.fetchall()

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the parameters of a run with `values`, as the driver takes them."""
        connection = connections[self.using]
        return [part.prepare(values[part.name], connection) if isinstance(part, Slot) else part for part in self.params]

    def decoded(self, values: Mapping[str, Any], tail: str = "") -> list[tuple]:
        """Like `rows`, with every value as the model's field would give it."""
        return self.decode(self.rows(values, tail))

    def decode(self, rows: list[tuple]) -> list[tuple]:
        """Return raw rows with every value as the model's field would give it; those of PostgreSQL mostly are so already."""
        if not self.decoders:
            return rows
        connection = connections[self.using]
        return [self._decoded(row, connection) for row in rows]

    def _decoded(self, row: tuple, connection: Any) -> tuple:
        cells = list(row)
        for index, converters in self.decoders.items():
            for convert, expression in converters:
                cells[index] = convert(cells[index], expression, connection)
        return tuple(cells)


class Run(NamedTuple):
    """One of several statements that are run together: with which values, and with which `tail`."""

    statement: Statement
    values: Mapping[str, Any]
    tail: str = ""


def decoded_together(runs: Sequence[Run], using: str = "default") -> list[list[tuple]]:
    """Return what each of `runs` would give by `decoded`, for one round trip to the database."""
    # A statement that can find nothing is not asked.
    asked = [run for run in runs if run.statement.sql]
    fetched = iter(fetch_together([(run.statement.sql + run.tail, run.statement.bound(run.values)) for run in asked], using))
    return [run.statement.decode(next(fetched)) if run.statement.sql else [] for run in runs]


class StatementStore:
    """The statements of this process by their shape, the least used ones forgotten past `size`."""

    def __init__(self, size: int = 512):
        self.size = size
        self._statements: OrderedDict[Hashable, Statement] = OrderedDict()

    def get(self, shape: Hashable, build: Callable[[], QuerySet], frame: str = "{}") -> Statement:
        """Return the statement of `shape`, compiling what `build` returns the first time, set into `frame`."""
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = Statement(build(), frame)
            if len(self._statements) > self.size:
                self._statements.popitem(last=False)
        return statement


statements = StatementStore()
