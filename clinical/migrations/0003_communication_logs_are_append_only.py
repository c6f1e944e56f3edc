"""The database itself refuses to change or remove a communication log, whoever asks.

Those of a sandbox may be removed: its data is invented, and made anew by `manage.py reset_sandbox`. The
refusal ends where there is a table called `append_only_lifted` beside the logs. The product never makes
one, and the role that serves needs no right to; the test suite does, to empty its tables. On SQLite REPLACE removes a row without a DELETE, so that it is refused by an id or a UUID
that is there already.

One change is let through: while a merge of two records stands, a log passes from one to the other, and
nothing else of it changes but when that was. The triggers name no table of patients, which SQLite could
not remake then.
"""

from django.db import migrations

from config.core.migrations import run, schema_of, trigger_function

TABLE = "clinical_communicationlog"
OF_SANDBOX = "EXISTS (SELECT 1 FROM accounts_organization WHERE id = OLD.organization_id AND is_sandbox)"
MERGE = "patients_patientmerge"
# What a log that passes to another record may have changed.
PASSING = ("patient_id", "updated_at")
MERGED = f"""
EXISTS (
    SELECT 1 FROM {MERGE} WHERE undone_at IS NULL AND (
        (other_id = OLD.patient_id AND patient_id = NEW.patient_id) OR (patient_id = OLD.patient_id AND other_id = NEW.patient_id)
    )
)
"""


def postgresql(schema):
    """Return the statements that make the functions and triggers in `schema`."""
    passing = ", ".join(f"'{column}'" for column in PASSING)
    return (
        trigger_function(
            "refuse_in_append_only",
            schema,
            f"""
            IF to_regclass(format('%I.append_only_lifted', TG_TABLE_SCHEMA)) IS NULL THEN
                IF TG_OP = 'TRUNCATE' THEN
                    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
                ELSIF TG_OP = 'DELETE' THEN
                    IF NOT {OF_SANDBOX} THEN
                        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
                    END IF;
                ELSIF to_jsonb(OLD) - ARRAY[{passing}] <> to_jsonb(NEW) - ARRAY[{passing}] OR NOT {MERGED} THEN
                    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            RETURN NEW;
            """,
        ),
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


def sqlite(columns):
    """Return the statements that make the triggers of a table with these `columns`."""
    same = " AND ".join(f"OLD.{column} IS NEW.{column}" for column in columns if column not in PASSING)
    events = {
        "update": f"NOT ({same} AND {MERGED}) AND {IN_FORCE}",
        "delete": f"NOT {OF_SANDBOX} AND {IN_FORCE}",
        "insert": f"EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id OR uuid = NEW.uuid) AND {IN_FORCE}",
    }
    return tuple(
        f"""
        CREATE TRIGGER communication_log_append_only_{event} BEFORE {event} ON {TABLE} WHEN {condition}
        BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END
        """
        for event, condition in events.items()
    )


SQLITE_EVENTS = ("update", "delete", "insert")
SQLITE_BACK = tuple(f"DROP TRIGGER communication_log_append_only_{event}" for event in SQLITE_EVENTS)


def refuse(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor == "postgresql":
        run(schema_editor, postgresql(schema_of(connection)))
        return
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, TABLE)]
    run(schema_editor, sqlite(columns))


def allow(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK)


class Migration(migrations.Migration):
    # SQLite cannot remake a table that a trigger names, as migrations of organizations do.
    dependencies = [
        ("clinical", "0002_charts"),
        ("patients", "0003_charts"),
        ("accounts", "0010_sandboxes_stay_sandboxes"),
    ]
    operations = [migrations.RunPython(refuse, allow, elidable=False)]
