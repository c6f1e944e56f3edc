"""What differs between PostgreSQL and SQLite.

Beside compiled_queries.py, page_statements.py, bulk_writes.py, connections.py and migrations no module knows on which it runs.
Every expression here means the same on both; only its SQL differs.
"""

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connections, models, transaction
from django.db.models import Aggregate, Func, Lookup
from django.utils import timezone

from config.core.text import fold


def on_postgres(using: str = "default") -> bool:
    """Tell whether the database `using` is PostgreSQL."""
    return connections[using].vendor == "postgresql"


@contextmanager
def committed_soon() -> Iterator[None]:
    """Open a transaction of SQLite whose commit does not wait for the disk.

    What it has written is there for all others, and survives the end of the process; a loss of power may take it, until the
    next commit that waits. In a transaction that is open already it is a part of that one.
    """
    records = connections["default"]
    if records.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with records.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            with transaction.atomic():
                yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


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


@models.CharField.register_lookup
class ContainsFolded(Matches):
    """`column__contains_folded=text`: a column of folded text holds `text`, however that is written."""

    lookup_name = "contains_folded"

    def get_prep_lookup(self):
        return contains_pattern(fold(self.rhs))


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


def seconds_since(moment: datetime.datetime | None) -> float:
    """Return how many seconds ago `moment` was, 0 for one to come or None."""
    return 0.0 if moment is None else max(0.0, (timezone.now() - moment).total_seconds())


def database_sessions(using: str = "default") -> tuple[dict[str, int], int]:
    """Return how many sessions of this PostgreSQL database are in which state, and how many the server allows to all.

    Those of other roles are "hidden", unless the role is a member of pg_read_all_stats.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'hidden'), count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1 ORDER BY 1"
        )
        found = dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('max_connections')::int")
        return found, cursor.fetchone()[0]


def database_clock(using: str = "default") -> datetime.datetime:
    """Return the moment that `DatabaseNow` stands for now."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()" if on_postgres(using) else "SELECT strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')")
        (now,) = cursor.fetchone()
    return now if isinstance(now, datetime.datetime) else datetime.datetime.fromisoformat(now)


def change_horizon(using: str = "default") -> datetime.datetime:
    """Return the moment below which no row can still appear in the order of changes: `horizon` of rows that move.

    A new row has a higher id than those before it, one that changes has not: of two in the same millisecond of SQLite's clock
    the second may be the lower one, and whoever has passed the first would never see it. Whoever has the write lock knows that
    all who have written are done, and that whoever comes after is no earlier than now.
    """
    if on_postgres(using):
        return horizon(using)
    with transaction.atomic(using=using):
        return database_clock(using)


def writers_have_ended(timeout: float, using: str = "default") -> bool:
    """Wait until every transaction has ended that may still add rows now; False if one has not after `timeout` seconds.

    Every row whose id is lower than one that was read before is then there, or never will be.
    """
    if not on_postgres(using):
        return True
    begun = database_clock(using)
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


class StartOfDay(Func):
    """The moment at which a day begins in a time zone, both columns, and `seconds` more; null for none."""

    output_field = models.DateTimeField()

    def __init__(self, day: str, zone: str, seconds: int = 0):
        super().__init__(models.F(day), models.F(zone))
        self.seconds = seconds

    def as_postgresql(self, compiler, connection, **context):
        day, zone = (compiler.compile(column)[0] for column in self.source_expressions)
        return f"(timezone({zone}, ({day})::timestamp) + interval '{self.seconds} seconds')", []

    def as_sqlite(self, compiler, connection, **context):
        day, zone = (compiler.compile(column)[0] for column in self.source_expressions)
        return f"start_of_day({day}, {zone}, {self.seconds})", []


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

    The same lock as `try_advisory_lock` takes; a worker that dies gives it back with its connection, and a
    connection that is lost is not replaced while it has one. On SQLite it is always free: there every
    transaction has to look for itself how far things are.
    """
    if not on_postgres(using):
        yield True
        return
    connection: Any = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        held = cursor.fetchone()[0]
    checked, connection.health_check_enabled = connection.health_check_enabled, connection.health_check_enabled and not held
    try:
        yield held
    finally:
        connection.health_check_enabled = checked
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def renew_lost_connection(using: str = "default") -> None:
    """Let the next statement of a long job begin on a new connection where the one it has is dead.

    Requests need no such call: Django does this between them. In a transaction, and while a lock is held, nothing is renewed.
    """
    connection: Any = connections[using]
    if connection.health_check_enabled and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


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
