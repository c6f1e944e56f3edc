"""SQL compiled once from the ORM's own querysets; afterwards only the parameters change.

Compiling a queryset takes milliseconds, running what was compiled takes none of that again. What is
compiled is a `QueryDefinition`: a frozen dataclass whose fields say all that its queryset depends on.
A field declared with `parameter` is given anew at each run; every other one shapes the SQL. The key
under which the SQL is kept is derived from the fields, and the queryset is built from a copy in which
placeholders stand for the parameters: SQL that was compiled for one caller cannot hold a value of
another, and nobody has to remember to name what the SQL depends on.
"""

import dataclasses
import datetime
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any, NamedTuple, Self

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Expression, Field, QuerySet

_PARAMETER = "parameter"


def parameter(field: Field | str, **kwargs: Any) -> Any:
    """Declare a dataclass field whose value is given at each run of the SQL, prepared by the rules of `field`.

    `field` may also be the name of the dataclass field that holds the model field. None is not a
    parameter: it shapes the SQL (IS NULL, or a rule that finds nothing).
    """
    return dataclasses.field(metadata={_PARAMETER: field}, **kwargs)


class Parameter(Expression):
    """Stands in a queryset for a value that is not known when it is compiled; becomes a `Placeholder`."""

    def __init__(self, number: int, field: Field):
        super().__init__(output_field=field)
        self.number = number

    def as_sql(self, compiler, connection):
        return "%s", [Placeholder(self.number, self.output_field)]

    def __repr__(self):
        return f"Parameter({self.number})"


class Placeholder:
    """The place of a parameter in compiled SQL: `number` counts the parameters of the definition."""

    def __init__(self, number: int, field: Field, *, array: bool = False):
        self.number, self.field, self.array = number, field, array

    def prepare(self, value: Any, connection) -> Any:
        """Return `value` as the driver of `connection` takes it."""
        if self.array:
            return list_parameter([self.field.get_db_prep_value(item, connection) for item in value], connection)
        if isinstance(value, datetime.datetime) and connection.vendor == "sqlite":
            # SQLite compares date-times as text: always six places, as the database's clock writes them.
            # And four of the year, which strftime does not promise.
            return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        return self.field.get_db_prep_value(value, connection)


def list_parameter(values: list, connection) -> Any:
    """Return `values` as the one parameter that the lookup `anyof` compares with."""
    return values if connection.vendor == "postgresql" else orjson.dumps(values).decode()


class Compilable:
    """Base of frozen dataclasses that take part in compiled SQL; see the module's docstring.

    Fields hold hashable values, further Compilables, or tuples of these.
    """

    @property
    def key(self) -> Hashable:
        """What shapes the SQL: the type, every field that is no parameter, and which parameters are None."""
        return (
            type(self),
            *[
                getattr(self, name) is None if declared else _key_of(getattr(self, name))
                for name, declared in _declared(type(self))
            ],
        )

    def parameters(self) -> Iterator[Any]:
        """Yield the values of the parameters, in the order in which `with_placeholders` numbers them."""
        for name, declared in _declared(type(self)):
            value = getattr(self, name)
            if declared is None:
                yield from _parameters_of(value)
            elif value is not None:
                yield value

    def with_placeholders(self, numbers: Iterator[int]) -> Self:
        """Return a copy that holds a `Parameter` in place of each parameter's value."""
        copied = {}
        for name, declared in _declared(type(self)):
            value = getattr(self, name)
            if declared is None:
                copied[name] = _placeholders_in(value, numbers)
            elif value is not None:
                field = getattr(self, declared) if isinstance(declared, str) else declared
                copied[name] = Parameter(next(numbers), field)
        return dataclasses.replace(self, **copied)  # type: ignore[type-var]


@cache
def _declared(cls: type) -> tuple[tuple[str, Field | str | None], ...]:
    """Return (name, what `parameter` was given or None) of every field of the dataclass `cls`."""
    return tuple((field.name, field.metadata.get(_PARAMETER)) for field in dataclasses.fields(cls))


def _key_of(value: Any) -> Hashable:
    if isinstance(value, Compilable):
        return value.key
    # A plain tuple may hold Compilables; subclasses, such as columns, are values.
    return tuple([_key_of(item) for item in value]) if type(value) is tuple else value


def _parameters_of(value: Any) -> Iterator[Any]:
    if isinstance(value, Compilable):
        yield from value.parameters()
    elif type(value) is tuple:
        for item in value:
            yield from _parameters_of(item)


def _placeholders_in(value: Any, numbers: Iterator[int]) -> Any:
    if isinstance(value, Compilable):
        return value.with_placeholders(numbers)
    return tuple([_placeholders_in(item, numbers) for item in value]) if type(value) is tuple else value


class QueryDefinition(Compilable):
    """A query whose SQL is compiled the first time that one of its key is run."""

    wrapper_sql: str = "{}"
    """What the compiled SELECT is set into, such as `SELECT count(*) FROM ({}) AS counted`."""

    def queryset(self) -> QuerySet:
        """Return the queryset, called on a copy whose parameters are placeholders; ends in `values_list`."""
        raise NotImplementedError(type(self).__name__)

    def fetch(self, limit_clause: str = "") -> list[tuple]:
        """Run the query and return its rows, every value as the model's field gives it."""
        return self.bind(limit_clause).fetch()

    def bind(self, limit_clause: str = "") -> "BoundQuery":
        """Return the compiled query with this definition's parameters. `limit_clause` is trusted text."""
        return BoundQuery(compiled_queries.get(self), list(self.parameters()), limit_clause)


class CompiledQuery:
    """The SQL of a queryset, its parameters (values, and placeholders for those to come), and how its rows are read."""

    def __init__(self, queryset: QuerySet, wrapper_sql: str = "{}"):
        self.using = queryset.db
        compiler = queryset.query.get_compiler(self.using)
        try:
            sql, params = compiler.as_sql()
            self.sql = wrapper_sql.format(sql)
        except EmptyResultSet:
            self.sql, params = "", ()
        self.params = tuple(params)
        self.converters = self._converters(compiler) if self.sql else {}

    def _converters(self, compiler) -> dict[int, list]:
        """Return, by column, the functions by which Django itself reads a stored value on this database."""
        selected = [column[0] for column in compiler.select]
        return {
            index: [(convert, expression) for convert in converters]
            for index, (converters, expression) in compiler.get_converters(selected).items()
        }


class BoundQuery(NamedTuple):
    """A compiled query and what it is run with."""

    query: CompiledQuery
    values: Sequence[Any]
    limit_clause: str = ""

    def fetch(self) -> list[tuple]:
        """Run the query and return its rows. One that can find nothing is not run."""
        if not self.query.sql:
            return []
        with reading(self.query.using) as cursor:
            cursor.execute(self.query.sql + self.limit_clause, self.driver_parameters())
            return self.converted(cursor.fetchall())

    def driver_parameters(self) -> list[Any]:
        """Return the parameters as the driver takes them."""
        connection = connections[self.query.using]
        return [
            part.prepare(self.values[part.number], connection) if isinstance(part, Placeholder) else part
            for part in self.query.params
        ]

    def converted(self, rows: list[tuple]) -> list[tuple]:
        """Return raw rows with every value as the model's field gives it; those of PostgreSQL mostly are so already."""
        if not self.query.converters:
            return rows
        connection = connections[self.query.using]
        converted = []
        for row in rows:
            cells = list(row)
            for index, converters in self.query.converters.items():
                for convert, expression in converters:
                    cells[index] = convert(cells[index], expression, connection)
            converted.append(tuple(cells))
        return converted


class CompiledQueries:
    """The compiled queries of this process by the keys of their definitions, the oldest forgotten past `size`."""

    def __init__(self, size: int = 512):
        self.size = size
        self._queries: OrderedDict[Hashable, CompiledQuery] = OrderedDict()

    def get(self, definition: QueryDefinition) -> CompiledQuery:
        """Return the compiled form of `definition`."""
        key = definition.key
        query = self._queries.get(key)
        if query is None:
            query = self._queries[key] = self.compile(definition)
            if len(self._queries) > self.size:
                self._queries.popitem(last=False)
        return query

    def compile(self, definition: QueryDefinition) -> CompiledQuery:
        """Compile `definition`, whatever is kept already."""
        return CompiledQuery(definition.with_placeholders(count()).queryset(), definition.wrapper_sql)


compiled_queries = CompiledQueries()


# psycopg's name for results that come as the server holds them.
_BINARY = 1


class _JsonText:
    """Loads binary jsonb as the text that Django's fields read: it begins with one byte, the version of its format."""

    format = _BINARY

    def __init__(self, oid: int, context: Any = None):
        self.oid = oid

    def load(self, data: Any) -> str:
        return bytes(data)[1:].decode()


@contextmanager
def reading(using: str = "default") -> Iterator[Any]:
    """Open a cursor for SELECTs.

    PostgreSQL sends it rows as it holds them, and psycopg reads those in C. Date-times in text Django
    reads by itself, in Python: they would take longer than all the rest of a row.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.cursor.format = _BINARY
            cursor.cursor.adapters.register_loader("jsonb", _JsonText)
        yield cursor


def fetch_together(queries: Sequence[BoundQuery], using: str = "default") -> list[list[tuple]]:
    """Run several queries in one round trip, and return the rows of each.

    PostgreSQL takes them as one statement, and so answers from one moment: the rows of each are
    gathered into an array of records, which the binary format gives back with the types of their
    columns. SQLite runs in this process; there they are run one after the other.
    """
    if connections[using].vendor != "postgresql":
        return [query.fetch() for query in queries]
    # A query that can find nothing is not run.
    run = [query for query in queries if query.query.sql]
    arrays = ", ".join(
        f"ARRAY(SELECT part FROM ({bound.query.sql}{bound.limit_clause}) AS part)"  # noqa: S608 - compiled SQL
        for bound in run
    )
    with reading(using) as cursor:
        cursor.execute(f"SELECT {arrays}", [value for bound in run for value in bound.driver_parameters()])
        fetched = iter(cursor.fetchone())
    return [query.converted(next(fetched)) if query.query.sql else [] for query in queries]


def columns_of(model: type[models.Model], source: str) -> list[Any]:
    """Return the columns that `source` (`name`, `patient.uuid`, `patient__uuid`) leads through."""
    found: list[Any] = []
    for name in source.replace(".", "__").split("__"):
        found.append(model._meta.pk if name == "pk" else model._meta.get_field(name))
        model = found[-1].related_model or model
    return found
