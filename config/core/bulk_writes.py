"""Writing many rows: in few statements, and in turns with other writers."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connections, models, transaction
from django.db.models import Field
from django.db.models.sql import Query

from config.core.caching import cached
from config.core.collecting import without_collecting
from config.core.databases import DatabaseNow, on_postgres, renew_lost_connection
from config.core.postgresql.waiting import working_while_waiting

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
    def turn(self, meanwhile: Callable[[], bool] | None = None) -> Iterator[None]:
        """Open the next transaction, in its turn.

        PostgreSQL works in a process of its own: while this one waits for it, `meanwhile` is called, again and again until it
        returns False. It must be short, must not use the database, and must not raise.
        While it is open, the process collects no garbage: over the plan of a large import that takes up to half as long as
        to write it.
        """
        self._let_others_try()
        renew_lost_connection(self.using)
        with without_collecting(), self._working(meanwhile), transaction.atomic(using=self.using):
            began = time.monotonic()
            yield
        self.released = time.monotonic()
        self.held += self.released - began

    def _working(self, step: Callable[[], bool] | None) -> AbstractContextManager[None]:
        if step is None or not on_postgres(self.using):
            return nullcontext()
        connections[self.using].ensure_connection()
        return working_while_waiting(connections[self.using].connection, step)

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


# Rows of a large job in one transaction: on SQLite everybody else waits for its end.
ROWS_A_TURN = 500 if on_postgres() else 200
# SQLite takes 32,766 parameters a statement: this is enough for tables of a hundred columns.
ROWS_A_STATEMENT = 300
# A COPY of so many rows is far from the time that a statement may take, on a slow machine too.
ROWS_A_COPY = 500
# Rows for which one INSERT is as quick as COPY.
FEW = 20


def insert_many(
    model: type[models.Model], rows: Collection[models.Model], *, with_ids: bool = False, using: str = "default"
) -> None:
    """Insert `rows` of `model` in the transaction that is open; `with_ids` gives them their ids.

    PostgreSQL takes many by COPY, SQLite by few long INSERTs, several times as fast as the ORM, which makes SQL of every
    value. Columns with a default in the database get that. Values must be what the fields' own to_python gives; no
    expressions. Raises IntegrityError as bulk_create does.
    """
    if len(rows) <= FEW and with_ids:
        model._base_manager.using(using).bulk_create(rows, batch_size=ROWS_A_STATEMENT)
        return
    columns, values = _columns(model), [_values_of(row) for row in rows]
    if not with_ids:
        _insert_values(model, columns, values, using)
        return
    for row, pk in zip(rows, insert_prepared(model, _cells(columns, values, using), using), strict=True):
        row.pk = pk


def insert_values(
    model: type[models.Model], names: Sequence[str], rows: Collection[Sequence[Any]], using: str = "default"
) -> None:
    """Insert rows of which only the values of the attributes `names` are known; `insert_many` without the objects."""
    _insert_values(model, [column_of(model, name) for name in names], rows, using)


def _insert_values(model: type[models.Model], columns: list[Field], rows: Collection[Sequence[Any]], using: str) -> None:
    if len(rows) <= FEW:
        _insert_few(model, columns, rows, using)
    else:
        _write(model, columns, _cells(columns, rows, using), using)


def add_one(model: type[models.Model], name: str, pk: Any, using: str = "default") -> None:
    """Raise the number in the column `name` of one row, without compiling the statement as the ORM does each time."""
    column = f'"{column_of(model, name).column}"'
    statement = f'UPDATE "{model._meta.db_table}" SET {column} = {column} + 1 WHERE "{model._meta.pk.column}" = %s'  # noqa: S608
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [pk])


def update_values(
    model: type[models.Model], names: Sequence[str], rows: Mapping[int, Sequence[Any]], using: str = "default"
) -> None:
    """Write the values of the attributes `names` into rows that have no version, by id, in the transaction that is open."""
    fields, found = [model._meta.pk, *(column_of(model, name) for name in names)], list(rows.items())
    for start in range(0, len(found), ROWS_A_STATEMENT):
        part = [(pk, *values) for pk, values in found[start : start + ROWS_A_STATEMENT]]
        parameters = [
            field.get_db_prep_save(value, connections[using])
            for values in part
            for field, value in zip(fields, values, strict=True)
        ]
        with connections[using].cursor() as cursor:
            cursor.execute(_update_values_sql(model, fields, len(part), using), parameters)


def _update_values_sql(model: type[models.Model], fields: Sequence[Field], rows: int, using: str) -> str:
    """Return the UPDATE that takes so many rows of values of `fields`, of which the first is the primary key."""
    names = [f'"{field.column}"' for field in fields]
    # Of values that stand alone PostgreSQL does not know the types.
    types = [f"CAST(%s AS {field.db_type(connections[using])})" if on_postgres(using) else "%s" for field in fields]
    places = ", ".join([f"({', '.join(types)})"] * rows)
    written = ", ".join(f"{name} = given.{name}" for name in names[1:])
    table = f'"{model._meta.db_table}"'
    return (
        f"WITH given ({', '.join(names)}) AS (VALUES {places}) "  # noqa: S608
        f"UPDATE {table} SET {written} FROM given WHERE {table}.{names[0]} = given.{names[0]}"
    )


def prepare_row(model: type[models.Model], values: Mapping[str, Any], using: str = "default") -> list[Any]:
    """Return a new row as `insert_prepared` takes it, which takes longer than to insert it, and no lock.

    `values` are by attribute; other columns get their defaults.
    """
    cells = list(_default_row(model, using)[0])
    set_prepared(model, cells, values, using)
    return cells


def set_prepared(model: type[models.Model], cells: list[Any], values: Mapping[str, Any], using: str = "default") -> None:
    """Set `values`, by attribute, in the `cells` of a row that `prepare_row` returned."""
    columns, copied = _default_row(model, using)[1], on_postgres(using)
    for name, value in values.items():
        place, field = columns[name]
        cells[place] = _copied(value) if copied else _parameter(field, value, using)


@cached
def _default_row(model: type[models.Model], using: str) -> tuple[list[Any], dict[str, tuple[int, Field]]]:
    """Return the cells of a row of defaults, and the place of each column in it, by attribute.

    The cells of defaults that are computed anew for each row, such as a UUID, are null: they must be given.
    """
    columns = _columns(model)
    defaults = [None if callable(field.default) else field.get_default() for field in columns]
    return _cells(columns, [defaults], using)[0], {field.attname: (place, field) for place, field in enumerate(columns)}


def _values_of(row: models.Model) -> list[Any]:
    """Return the values of the columns that an INSERT of `row` sets."""
    columns, values = _columns(type(row)), vars(row)
    for field in columns:
        if isinstance(field, models.DateField) and field.auto_now_add:
            field.pre_save(row, add=True)
    return [values[field.attname] for field in columns]


def insert_row(row: models.Model, using: str = "default") -> None:
    """Insert `row`, which gets its id, without compiling the statement as the ORM does each time; see `insert_many`."""
    columns = _columns(type(row))
    [row.pk] = _insert_returning(type(row), columns, _parameters(columns, _values_of(row), using), (type(row)._meta.pk,), using)


def save_new(
    row: models.Model, values: Iterable[tuple[Field, Any]], returned: Sequence[Field], using: str = "default"
) -> list[Any]:
    """Insert `row` with any `values` that its columns take but expressions, and return what the columns `returned` hold then."""
    columns, given = zip(*values, strict=True)
    return _insert_returning(type(row), columns, _prepared_all(columns, given, using), tuple(returned), using)


def _insert_returning(
    model: type[models.Model], columns: Sequence[Field], parameters: list[Any], returned: tuple[Field, ...], using: str
) -> list[Any]:
    clause, converters = _returning(model, returned, using)
    with connections[using].cursor() as cursor:
        cursor.execute(_known_insert_sql(model, tuple(columns), 1) + clause, parameters)
        stored = cursor.fetchone()
    if not converters:
        return list(stored)
    return list(next(Query(model).get_compiler(using).apply_converters([stored], converters)))


@lru_cache(maxsize=256)
def _returning(model: type[models.Model], columns: tuple[Field, ...], using: str) -> tuple[str, dict[int, Any]]:
    """Return the clause that gives `columns` of an inserted row, and what turns their values into those of Python."""
    names = ", ".join(f'"{field.column}"' for field in columns)
    cells = [field.get_col(model._meta.db_table) for field in columns]
    return f" RETURNING {names}", Query(model).get_compiler(using).get_converters(cells)


def _insert_few(model: type[models.Model], columns: Sequence[Field], rows: Collection[Sequence[Any]], using: str) -> None:
    if not rows:
        return
    parameters = list(chain.from_iterable(_parameters(columns, values, using) for values in rows))
    with connections[using].cursor() as cursor:
        cursor.execute(_known_insert_sql(model, tuple(columns), len(rows)), parameters)


def _parameters(columns: Sequence[Field], values: Sequence[Any], using: str) -> list[Any]:
    if on_postgres(using):
        return _prepared_all(columns, values, using)
    return [_parameter(field, value, using) for field, value in zip(columns, values, strict=True)]


def _prepared_all(columns: Sequence[Field], values: Sequence[Any], using: str) -> list[Any]:
    connection = connections[using]
    return [
        None if value is None else field.get_db_prep_save(value, connection) for field, value in zip(columns, values, strict=True)
    ]


def _insert_sql(model: type[models.Model], columns: Sequence[Field], rows: int, place: str = "%s") -> str:
    """Return the INSERT of so many rows with values for `columns`, each of which takes the `place` of a parameter."""
    names = ", ".join(f'"{field.column}"' for field in columns)
    places = ", ".join([f"({', '.join([place] * len(columns))})"] * rows)
    return f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {places}'  # noqa: S608


_known_insert_sql = lru_cache(maxsize=1024)(_insert_sql)


def insert_prepared(model: type[models.Model], prepared: Collection[list[Any]], using: str = "default") -> Sequence[int]:
    """Insert what `prepare_row` returned of many rows, in the transaction that is open, and return their ids."""
    ids = _next_ids(model, len(prepared), using)
    shown = map(str, ids) if on_postgres(using) else ids
    rows = [[pk, *cells] for pk, cells in zip(shown, prepared, strict=True)]
    _write(model, [model._meta.pk, *_columns(model)], rows, using)
    return ids


@cached
def _columns(model: type[models.Model]) -> list[Field]:
    """Return the columns that an INSERT sets, but for the id."""
    return [field for field in model._meta.concrete_fields if not field.has_db_default() and not field.primary_key]


_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
# Whoever writes holds SQLite's only lock: nobody else takes these ids meanwhile.
_LAST_ID = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0), coalesce((SELECT max({}) FROM {}), 0))"


def _next_ids(model: type[models.Model], number: int, using: str) -> Sequence[int]:
    meta = model._meta
    with connections[using].cursor() as cursor:
        if on_postgres(using):
            cursor.execute(_NEXT_IDS, [meta.db_table, meta.pk.column, number])
            return [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_LAST_ID.format(meta.pk.column, meta.db_table), [meta.db_table])
        first = cursor.fetchone()[0] + 1
        return range(first, first + number)


def _write(model: type[models.Model], columns: list[Field], rows: list[list[Any]], using: str) -> None:
    """Insert rows of cells, as `_cells` returns them."""
    insert, most = (_copy, ROWS_A_COPY) if on_postgres(using) else (_insert, ROWS_A_STATEMENT)
    for start in range(0, len(rows), most):
        insert(model, columns, rows[start : start + most], using)


def _insert(model: type[models.Model], columns: list[Field], rows: list[list[Any]], using: str) -> None:
    connection, parameters = connections[using], list(chain.from_iterable(rows))
    if len(rows) < ROWS_A_STATEMENT:
        with connection.cursor() as cursor:
            cursor.execute(_insert_sql(model, columns, len(rows)), parameters)
        return
    # A batch goes past Django's cursor, which takes a tenth of the time to replace each %s by a question mark.
    with connection.wrap_database_errors:
        connection.connection.execute(_insert_sql(model, columns, len(rows), "?"), parameters)


def _copy(model: type[models.Model], columns: list[Field], rows: list[list[str]], using: str) -> None:
    connection = connections[using]
    names = ", ".join(f'"{field.column}"' for field in columns)
    statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write("".join("\t".join(cells) + "\n" for cells in rows))


def _cells(columns: Sequence[Field], rows: Iterable[Sequence[Any]], using: str) -> list[list[Any]]:
    """Return rows of values as the INSERT or COPY of the database takes them."""
    if on_postgres(using):
        return [[_copied(value) for value in values] for values in rows]
    return [[_parameter(field, value, using) for field, value in zip(columns, values, strict=True)] for values in rows]


_TAKEN_AS_THEY_ARE = frozenset({str, int, bool, bytes})


def _parameter(field: Field, value: Any, using: str) -> Any:
    if value is None or (type(value) in _TAKEN_AS_THEY_ARE and not isinstance(field, models.JSONField)):
        return value
    if type(value) is UUID:
        return value.hex
    prepare = _prepared_once if type(value) in (Decimal, datetime) else _prepared
    return prepare(field, value, using)


def _prepared(field: Field, value: Any, using: str) -> Any:
    return field.get_db_prep_save(value, connections[using])


# Most amounts are the default, and the rows of a batch have one moment in common.
_prepared_once = lru_cache(maxsize=256)(_prepared)


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: Any) -> str:
    """Return `value` in the text format of COPY."""
    if value is None:
        return "\\N"
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPED)
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode().translate(_ESCAPED)
    return str(value)  # Numbers, booleans, dates and UUIDs: PostgreSQL reads what Python writes.


@dataclass(frozen=True, slots=True)
class PreparedUpdate:
    """A statement that changes a versioned, unarchived row as `objects.change` does, with its parameters."""

    statement: str
    parameters: list[Any]

    @classmethod
    def of(cls, row: models.Model, version: int, values: Mapping[str, Any], using: str = "default") -> "PreparedUpdate":
        """Prepare the writing of `values`, by attribute, into `row` if it still has `version`."""
        model, connection = type(row), connections[using]
        fields = [column_of(model, name) for name in values]
        parameters = [field.get_db_prep_save(value, connection) for field, value in zip(fields, values.values(), strict=True)]
        return cls(_update_sql(model, tuple(field.column for field in fields), using), [*parameters, row.pk, version])


def run_updates(updates: Iterable[PreparedUpdate], using: str = "default") -> int:
    """Run updates in order, in the transaction that is open, and return how many rows had their version."""
    changed = 0
    with connections[using].cursor() as cursor:
        for statement, alike in groupby(updates, key=attrgetter("statement")):
            cursor.executemany(statement, [update.parameters for update in alike])
            changed += cursor.rowcount
    return changed


@lru_cache(maxsize=1024)
def column_of(model: type[models.Model], name: str) -> Field:
    """Return the column of `model` that holds the attribute `name`, which may end in _id."""
    return next(field for field in model._meta.concrete_fields if name in (field.name, field.attname))


@lru_cache(maxsize=256)
def _update_sql(model: type[models.Model], columns: tuple[str, ...], using: str) -> str:
    now = Query(model).get_compiler(using).compile(DatabaseNow())[0]
    written = [*[f'"{column}" = %s' for column in columns], '"version" = "version" + 1', f'"updated_at" = {now}']
    found = f'"{model._meta.pk.column}" = %s AND "version" = %s AND "deleted_at" IS NULL'
    return f'UPDATE "{model._meta.db_table}" SET {", ".join(written)} WHERE {found}'  # noqa: S608
