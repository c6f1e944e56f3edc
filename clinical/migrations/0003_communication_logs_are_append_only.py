"""The database itself refuses to change or remove a communication log, whoever asks.

Those of a sandbox may be removed: its data is invented, and made anew by `manage.py reset_sandbox`. The refusal ends where there is a table called `append_only_lifted` beside the logs. The product
never makes one, and the role that serves needs no right to; the test suite does, to empty its
tables. On SQLite REPLACE removes a row without a DELETE, so that it is refused by an id or a UUID
that is there already.
"""

from django.db import migrations

from config.core.migrations import run, schema_of, trigger_function

TABLE = "clinical_communicationlog"
OF_SANDBOX = "EXISTS (SELECT 1 FROM accounts_organization WHERE id = OLD.organization_id AND is_sandbox)"


def postgresql(schema):
    yield trigger_function(
        "refuse_in_append_only",
        schema,
        f"""
        IF to_regclass(format('%I.append_only_lifted', TG_TABLE_SCHEMA)) IS NULL THEN
            IF TG_OP <> 'DELETE' THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            ELSIF NOT {OF_SANDBOX} THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
        """,
    )
    yield f"""
    CREATE TRIGGER communication_log_append_only BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION refuse_in_append_only()
    """
    yield f"""
    CREATE TRIGGER communication_log_never_emptied BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_in_append_only()
    """


POSTGRESQL_BACK = (
    f"DROP TRIGGER communication_log_never_emptied ON {TABLE}",
    f"DROP TRIGGER communication_log_append_only ON {TABLE}",
    "DROP FUNCTION refuse_in_append_only()",
)

IN_FORCE = "NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'append_only_lifted')"
SQLITE_EVENTS = {
    "update": IN_FORCE,
    "delete": f"NOT {OF_SANDBOX} AND {IN_FORCE}",
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
    connection = schema_editor.connection
    run(schema_editor, postgresql(schema_of(connection)) if connection.vendor == "postgresql" else SQLITE)


def allow(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK)


class Migration(migrations.Migration):
    # SQLite cannot remake a table that a trigger names, as migrations of organizations do.
    dependencies = [("clinical", "0002_charts"), ("accounts", "0010_sandboxes_stay_sandboxes")]
    operations = [migrations.RunPython(refuse, allow, elidable=False)]
