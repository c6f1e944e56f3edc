"""Writing many rows: in few statements, and in turns with other writers."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import orjson
from django.db import connections, models, transaction
from django.db.models import Field

from config.core.databases import on_postgres

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

    def repeat(self, work: Callable[[], int]) -> int:
        """Run `work`, which says how many rows it wrote, in one turn after another until it writes none; return the sum."""
        written = 0
        while True:
            with self.turn():
                rows = work()
            if not rows:
                return written
            written += rows

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

    def __init__(self, connection: Any):
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
