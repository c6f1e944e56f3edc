"""The database itself refuses to change or remove a communication log, whoever asks.

The refusal ends where there is a table called `append_only_lifted` beside the logs. The product
never makes one, and the role that serves needs no right to; the test suite does, to empty its
tables. On SQLite REPLACE removes a row without a DELETE, so that it is refused by an id or a UUID
that is there already.
"""

from django.db import migrations

from config.core.migrations import run

TABLE = "clinical_communicationlog"

POSTGRESQL = (
    """
    CREATE FUNCTION refuse_in_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_regclass(format('%I.append_only_lifted', TG_TABLE_SCHEMA)) IS NULL THEN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END $$
    """,
    f"""
    CREATE TRIGGER communication_log_append_only BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION refuse_in_append_only()
    """,
    f"""
    CREATE TRIGGER communication_log_never_emptied BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_in_append_only()
    """,
)
POSTGRESQL_BACK = (
    f"DROP TRIGGER communication_log_never_emptied ON {TABLE}",
    f"DROP TRIGGER communication_log_append_only ON {TABLE}",
    "DROP FUNCTION refuse_in_append_only()",
)

IN_FORCE = "NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'append_only_lifted')"
SQLITE_EVENTS = {
    "update": IN_FORCE,
    "delete": IN_FORCE,
    "insert": f"EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id OR uuid = NEW.uuid) AND {IN_FORCE}",
}
SQLITE = tuple(
    f"""
    CREATE TRIGGER communication_log_append_only_{event} BEFORE {event} ON {TABLE} WHEN {condition}
    BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END
    """
    for event, condition in SQLITE_EVENTS.items()
)
SQLITE_BACK = tuple(f"DROP TRIGGER communication_log_append_only_{event}" for event in SQLITE_EVENTS)


def refuse(apps, schema_editor):
    run(schema_editor, POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def allow(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK)


class Migration(migrations.Migration):
    dependencies = [("clinical", "0002_charts")]
    operations = [migrations.RunPython(refuse, allow, elidable=False)]
