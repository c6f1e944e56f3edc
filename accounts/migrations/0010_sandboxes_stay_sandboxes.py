"""No organization becomes a sandbox, or stops being one: of a sandbox everything may be deleted, of any other nothing."""

from django.db import migrations

from config.core.migrations import run, schema_of, trigger_function

TABLE, TRIGGER, FUNCTION = "accounts_organization", "organization_sandbox_fixed", "refuse_changing_sandbox"
REFUSAL = "an organization is a sandbox from the beginning or never"


def postgresql(schema):
    yield trigger_function(FUNCTION, schema, f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';")
    yield f"""
    CREATE TRIGGER {TRIGGER} BEFORE UPDATE ON {TABLE}
    FOR EACH ROW WHEN (NEW.is_sandbox <> OLD.is_sandbox) EXECUTE FUNCTION {FUNCTION}()
    """


POSTGRESQL_BACK = (f"DROP TRIGGER {TRIGGER} ON {TABLE}", f"DROP FUNCTION {FUNCTION}()")
SQLITE = (
    f"""
    CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF is_sandbox ON {TABLE} WHEN NEW.is_sandbox <> OLD.is_sandbox
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
    """,
)
SQLITE_BACK = (f"DROP TRIGGER IF EXISTS {TRIGGER}",)


def refuse(apps, schema_editor):
    connection = schema_editor.connection
    run(schema_editor, postgresql(schema_of(connection)) if connection.vendor == "postgresql" else SQLITE)


def allow(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_release_only_sealed_events"),
    ]

    operations = [migrations.RunPython(refuse, allow, elidable=False)]
