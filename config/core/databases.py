"""The one module (migrations aside) that knows on which database it runs.

Every expression here means the same on PostgreSQL and on SQLite; only its SQL differs.
"""

import datetime
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from django.apps import apps
from django.db import IntegrityError, connections, models
from django.db.models import Aggregate, Expression, Field, Func, Lookup


def on_postgres(using: str = "default") -> bool:
    """Tell whether the database `using` is PostgreSQL."""
    return connections[using].vendor == "postgresql"


class ByteOrderField(models.CharField):
    """Text that sorts and compares by bytes on both databases, so that pages and ranges agree.

    SQLite compares so by itself; PostgreSQL needs the collation said, or it follows the locale.
    """

    def db_parameters(self, connection):
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class MomentField(models.DateTimeField):
    """A date-time that callers compare with moments of their own.

    SQLite compares date-times as text, of which Django leaves out the fraction of a whole second.
    Here it is always six places, as in parameters (`Slot`), so that equal moments are equal texts.
    """

    def get_db_prep_value(self, value, connection, prepared=False):
        value = super().get_db_prep_value(value, connection, prepared)
        whole = connection.vendor == "sqlite" and isinstance(value, str) and "." not in value
        return f"{value}.000000" if whole else value


class Param(Expression):
    """A place for a value that is not known when a statement is compiled.

    It compiles to one placeholder whose parameter is a `Slot`; `Slot.prepare` turns a value into
    what the driver takes, by the rules of `field`.
    """

    def __init__(self, name: str, field: Field | None = None):
        super().__init__(output_field=field or models.TextField())
        self.name = name

    def as_sql(self, compiler, connection):
        return "%s", [Slot(self.name, self.output_field)]

    def __repr__(self):
        return f"Param({self.name})"


class Slot:
    """The parameter that a Param leaves in compiled SQL."""

    def __init__(self, name: str, field: Field, *, array: bool = False):
        self.name, self.field, self.array = name, field, array

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
    """Return `values` as the one parameter that `AnyOf` compares with."""
    return values if connection.vendor == "postgresql" else orjson.dumps(values).decode()


@models.ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`column__anyof=[1, 2]`: membership in a list that travels as one parameter, however long.

    One SQL text serves every length, so that it is compiled and planned once.
    """

    lookup_name = "anyof"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Param):
            parameter: Any = Slot(self.rhs.name, self.lhs.output_field, array=True)
        else:
            parameter = Slot("", self.lhs.output_field, array=True).prepare(self.rhs, connection)
        if connection.vendor == "postgresql":
            cast = self.lhs.output_field.rel_db_type(connection)
            return f"{lhs} = ANY(%s::{cast}[])", [*lhs_params, parameter]
        return f"{lhs} IN (SELECT value FROM json_each(%s))", [*lhs_params, parameter]  # noqa: S608 - a compiled column

    def get_prep_lookup(self):
        return self.rhs


@models.CharField.register_lookup
@models.TextField.register_lookup
class Matches(Lookup):
    """`column__matches=pattern`: LIKE, case-sensitive on folded text, with backslash as escape."""

    lookup_name = "matches"

    def as_sql(self, compiler, connection):
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} LIKE {rhs} ESCAPE '\\'", [*lhs_params, *rhs_params]


def contains_pattern(text: str) -> str:
    """Return the LIKE pattern that finds `text` anywhere, its wildcards taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class RowAfter(Func):
    """`(a, b) > (x, y)` over whole rows: the next page of a keyset, ties included."""

    template = "(%(expressions)s)"
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, columns: list, values: list, *, descending: bool = False):
        super().__init__(*columns, *values)
        self.width = len(columns)
        self.sign = "<" if descending else ">"

    def as_sql(self, compiler, connection, **context):
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        params = [parameter for _, part in parts for parameter in part]
        left = ", ".join(sql for sql, _ in parts[: self.width])
        right = ", ".join(sql for sql, _ in parts[self.width :])
        return f"({left}) {self.sign} ({right})", params


_HORIZON = """
SELECT least(min(CASE WHEN backend_xid IS NULL THEN query_start ELSE xact_start END), statement_timestamp())
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
AND (backend_xid IS NOT NULL OR state = 'active')
"""


def horizon(using: str = "default") -> datetime.datetime:
    """Return the moment below which no row can still appear.

    A row's creation time is the database's clock when it is written (`DatabaseNow`). So a transaction
    that has written can only hold back rows from above its own start, and one that has not yet, which
    has no id, only rows of the statement that it is running. Who merely has a transaction open holds
    nothing back. PostgreSQL shows this of the sessions of one's own role, and of all of them to
    members of pg_read_all_stats. Ask before the rows are read, not in the same statement: a
    transaction that ends between that statement's snapshot and its look at the open ones would be
    missing from both. SQLite has one writer at a time.
    """
    if not on_postgres(using):
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)
    with connections[using].cursor() as cursor:
        cursor.execute(_HORIZON)
        return cursor.fetchone()[0]


class AsText(Func):
    """A column as text, decimals with all their places: what an answer shows, without a Python object between."""

    output_field = models.TextField()
    arity = 1

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text", **context)

    def as_sqlite(self, compiler, connection, **context):
        # SQLite keeps a decimal as a float: the places are given back by the column's own definition.
        source = self.source_expressions[0].output_field
        if isinstance(source, models.DecimalField):
            # printf writes null as zero. A column has no parameters, so that it may stand twice.
            text = f"printf('%%%%.{source.decimal_places}f', %(expressions)s)"
            return self.as_sql(compiler, connection, template=f"iif(%(expressions)s IS NULL, NULL, {text})", **context)
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS TEXT)", **context)


class CommaJoined(Aggregate):
    """Values of a column in one text, separated by commas; null where there are none."""

    output_field = models.TextField()
    arity = 1

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="string_agg((%(expressions)s)::text, ',')", **context)

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="group_concat(%(expressions)s)", **context)


class DatabaseNow(Func):
    """The database's clock, now and not at the start of the transaction."""

    output_field = models.DateTimeField()

    def __init__(self) -> None:
        super().__init__()

    def as_postgresql(self, compiler, connection, **context):
        return "clock_timestamp()", []

    def as_sqlite(self, compiler, connection, **context):
        return "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW')", []


ROWS_A_STATEMENT = 300
"""SQLite takes 32,766 parameters a statement: this is enough for tables of a hundred columns."""
FEW = 20
"""Rows for which one INSERT is as quick as COPY."""


def insert_many(
    model: type[models.Model], rows: Collection[models.Model], *, with_ids: bool = False, using: str = "default"
) -> None:
    """Insert `rows` of `model` in the transaction that is open; `with_ids` gives them their ids.

    PostgreSQL takes many by COPY, several times as fast as INSERT: nothing is parsed or planned a
    row. Columns with a default in the database get that. Values must be what the fields' own
    to_python gives; no expressions. Raises IntegrityError as bulk_create does.
    """
    if len(rows) <= FEW or not on_postgres(using):
        model._base_manager.using(using).bulk_create(rows, batch_size=ROWS_A_STATEMENT)
        return
    meta, connection = model._meta, connections[using]
    columns = [field for field in meta.concrete_fields if not field.has_db_default() and (with_ids or not field.primary_key)]
    names = ", ".join(f'"{field.column}"' for field in columns)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if with_ids:
            cursor.execute(_NEXT_IDS, [meta.db_table, meta.pk.column, len(rows)])
            for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = pk
        with cursor.copy(f'COPY "{meta.db_table}" ({names}) FROM STDIN') as copy:
            copy.write(_copy_text(rows, columns))


_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_text(rows: Collection[models.Model], columns: list[Field]) -> str:
    """Return `rows` in the text format of COPY."""
    moments = [field for field in columns if isinstance(field, models.DateField) and field.auto_now_add]
    for row in rows if moments else ():
        for field in moments:
            field.pre_save(row, add=True)
    names = [field.attname for field in columns]
    return "".join("\t".join([_cell(row.__dict__[name]) for name in names]) + "\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPED)
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode().translate(_ESCAPED)
    return str(value)  # Numbers, booleans, dates and UUIDs: PostgreSQL reads what Python writes.


_BINARY = 1
"""psycopg's name for results that come as the server holds them."""


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
    with connections[using].cursor() as cursor:
        if on_postgres(using):
            cursor.cursor.format = _BINARY
            cursor.cursor.adapters.register_loader("jsonb", _JsonText)
        yield cursor


def fetch_together(selects: Sequence[tuple[str, Sequence[Any]]], using: str = "default") -> list[list[tuple]]:
    """Run several SELECTs (SQL, parameters), and return the rows of each.

    PostgreSQL takes them as one statement, and so answers from one moment and in one round trip: the
    rows of each are gathered into an array of records, which the binary format gives back with the
    types of their columns. SQLite runs in this process; there they are run one after the other.
    """
    with reading(using) as cursor:
        if not on_postgres(using):
            return [cursor.execute(sql, parameters).fetchall() for sql, parameters in selects]
        arrays = ", ".join(f"ARRAY(SELECT part FROM ({sql}) AS part)" for sql, _ in selects)  # noqa: S608 - compiled SQL
        cursor.execute(f"SELECT {arrays}", [parameter for _, parameters in selects for parameter in parameters])
        return list(cursor.fetchone())


def lock_out(name: str, using: str = "default") -> bool:
    """Take the lock called `name` until the transaction ends, or return False at once where another has it.

    On SQLite the one writer already holds the only lock there is.
    """
    if not on_postgres(using):
        return True
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return cursor.fetchone()[0]


@contextmanager
def holding(name: str, using: str = "default") -> Iterator[bool]:
    """Hold the lock called `name` over several transactions, and tell whether it was free.

    The same lock as `lock_out` takes; a worker that dies gives it back with its connection. On
    SQLite it is always free: there every transaction has to look for itself how far things are.
    """
    held = True
    if on_postgres(using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
            held = cursor.fetchone()[0]
    try:
        yield held
    finally:
        if held and on_postgres(using):
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def broken_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that a write broke, "" where the database does not tell."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    message = str(error)
    if found := re.search(r"(?:CHECK constraint failed: |index ')(\w+)", message):
        return found[1]
    columns = set(re.findall(r"\w+\.\w+", message.partition("UNIQUE constraint failed: ")[2]))
    return _unique_over(columns)


def _unique_over(columns: set[str]) -> str:
    """Return the unique constraint over `columns` ("table.column"), which is all that SQLite names."""
    for model in apps.get_models():
        column = {field.name: f"{model._meta.db_table}.{field.column}" for field in model._meta.concrete_fields}
        for constraint in model._meta.constraints:
            named = {column[name] for name in getattr(constraint, "fields", ())}
            if named and named == columns:
                return constraint.name
    return next(iter(columns)) if len(columns) == 1 else ""
