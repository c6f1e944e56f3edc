"""What differs between PostgreSQL and SQLite. Beside compiled_queries.py and migrations no module knows on which it runs.

Every expression here means the same on PostgreSQL and on SQLite; only its SQL differs.
"""

import datetime
import re
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import orjson
from django.apps import apps
from django.db import IntegrityError, connections, models, transaction
from django.db.backends.signals import connection_created
from django.db.models import Aggregate, Field, Func, Lookup
from django.dispatch import receiver


def on_postgres(using: str = "default") -> bool:
    """Tell whether the database `using` is PostgreSQL."""
    return connections[using].vendor == "postgresql"


@receiver(connection_created)
def refuse_regexp(connection, **kwargs) -> None:
    """Replace the SQL function REGEXP of Django, which runs Python's `re`: some patterns hold a worker for hours."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("regexp", 2, _refuse)


def _refuse(pattern: str, text: str) -> None:
    raise NotImplementedError("No query matches a regular expression")


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
    Here it is always six places, as in parameters (`Placeholder`), so that equal moments are equal texts.
    """

    def get_db_prep_value(self, value, connection, prepared=False):
        value = super().get_db_prep_value(value, connection, prepared)
        whole = connection.vendor == "sqlite" and isinstance(value, str) and "." not in value
        return f"{value}.000000" if whole else value


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


def writers_have_ended(timeout: float, using: str = "default") -> bool:
    """Wait until every transaction has ended that may still add rows now; False if one has not after `timeout` seconds.

    Every row whose id is lower than one that was read before is then there, or never will be.
    """
    if not on_postgres(using):
        return True
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        begun = cursor.fetchone()[0]
    given_up = time.monotonic() + timeout
    while horizon(using) <= begun:
        if time.monotonic() > given_up:
            return False
        time.sleep(0.05)
    return True


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


class Among(Func):
    """`column IN (SELECT …)`, evaluated first, so that PostgreSQL finds the rows by the column's index beside an OR."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, column: str, rows: models.QuerySet):
        super().__init__(models.F(column), models.Subquery(rows))

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="(%(expressions)s))", arg_joiner=" = ANY(ARRAY", **context)

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="(%(expressions)s)", arg_joiner=" IN ", **context)


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


# SQLite has no queue of those who wait for its write lock. They try again, after at most 100 milliseconds.
RETRY_SECONDS = 0.12
# So long a job may hold the lock, over several transactions, before it lets others try.
HOLD_SECONDS = 0.3


class WriteTurns:
    """The transactions of a long job, which leaves room for other writers between them.

    On SQLite a job that began its next transaction at once would keep all others from the write lock until its end.
    """

    def __init__(self, using: str = "default"):
        self.using, self.held, self.released = using, 0.0, time.monotonic()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Open the next transaction, in its turn."""
        self._let_others_try()
        with transaction.atomic(using=self.using):
            began = time.monotonic()
            yield
        self.released = time.monotonic()
        self.held += self.released - began

    def _let_others_try(self) -> None:
        if on_postgres(self.using) or connections[self.using].in_atomic_block:
            return
        missing = RETRY_SECONDS - (time.monotonic() - self.released)
        if missing > 0 and self.held < HOLD_SECONDS:
            return
        if missing > 0:
            time.sleep(missing)
        self.held = 0.0


# SQLite takes 32,766 parameters a statement: this is enough for tables of a hundred columns.
ROWS_A_STATEMENT = 300
# A COPY of so many rows is far from the time that a statement may take, on a slow machine too.
ROWS_A_COPY = 500
# Rows for which the ORM's own INSERT is as quick.
FEW = 20


def insert_many(
    model: type[models.Model], rows: Collection[models.Model], *, with_ids: bool = False, using: str = "default"
) -> None:
    """Insert `rows` of `model` in the transaction that is open; `with_ids` gives them their ids.

    PostgreSQL takes many by COPY, SQLite by few long INSERTs, several times as fast as the ORM, which makes SQL of every
    value. Columns with a default in the database get that. Values must be what the fields' own to_python gives; no
    expressions. Raises IntegrityError as bulk_create does.
    """
    if len(rows) <= FEW:
        model._base_manager.using(using).bulk_create(rows, batch_size=ROWS_A_STATEMENT)
        return
    if with_ids:
        _give_ids(model, rows, using)
    columns = [
        field for field in model._meta.concrete_fields if not field.has_db_default() and (with_ids or not field.primary_key)
    ]
    _set_times(rows, columns)
    insert, most = (_copy, ROWS_A_COPY) if on_postgres(using) else (_insert, ROWS_A_STATEMENT)
    listed = list(rows)
    for start in range(0, len(listed), most):
        insert(model, listed[start : start + most], columns, using)


_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
# Whoever writes holds SQLite's only lock: nobody else takes these ids meanwhile.
_LAST_ID = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0), coalesce((SELECT max({}) FROM {}), 0))"


def _give_ids(model: type[models.Model], rows: Collection[models.Model], using: str) -> None:
    meta = model._meta
    with connections[using].cursor() as cursor:
        if on_postgres(using):
            cursor.execute(_NEXT_IDS, [meta.db_table, meta.pk.column, len(rows)])
            ids: Iterable[int] = [pk for (pk,) in cursor.fetchall()]
        else:
            cursor.execute(_LAST_ID.format(meta.pk.column, meta.db_table), [meta.db_table])
            ids = count(cursor.fetchone()[0] + 1)
    for row, pk in zip(rows, ids, strict=False):
        row.pk = pk


def _set_times(rows: Collection[models.Model], columns: list[Field]) -> None:
    for field in columns:
        if isinstance(field, models.DateField) and field.auto_now_add:
            for row in rows:
                field.pre_save(row, add=True)


def _insert(model: type[models.Model], rows: list[models.Model], columns: list[Field], using: str) -> None:
    connection = connections[using]
    names = ", ".join(f'"{field.column}"' for field in columns)
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    kept = [(field.attname, field, isinstance(field, models.JSONField)) for field in columns]
    prepare = _Preparation(connection)
    parameters = [
        value if type(value) in _TAKEN_AS_THEY_ARE and not as_json else prepare(field, value)
        for values in map(vars, rows)
        for name, field, as_json in kept
        for value in (values[name],)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {places}', parameters)  # noqa: S608


_TAKEN_AS_THEY_ARE = frozenset({type(None), str, int, bool, bytes})


class _Preparation:
    """Prepares values for their columns, decimals once: most are the default."""

    def __init__(self, connection):
        self.connection = connection
        self.decimals: dict[tuple[Field, Decimal], Any] = {}

    def __call__(self, field: Field, value: Any) -> Any:
        if type(value) is not Decimal:
            return field.get_db_prep_save(value, self.connection)
        if (field, value) not in self.decimals:
            self.decimals[field, value] = field.get_db_prep_save(value, self.connection)
        return self.decimals[field, value]


def _copy(model: type[models.Model], rows: list[models.Model], columns: list[Field], using: str) -> None:
    connection = connections[using]
    names = ", ".join(f'"{field.column}"' for field in columns)
    statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(_copy_text(rows, columns))


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_text(rows: list[models.Model], columns: list[Field]) -> str:
    """Return `rows` in the text format of COPY."""
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


def try_advisory_lock(name: str, using: str = "default") -> bool:
    """Take the lock called `name` until the transaction ends, or return False at once where another has it.

    On SQLite the one writer already holds the only lock there is.
    """
    if not on_postgres(using):
        return True
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return cursor.fetchone()[0]


@contextmanager
def advisory_lock(name: str, using: str = "default") -> Iterator[bool]:
    """Hold the lock called `name` over several transactions, and tell whether it was free.

    The same lock as `try_advisory_lock` takes; a worker that dies gives it back with its connection. On
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
