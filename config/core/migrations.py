"""What migrations do in SQL: functions for triggers, and derived tables, which triggers of another table keep."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation


class Executor(Protocol):
    """A schema editor or a cursor."""

    def execute(self, sql: str, params: Any = ...) -> Any: ...


# The clock of SQLite, as columns hold it (`DatabaseNow`).
NOW_ON_SQLITE = "STRFTIME('%Y-%m-%d %H:%M:%f000', 'NOW')"


def run(executor: Executor, statements: Iterable[str]) -> None:
    """Execute `statements`, which have no parameters: a percent sign is one."""
    for statement in statements:
        executor.execute(statement, params=None)


def schema_of(connection: BaseDatabaseWrapper) -> str:
    """Return the quoted name of the schema that holds the tables."""
    if connection.vendor != "postgresql":
        return "main"
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return cursor.fetchone()[0]


def trigger_function(name: str, schema: str, body: str) -> str:
    """Return the statement that makes or replaces a function of PostgreSQL for triggers; `body` is PL/pgSQL."""
    # Without a path of its own it would ask a temporary table of the same name, which anybody may make.
    return f"""
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$ BEGIN
    {body}
    END $$
    """


class Triggers(Protocol):
    """Triggers that migrations make and drop."""

    def make(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None: ...

    def drop(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None: ...


class DerivedTable(ABC):
    """A table that the database itself keeps: triggers write what follows from the rows of another.

    The columns are those that its model has in the state of the migration, so that a later migration which adds one has
    only to make the triggers again (`without_triggers`).
    """

    model: ClassVar[tuple[str, str]]
    """App and name of the model of the table."""
    uncopied: ClassVar[tuple[str, ...]] = ("id",)
    """The columns that are not named as in the other table."""
    triggers: ClassVar[Mapping[str, Mapping[str, str]]]
    """`postgresql` and `sqlite` -> name of a trigger -> the table that it is on."""
    functions: ClassVar[tuple[str, ...]]
    """The functions of the triggers on PostgreSQL."""

    @abstractmethod
    def postgresql(self, columns: Sequence[str], schema: str) -> Iterator[str]:
        """Yield the statements that make or replace functions and triggers."""

    @abstractmethod
    def sqlite(self, columns: Sequence[str]) -> Iterator[str]:
        """Yield the statements that make the triggers."""

    @abstractmethod
    def filling(self, columns: Sequence[str]) -> str:
        """Return the statement that fills the empty table."""

    def made(self, apps: Apps, connection: BaseDatabaseWrapper) -> Iterator[str]:
        """Yield the statements that make the triggers and write the table anew. They belong into one transaction.

        The triggers come first: on PostgreSQL they wait for those who are writing the other table, and keep others from it until
        the end. Who reads it waits for nothing.
        """
        model = apps.get_model(*self.model)
        columns = [field.column for field in model._meta.concrete_fields if field.column not in self.uncopied]
        if connection.vendor == "postgresql":
            yield from self.postgresql(columns, schema_of(connection))
        else:
            yield from (f"DROP TRIGGER IF EXISTS {name}" for name in self.triggers["sqlite"])
            yield from self.sqlite(columns)
        yield f"DELETE FROM {model._meta.db_table}"  # noqa: S608
        yield self.filling(columns)

    def dropped(self, apps: Apps, connection: BaseDatabaseWrapper) -> Iterator[str]:
        """Yield the statements that drop the triggers and empty the table."""
        if connection.vendor == "postgresql":
            yield from (f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in self.triggers["postgresql"].items())
            yield from (f"DROP FUNCTION IF EXISTS {name}()" for name in self.functions)
        else:
            yield from (f"DROP TRIGGER IF EXISTS {name}" for name in self.triggers["sqlite"])
        yield f"DELETE FROM {apps.get_model(*self.model)._meta.db_table}"  # noqa: S608

    def make(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Make the triggers and write the table anew; for RunPython."""
        run(schema_editor, self.made(apps, schema_editor.connection))

    def drop(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Drop the triggers and empty the table; for RunPython."""
        run(schema_editor, self.dropped(apps, schema_editor.connection))


class KeptTriggers(ABC):
    """Triggers that belong to no derived table. `names` are the same on either database."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the triggers."""

    @abstractmethod
    def made(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        """Yield the statements that make the functions and triggers, of which there are none."""

    @abstractmethod
    def dropped(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        """Yield the statements that drop the triggers and functions that there are."""

    def make(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Make the triggers; for RunPython."""
        run(schema_editor, self.made(schema_editor.connection))

    def drop(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Drop the triggers; for RunPython."""
        run(schema_editor, self.dropped(schema_editor.connection))


class MovedUpdatedAt(KeptTriggers):
    """Triggers that move `updated_at` with every change of a row, where the statement does not do it itself.

    Lists in the order of changes rely on it, whoever writes, and however. `tables` -> columns of which a change alone is none,
    since no reader of the list is shown them. An UPDATE that sets `updated_at` is left as it is.
    """

    def __init__(self, app: str, tables: Mapping[str, Sequence[str]]):
        self.function, self.tables = f"move_updated_at_in_{app}", tables

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{table}_updated_at" for table in self.tables)

    def made(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        if connection.vendor == "postgresql":
            moved = "NEW.updated_at = clock_timestamp(); RETURN NEW;"
            yield trigger_function(self.function, schema_of(connection), moved)
        for name, (table, ignored) in zip(self.names, self.tables.items(), strict=True):
            yield self._trigger(connection.vendor, name, table, ["updated_at", *ignored])

    def dropped(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        on_postgres = connection.vendor == "postgresql"
        for table, name in zip(self.tables, self.names, strict=True):
            yield f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if on_postgres else ''}"
        if on_postgres:
            yield f"DROP FUNCTION IF EXISTS {self.function}()"

    def _trigger(self, vendor: str, name: str, table: str, same: Sequence[str]) -> str:
        if vendor == "postgresql":
            unmoved = " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in same)
            head = f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({unmoved})"
            return f"{head} EXECUTE FUNCTION {self.function}()"
        unmoved = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in same)
        moved = f"UPDATE {table} SET updated_at = {NOW_ON_SQLITE} WHERE id = NEW.id;"  # noqa: S608
        return f"CREATE TRIGGER {name} AFTER UPDATE ON {table} FOR EACH ROW WHEN {unmoved} BEGIN {moved} END"


def without_triggers(triggers: Sequence[Triggers], operations: Sequence[Operation]) -> list[Operation]:
    """Return `operations` between others that drop `triggers` and make them again, in both directions.

    SQLite remakes a table to alter a column, and a column that may not be null is such a change: triggers on the table are
    lost, and those that write it make an error. PostgreSQL alters no column that a trigger compares. Derived tables are
    written anew.
    """
    return [
        *[migrations.RunPython(one.drop, one.make, elidable=False) for one in triggers],
        *operations,
        *[migrations.RunPython(one.make, one.drop, elidable=False) for one in triggers],
    ]
