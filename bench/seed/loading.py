"""Bringing rows into tables: by COPY on PostgreSQL, by bulk_create elsewhere (tests)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

BATCH = 500
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique AND NOT indisprimary
"""


def load(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store `rows`, each with values for `columns`; the other columns get their defaults."""
    if connection.vendor != "postgresql":
        made = [model(**dict(zip(columns, row, strict=True))) for row in rows]
        model._default_manager.bulk_create(made, batch_size=BATCH)
        return
    defaults = _defaults(model, columns)
    names = ", ".join(f'"{name}"' for name in (*columns, *defaults))
    constant = tuple(defaults.values())
    with connection.cursor() as cursor, cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row((*row, *constant))


def _defaults(model: type[models.Model], columns: Sequence[str]) -> dict[str, Any]:
    """Return the values of the columns that are required and that `columns` lack."""
    lacking = [field for field in model._meta.local_concrete_fields if not field.null and not field.primary_key]
    defaults = {field.column: field.get_default() for field in lacking if field.attname not in columns}
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in defaults.items()}


@contextmanager
def without_indexes(*tables: type[models.Model]) -> Iterator[None]:
    """Drop the indexes of empty tables, and build them when the block ends: on PostgreSQL many times faster than row by row.

    Unique ones stay, as they are rules. Leaves the tables analysed and their trigram indexes without a list of pending entries.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [[model._meta.db_table for model in tables]])
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    yield
    # The block may have closed the connection.
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")


def advance_ids(model: type[models.Model], highest: int) -> None:
    """Let the ids of new rows of `model` begin after `highest`, which the seed has chosen itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [model._meta.db_table, highest])
