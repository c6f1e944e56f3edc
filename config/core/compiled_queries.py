"""SQL compiled once from the ORM's own querysets; afterwards only the parameters change.

Compiling a queryset takes milliseconds, running what was compiled takes none of that again. What is
compiled is a `QueryDefinition`: a frozen dataclass whose fields say all that its queryset depends on.
A field declared with `parameter` is given anew at each run; every other one shapes the SQL. The key
under which the SQL is kept is derived from the fields, and the queryset is built from a copy in which
placeholders stand for the parameters: SQL that was compiled for one caller cannot hold a value of
another, and nobody has to remember to name what the SQL depends on.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple, Self, get_args

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Expression, Field, Lookup, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query

from config.core.caching import cached

_PARAMETER = "parameter"


def parameter(field: Field | str, **kwargs: Any) -> Any:
    """Declare a dataclass field whose value is given at each run of the SQL, prepared by the rules of `field`.

    `field` may also be the name of the dataclass field that holds the model field. None is not a
    parameter: it shapes the SQL (IS NULL, or a rule that finds nothing). Neither are `PageKeys`.
    """
    return dataclasses.field(metadata={_PARAMETER: field}, **kwargs)


class PageKeys(Expression):
    """Ids that stand in rows of the same statement (`fetch_page`, `FOUND_IDS`), in place of a list of ids that is a parameter.

    `places` are (page, column) pairs.
    """

    def __init__(self, *places: tuple[str, int]):
        super().__init__(output_field=models.BigIntegerField())
        self.places = places

    def as_sql(self, compiler, connection):
        columns = " UNION ALL ".join(f"SELECT c{column} FROM {page}" for page, column in self.places)  # noqa: S608 - numbers
        return f"({columns})", []


FOUND = "found"
"""What the rows are called that a statement finds first (`BoundQuery.found`); their columns are c0, c1, …"""
FOUND_IDS = PageKeys((FOUND, 0))


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
        return self.field.get_db_prep_value(value, connection)


def list_parameter(values: list, connection) -> Any:
    """Return `values` as the one parameter that the lookup `anyof` compares with."""
    return values if connection.vendor == "postgresql" else orjson.dumps(values).decode()


@models.ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`column__anyof=[1, 2]`: membership in a list that travels as one parameter, however long.

    One SQL text serves every length, so that it is compiled and planned once. On PostgreSQL the list may also be SQL (`RawSQL`).
    It may be a queryset of one column, too: PostgreSQL then finds its values first, and the rows by them, also where it has not
    looked at the table since an import and would join by what it takes for a few rows.
    """

    lookup_name = "anyof"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, PageKeys):
            keys, _ = compiler.compile(self.rhs)
            return f"{lhs} = ANY(ARRAY{keys})" if connection.vendor == "postgresql" else f"{lhs} IN {keys}", lhs_params
        if isinstance(self.rhs, Parameter):
            parameter: Any = Placeholder(self.rhs.number, self.lhs.output_field, array=True)
        elif isinstance(self.rhs, RawSQL):
            return f"{lhs} = ANY({self.rhs.sql})", [*lhs_params, *self.rhs.params]
        elif isinstance(self.rhs, Query):
            rows, params = compiler.compile(self.rhs)
            sql = f"{lhs} = ANY(ARRAY{rows})" if connection.vendor == "postgresql" else f"{lhs} IN {rows}"
            return sql, [*lhs_params, *params]
        else:
            values = [self.lhs.output_field.get_db_prep_value(value, connection) for value in self.rhs]
            parameter = list_parameter(values, connection)
        if connection.vendor == "postgresql":
            cast = self.lhs.output_field.rel_db_type(connection)
            return f"{lhs} = ANY(%s::{cast}[])", [*lhs_params, parameter]
        return f"{lhs} IN (SELECT value FROM json_each(%s))", [*lhs_params, parameter]  # noqa: S608 - a compiled column


class Compilable:
    """Base of frozen dataclasses that take part in compiled SQL; see the module's docstring.

    Fields hold hashable values, further Compilables, or (`tuple[Criterion, ...]`) tuples of Compilables.
    """

    @cached_property
    def key(self) -> Hashable:
        """What shapes the SQL: the type, every field that is no parameter, and which parameters are None or PageKeys."""
        parts: list[Any] = [type(self)]
        for name, kind, _ in _fields_of(type(self)):
            value = getattr(self, name)
            if kind is _Kind.VALUE:
                parts.append(value)
            elif kind is _Kind.PARAMETER:
                parts.append(value if isinstance(value, PageKeys) else value is None)
            else:
                parts.append(value.key if kind is _Kind.COMPILABLE else tuple([item.key for item in value]))
        return tuple(parts)

    def collect_parameters(self, collected: list[Any]) -> list[Any]:
        """Append the values of the parameters, in the order in which `with_placeholders` numbers them."""
        for name, kind, _ in _fields_of(type(self)):
            value = getattr(self, name)
            if kind is _Kind.PARAMETER and _is_given(value):
                collected.append(value)
            elif kind is _Kind.COMPILABLE:
                value.collect_parameters(collected)
            elif kind is _Kind.GROUP:
                for item in value:
                    item.collect_parameters(collected)
        return collected

    def with_placeholders(self, numbers: Iterator[int]) -> Self:
        """Return a copy that holds a `Parameter` in place of each parameter's value."""
        copied: dict[str, Any] = {}
        for name, kind, declared in _fields_of(type(self)):
            value = getattr(self, name)
            if kind is _Kind.PARAMETER and _is_given(value):
                field = getattr(self, declared) if isinstance(declared, str) else declared
                copied[name] = Parameter(next(numbers), field)
            elif kind is _Kind.COMPILABLE:
                copied[name] = value.with_placeholders(numbers)
            elif kind is _Kind.GROUP:
                copied[name] = tuple([item.with_placeholders(numbers) for item in value])
        return dataclasses.replace(self, **copied)  # type: ignore[type-var]


def _is_given(value: Any) -> bool:
    """Tell whether the value of a parameter is given at each run, and does not shape the SQL."""
    return value is not None and not isinstance(value, PageKeys)


class _Kind(Enum):
    """What a field of a Compilable holds."""

    VALUE = 1
    PARAMETER = 2
    COMPILABLE = 3
    GROUP = 4


@cached
def _fields_of(cls: type) -> tuple[tuple[str, _Kind, Any], ...]:
    """Return (name, kind, what `parameter` was given) of every field of the dataclass `cls`.

    A Compilable under another annotation counts as a value: it is compared whole, parameters and all.
    """
    fields = []
    for field in dataclasses.fields(cls):
        item = next(iter(get_args(field.type)), None)
        if _PARAMETER in field.metadata:
            kind = _Kind.PARAMETER
        elif isinstance(field.type, type) and issubclass(field.type, Compilable):
            kind = _Kind.COMPILABLE
        else:
            kind = _Kind.GROUP if isinstance(item, type) and issubclass(item, Compilable) else _Kind.VALUE
        fields.append((field.name, kind, field.metadata.get(_PARAMETER)))
    return tuple(fields)


class QueryDefinition(Compilable):
    """A query whose SQL is compiled the first time that one of its key is run."""

    wrapper_sql: Any = "{}"
    """What the compiled SELECT is set into, such as `SELECT count(*) FROM ({}) AS counted`."""

    def queryset(self) -> QuerySet:
        """Return the queryset, called on a copy whose parameters are placeholders; ends in `values_list`."""
        raise NotImplementedError(type(self).__name__)

    def compiled(self) -> "CompiledQuery":
        """Compile the query, called on the same copy."""
        return CompiledQuery(self.queryset(), self.wrapper_sql)

    def fetch(self, limit_clause: str = "") -> list[tuple]:
        """Run the query and return its rows, every value as the model's field gives it."""
        return self.bind(limit_clause).fetch()

    def bind(self, limit_clause: str = "") -> "BoundQuery":
        """Return the compiled query with this definition's parameters. `limit_clause` is trusted text."""
        return BoundQuery(compiled_queries.get(self), self.collect_parameters([]), limit_clause)


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
        self.numbered_columns = [f"c{number}" for number in range(len(compiler.select or ()))]
        """Names for the columns, of which two may have the same."""
        self.converters = self.read_columns(compiler) if self.sql else {}

    def read_columns(self, compiler) -> dict[int, list]:
        """Return, by column, the functions by which Django itself reads a stored value on this database."""
        selected = [column[0] for column in compiler.select]
        return {
            index: [(convert, expression) for convert in converters]
            for index, (converters, expression) in compiler.get_converters(selected).items()
        }

    def converted(self, rows: list[tuple]) -> list[tuple]:
        """Return raw rows with every value as the model's field gives it; those of PostgreSQL mostly are so already."""
        if not self.converters:
            return rows
        connection = connections[self.using]
        converted = []
        for row in rows:
            cells = list(row)
            for index, converters in self.converters.items():
                for convert, expression in converters:
                    cells[index] = convert(cells[index], expression, connection)
            converted.append(tuple(cells))
        return converted


class BoundQuery(NamedTuple):
    """A compiled query and what it is run with."""

    query: CompiledQuery
    values: Sequence[Any]
    limit_clause: str = ""
    found: "BoundQuery | None" = None
    """Rows that the statement finds first, so that this query can name them (`FOUND_IDS`) and both see one moment."""

    @property
    def sql(self) -> str:
        """The statement, "" where it can find nothing."""
        if self.found is None:
            return self.query.sql and self.query.sql + self.limit_clause
        if not (self.query.sql and self.found.sql):
            return ""
        return f"WITH {self.found.as_part(FOUND)} {self.query.sql}{self.limit_clause}"

    def as_part(self, name: str) -> str:
        """Return the statement as the part `name` of a WITH, its columns called c0, c1, …"""
        return f"{name} ({', '.join(self.query.numbered_columns)}) AS MATERIALIZED ({self.sql})"

    def fetch(self) -> list[tuple]:
        """Run the query and return its rows. One that can find nothing is not run."""
        if not (sql := self.sql):
            return []
        with reading(self.query.using) as cursor:
            cursor.execute(sql, self.driver_parameters())
            return self.query.converted(cursor.fetchall())

    def driver_parameters(self) -> list[Any]:
        """Return the parameters as the driver takes them."""
        connection = connections[self.query.using]
        own = [
            part.prepare(self.values[part.number], connection) if isinstance(part, Placeholder) else part
            for part in self.query.params
        ]
        return own if self.found is None else [*self.found.driver_parameters(), *own]


class CompiledQueries:
    """The compiled queries of this process by the keys of their definitions, the oldest forgotten past `size`."""

    def __init__(self, size: int = 1024):
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
        """Compile `definition`, whatever is kept."""
        return definition.with_placeholders(count()).compiled()


compiled_queries = CompiledQueries()


# psycopg's name for results that come as the server holds them.
_BINARY = 1


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
        yield cursor


@contextmanager
def planned_anew(using: str = "default") -> Iterator[None]:
    """Let PostgreSQL plan the statements of the block for the values that they are run with.

    A prepared one it may plan once for any values. Then it takes the rest of a long walk for a few rows, and sorts all of it
    for each part; and it looks up two letters in the trigram index, which reads all of that. SQLite plans for any values.
    """
    if connections[using].vendor != "postgresql":
        yield
        return
    connections[using].ensure_connection()
    opened = connections[using].connection
    threshold, opened.prepare_threshold = opened.prepare_threshold, None
    try:
        yield
    finally:
        opened.prepare_threshold = threshold


def fetch_together(queries: Sequence[BoundQuery], using: str = "default") -> list[list[tuple]]:
    """Run several queries in one round trip, and return the rows of each.

    PostgreSQL takes them as one statement, and so answers from one moment. SQLite runs in this process; there they are run one
    after the other.
    """
    if connections[using].vendor != "postgresql":
        return [query.fetch() for query in queries]
    # A query that can find nothing is not run.
    run = [query for query in queries if query.sql]
    arrays = ", ".join(records_of(bound.sql) for bound in run)
    with reading(using) as cursor:
        cursor.execute(f"SELECT {arrays}", [value for bound in run for value in bound.driver_parameters()])
        fetched = iter(cursor.fetchone())
    return [bound.query.converted(next(fetched)) if bound.sql else [] for bound in queries]


def records_of(sql: str) -> str:
    """Return SQL for the rows of the SELECT `sql` as one value of PostgreSQL.

    It is an array of records, which the binary format gives back with the types of their columns.
    """
    return f"ARRAY(SELECT part FROM ({sql}) AS part)"  # noqa: S608 - compiled SQL


def columns_of(model: type[models.Model], source: str) -> list[Any]:
    """Return the columns that `source` (`name`, `patient.uuid`, `patient__uuid`) leads through."""
    found: list[Any] = []
    for name in source.replace(".", "__").split("__"):
        found.append(model._meta.pk if name == "pk" else model._meta.get_field(name))
        model = found[-1].related_model or model
    return found
