"""Triggers on patients: the tables that the database itself keeps, whoever writes patients, and however."""

# ruff: noqa: S608 - the SQL consists of constants and of names of columns

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper

from config.core.migrations import (
    NOW_ON_SQLITE,
    DerivedTable,
    KeptTriggers,
    MovedUpdatedAt,
    Triggers,
    schema_of,
    trigger_function,
)

PATIENT, TOTAL, ENTRY = "patients_patient", "patients_patienttotal", "patients_searchentry"
MOVE = "patients_groupmove"
ON_SQLITE = ("insert", "delete", "update")
ON_POSTGRESQL = (*ON_SQLITE, "truncate")


def _of_row(row: str, columns: Sequence[str]) -> str:
    """Return the values of `row`, which is NEW or OLD."""
    return ", ".join(f"{row}.{column}" for column in columns)


class PatientTotals(DerivedTable):
    """Numbers of patients by organization, care group, location and status.

    On PostgreSQL a statement that writes patients appends what it changes, a row for each key (organization, care group,
    location, status), and commits or rolls back with it: no two writers ever wait for one row. About every 64th such row has
    the rows of the same keys in its organization replaced by their sum, so that they stay few. It takes only rows that nobody
    else is replacing, and whoever reads meanwhile sees either the rows or their sum. A change of the key appends two rows for
    each patient, as most statements change one, and most of them no key: those cost nothing. SQLite has one writer at a time,
    and one row a key.
    """

    model = ("patients", "PatientTotal")
    uncopied = ("id", "number")
    triggers = {
        "postgresql": {**{f"patient_totals_{event}": PATIENT for event in ON_POSTGRESQL}, "patient_totals_fold": TOTAL},
        "sqlite": {f"patient_totals_{event}": PATIENT for event in ON_SQLITE},
    }
    functions = ("add_to_patient_totals", "fold_patient_totals")

    def filling(self, columns: Sequence[str]) -> str:
        key = ", ".join(columns)
        return f"INSERT INTO {TOTAL} ({key}, number) SELECT {key}, count(*) FROM {PATIENT} GROUP BY {key}"

    def postgresql(self, columns: Sequence[str], schema: str) -> Iterator[str]:
        key, old, new = ", ".join(columns), _of_row("OLD", columns), _of_row("NEW", columns)
        yield trigger_function(
            "add_to_patient_totals",
            schema,
            f"""
            IF TG_OP = 'INSERT' THEN
                INSERT INTO {TOTAL} ({key}, number) SELECT {key}, count(*) FROM added GROUP BY {key};
            ELSIF TG_OP = 'DELETE' THEN
                INSERT INTO {TOTAL} ({key}, number) SELECT {key}, -count(*) FROM removed GROUP BY {key};
            ELSIF TG_OP = 'UPDATE' THEN
                INSERT INTO {TOTAL} ({key}, number) VALUES ({old}, -1), ({new}, 1);
            ELSE
                DELETE FROM {TOTAL};
            END IF;
            RETURN NULL;
            """,
        )
        extents = {
            "insert": "REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
            "delete": "REFERENCING OLD TABLE AS removed FOR EACH STATEMENT",
            "update": f"FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))",
            "truncate": "FOR EACH STATEMENT",
        }
        for event, extent in extents.items():
            yield f"""
            CREATE OR REPLACE TRIGGER patient_totals_{event} AFTER {event} ON {PATIENT} {extent}
            EXECUTE FUNCTION add_to_patient_totals()
            """
        # A snapshot older than the statement would make an error of a row that another has replaced meanwhile. And rows that a
        # transaction has itself removed are in the way of its own statements until its end, so that it folds once.
        yield trigger_function(
            "fold_patient_totals",
            schema,
            f"""
            IF current_setting('transaction_isolation') <> 'read committed'
            OR current_setting('patient_totals.folded', true) = pg_current_xact_id()::text THEN
                RETURN NULL;
            END IF;
            PERFORM set_config('patient_totals.folded', pg_current_xact_id()::text, true);
            WITH keyed AS (
                SELECT id, count(*) OVER (PARTITION BY {key}) AS alike FROM {TOTAL} WHERE organization_id = NEW.organization_id
            ), folded AS (
                DELETE FROM {TOTAL} WHERE id = ANY(ARRAY(
                    SELECT id FROM {TOTAL} WHERE id = ANY(ARRAY(SELECT id FROM keyed WHERE alike > 1)) FOR UPDATE SKIP LOCKED
                )) RETURNING {key}, number
            )
            INSERT INTO {TOTAL} ({key}, number)
            SELECT {key}, sum(number) FROM folded GROUP BY {key} HAVING sum(number) <> 0;
            RETURN NULL;
            """,
        )
        # What folding itself inserts is deeper.
        yield f"""
        CREATE OR REPLACE TRIGGER patient_totals_fold AFTER INSERT ON {TOTAL} FOR EACH ROW
        WHEN (NEW.id % 64 = 0 AND pg_trigger_depth() < 2) EXECUTE FUNCTION fold_patient_totals()
        """

    def sqlite(self, columns: Sequence[str]) -> Iterator[str]:
        differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
        removed, added = _add(columns, "OLD", -1), _add(columns, "NEW", 1)
        bodies = {
            "INSERT": f"BEGIN {added} END",
            "DELETE": f"BEGIN {removed} END",
            f"UPDATE OF {', '.join(columns)}": f"WHEN {differs} BEGIN {removed} {added} END",
        }
        for event, body in bodies.items():
            yield f"CREATE TRIGGER patient_totals_{event.split()[0].lower()} AFTER {event} ON {PATIENT} FOR EACH ROW {body}"


def _add(columns: Sequence[str], row: str, number: int) -> str:
    """Return the statements of a SQLite trigger that add `number` to the total of `row`, which is NEW or OLD."""
    same = " AND ".join(f"{column} IS {row}.{column}" for column in columns)
    return (
        f"UPDATE {TOTAL} SET number = number + {number} WHERE {same};"
        f" INSERT INTO {TOTAL} ({', '.join(columns)}, number) SELECT {_of_row(row, columns)}, {number} WHERE changes() = 0;"
    )


class SearchEntries(DerivedTable):
    """The columns of each patient that lists search, filter and order by."""

    model = ("patients", "SearchEntry")
    triggers = {
        "postgresql": {f"search_entries_{event}": PATIENT for event in ON_POSTGRESQL},
        "sqlite": {f"search_entries_{event}": PATIENT for event in ON_SQLITE},
    }
    functions = ("copy_to_search_entries",)

    def filling(self, columns: Sequence[str]) -> str:
        copied = ", ".join(columns)
        return f"INSERT INTO {ENTRY} (id, {copied}) SELECT id, {copied} FROM {PATIENT}"

    def postgresql(self, columns: Sequence[str], schema: str) -> Iterator[str]:
        copied = ", ".join(columns)
        yield trigger_function(
            "copy_to_search_entries",
            schema,
            f"""
            IF TG_OP = 'INSERT' THEN
                INSERT INTO {ENTRY} (id, {copied}) SELECT id, {copied} FROM added;
            ELSIF TG_OP = 'UPDATE' THEN
                {_copy(columns)};
            ELSIF TG_OP = 'DELETE' THEN
                DELETE FROM {ENTRY} WHERE id IN (SELECT id FROM removed);
            ELSE
                DELETE FROM {ENTRY};
            END IF;
            RETURN NULL;
            """,
        )
        extents = {
            "insert": "REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
            "update": f"FOR EACH ROW WHEN (({_of_row('OLD', columns)}) IS DISTINCT FROM ({_of_row('NEW', columns)}))",
            "delete": "REFERENCING OLD TABLE AS removed FOR EACH STATEMENT",
            "truncate": "FOR EACH STATEMENT",
        }
        for event, extent in extents.items():
            yield f"""
            CREATE OR REPLACE TRIGGER search_entries_{event} AFTER {event} ON {PATIENT} {extent}
            EXECUTE FUNCTION copy_to_search_entries()
            """

    def sqlite(self, columns: Sequence[str]) -> Iterator[str]:
        copied, old, new = ", ".join(columns), _of_row("OLD", columns), _of_row("NEW", columns)
        bodies = {
            "INSERT": f"BEGIN INSERT INTO {ENTRY} (id, {copied}) VALUES (NEW.id, {new}); END",
            f"UPDATE OF {copied}": f"WHEN ({old}) IS NOT ({new}) BEGIN {_copy(columns)}; END",
            "DELETE": f"BEGIN DELETE FROM {ENTRY} WHERE id = OLD.id; END",
        }
        for event, body in bodies.items():
            yield f"CREATE TRIGGER search_entries_{event.split()[0].lower()} AFTER {event} ON {PATIENT} FOR EACH ROW {body}"


def _copy(columns: Sequence[str]) -> str:
    """Return the statement of a trigger that copies the changed row."""
    return f"UPDATE {ENTRY} SET ({', '.join(columns)}) = ({_of_row('NEW', columns)}) WHERE id = NEW.id"


class PatientChanges(KeptTriggers):
    """What changes a patient beside a write of their own row, and who comes into the care of a group.

    A patient is shown with their program, identifiers and the status of their login: a change of these moves `updated_at` of
    the patient. A patient who leaves or joins a care group, other than by being created in it, leaves a row for either group.
    """

    # Table of what is shown with a patient -> the patient's column, and that of the table, which say whose it is.
    parts: ClassVar[Mapping[str, tuple[str, str]]] = {
        "patients_enrolment": ("id", "patient_id"),
        "patients_patientidentifier": ("id", "patient_id"),
        "accounts_user": ("user_id", "id"),
    }

    @property
    def names(self) -> tuple[str, ...]:
        return ("patient_group_moves", *(self._name(table, event) for table, event in self._events()))

    def made(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        if connection.vendor == "sqlite":
            yield from self._sqlite()
        else:
            yield from self._postgresql(schema_of(connection))

    def dropped(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        on_postgres = connection.vendor == "postgresql"
        for name, table in zip(self.names, [PATIENT, *(table for table, _ in self._events())], strict=True):
            yield f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if on_postgres else ''}"
        for name in ("note_group_move", *map(self._function, self.parts)) if on_postgres else ():
            yield f"DROP FUNCTION IF EXISTS {name}()"

    def _events(self) -> Iterator[tuple[str, str]]:
        """Yield the tables of what is shown with a patient, with each event that changes it."""
        for table in self.parts:
            # Users are never removed, and a new one is no patient's yet.
            events = ("update",) if table == "accounts_user" else ("insert", "update", "delete")
            yield from ((table, event) for event in events)

    def _name(self, table: str, event: str) -> str:
        return f"patient_moved_by_{table.partition('_')[2]}_{event}"

    def _function(self, table: str) -> str:
        return f"move_patient_of_{table}"

    def _postgresql(self, schema: str) -> Iterator[str]:
        noted = f"""
            INSERT INTO {MOVE} (organization_id, care_group_id)
            SELECT NEW.organization_id, care_group_id FROM unnest(ARRAY[OLD.care_group_id, NEW.care_group_id]) AS care_group_id
            WHERE care_group_id IS NOT NULL;
            RETURN NULL;
        """
        yield trigger_function("note_group_move", schema, noted)
        yield f"""
        CREATE TRIGGER patient_group_moves AFTER UPDATE OF care_group_id ON {PATIENT} FOR EACH ROW
        WHEN (NEW.care_group_id IS DISTINCT FROM OLD.care_group_id) EXECUTE FUNCTION note_group_move()
        """
        for table, (own, named) in self.parts.items():
            whose = f"{own} IN (NEW.{named}, OLD.{named})"
            moved = f"UPDATE {PATIENT} SET updated_at = clock_timestamp() WHERE {whose}; RETURN NULL;"
            yield trigger_function(self._function(table), schema, moved)
        for table, event in self._events():
            only = " OF status" if table == "accounts_user" else ""
            yield f"""
            CREATE TRIGGER {self._name(table, event)} AFTER {event}{only} ON {table} FOR EACH ROW
            EXECUTE FUNCTION {self._function(table)}()
            """

    def _sqlite(self) -> Iterator[str]:
        noted = " ".join(
            f"INSERT INTO {MOVE} (organization_id, care_group_id) SELECT NEW.organization_id, {row}.care_group_id"
            f" WHERE {row}.care_group_id IS NOT NULL;"
            for row in ("OLD", "NEW")
        )
        moves = f"CREATE TRIGGER patient_group_moves AFTER UPDATE OF care_group_id ON {PATIENT} FOR EACH ROW"
        yield f"{moves} WHEN NEW.care_group_id IS NOT OLD.care_group_id BEGIN {noted} END"
        for table, event in self._events():
            only = " OF status" if table == "accounts_user" else ""
            own, named = self.parts[table]
            rows = {"insert": ("NEW",), "update": ("NEW", "OLD"), "delete": ("OLD",)}[event]
            whose = f"{own} IN ({', '.join(f'{row}.{named}' for row in rows)})"
            moved = f"UPDATE {PATIENT} SET updated_at = {NOW_ON_SQLITE} WHERE {whose};"
            yield f"CREATE TRIGGER {self._name(table, event)} AFTER {event}{only} ON {table} FOR EACH ROW BEGIN {moved} END"


class RowMoves(KeptTriggers):
    """That a row of a chart passed to another patient: it leaves a row for the organization.

    Whose groups these are is not looked up: SQLite could not remake the table of patients while triggers of other apps name it.
    """

    def __init__(self, app: str, tables: Iterable[str]):
        self.function, self.tables = f"note_row_move_in_{app}", tuple(tables)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{table}_moves" for table in self.tables)

    def made(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        noted = f"INSERT INTO {MOVE} (organization_id) VALUES (NEW.organization_id);"
        then = f"BEGIN {noted} END"
        if connection.vendor == "postgresql":
            yield trigger_function(self.function, schema_of(connection), f"{noted} RETURN NULL;")
            then = f"EXECUTE FUNCTION {self.function}()"
        for name, table in zip(self.names, self.tables, strict=True):
            differs = "(NEW.patient_id <> OLD.patient_id)"
            yield f"CREATE TRIGGER {name} AFTER UPDATE OF patient_id ON {table} FOR EACH ROW WHEN {differs} {then}"

    def dropped(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        on_postgres = connection.vendor == "postgresql"
        for name, table in zip(self.names, self.tables, strict=True):
            yield f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if on_postgres else ''}"
        if on_postgres:
            yield f"DROP FUNCTION IF EXISTS {self.function}()"


CHANGES = PatientChanges()
UPDATED_AT = MovedUpdatedAt(
    "patients",
    {
        PATIENT: (),
        "patients_patienttag": (),
        "patients_fieldvalue": (),
        "patients_relationship": (),
        "patients_referralattribution": (),
    },
)
MOVES = RowMoves("patients", [table for table in UPDATED_AT.tables if table != PATIENT])
TOTALS, ENTRIES = PatientTotals(), SearchEntries()
DERIVED_TABLES: tuple[DerivedTable, ...] = (TOTALS, ENTRIES)
ALL: tuple[Triggers, ...] = (*DERIVED_TABLES, UPDATED_AT, MOVES, CHANGES)
