"""Chains of hashes, and a database that refuses to rewrite the trail.

A row of the trail is never changed. It is removed only up to the `pruned_event_id` of its organization's chain, which
`manage.py prune` moves, and which is signed: whoever moves it without the server's key is found by `manage.py verify_audit`.
The refusal ends where there is a table called `append_only_lifted` beside the trail, as for communication logs. On
SQLite REPLACE removes a row without a DELETE, so that it is refused by an id that is there already.
"""

from django.db import migrations, models

from config.core.migrations import run, schema_of, trigger_function

EVENT, PATIENT, SEAL, CHAIN = "accounts_auditevent", "accounts_auditedpatient", "accounts_auditseal", "accounts_auditchain"
# Table -> whether retention has released a row of it.
RELEASED = {
    EVENT: f"EXISTS (SELECT 1 FROM {CHAIN} WHERE organization_id = coalesce(OLD.organization_id, 0) AND pruned_event_id >= OLD.id)",
    PATIENT: (
        f"EXISTS (SELECT 1 FROM {EVENT} event JOIN {CHAIN} chain ON chain.organization_id = coalesce(event.organization_id, 0) "
        f"WHERE event.id = OLD.event_id AND chain.pruned_event_id >= event.id)"
    ),
    SEAL: f"EXISTS (SELECT 1 FROM {CHAIN} WHERE organization_id = OLD.organization_id AND pruned_event_id >= OLD.event_id)",
    CHAIN: "false",
}
# What never changes; the end of a chain moves, and is signed.
FIXED = (EVENT, PATIENT, SEAL)


def refusing(table, released, schema):
    """Return the statement that makes or replaces the function of `table`, which lets rows go where `released` is true."""
    return trigger_function(
        f"refuse_rewriting_{table.removeprefix('accounts_')}",
        schema,
        f"""
        IF to_regclass(format('%I.append_only_lifted', TG_TABLE_SCHEMA)) IS NULL THEN
            IF TG_OP <> 'DELETE' THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            ELSIF NOT ({released}) THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
        """,
    )


def postgresql(table, schema):
    word = table.removeprefix("accounts_")
    yield refusing(table, RELEASED[table], schema)
    events = "UPDATE OR DELETE" if table in FIXED else "DELETE"
    for name, when, level in (("append_only", events, "ROW"), ("never_emptied", "TRUNCATE", "STATEMENT")):
        yield f"""
        CREATE TRIGGER {word}_{name} BEFORE {when} ON {table}
        FOR EACH {level} EXECUTE FUNCTION refuse_rewriting_{word}()
        """


def postgresql_back(table, schema):
    word = table.removeprefix("accounts_")
    yield f"DROP TRIGGER {word}_append_only ON {table}"
    yield f"DROP TRIGGER {word}_never_emptied ON {table}"
    yield f"DROP FUNCTION refuse_rewriting_{word}()"


IN_FORCE = "NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'append_only_lifted')"
TAKEN = {
    EVENT: "id = NEW.id",
    PATIENT: "id = NEW.id",
    SEAL: "event_id = NEW.event_id OR (organization_id = NEW.organization_id AND position = NEW.position)",
}


def sqlite(table, schema):
    conditions = {"delete": f"{IN_FORCE} AND NOT {RELEASED[table]}"}
    if table in FIXED:
        conditions["update"] = IN_FORCE
        conditions["insert"] = f"EXISTS (SELECT 1 FROM {table} WHERE {TAKEN[table]}) AND {IN_FORCE}"
    for event, condition in conditions.items():
        yield f"""
        CREATE TRIGGER {table}_append_only_{event} BEFORE {event} ON {table} WHEN {condition}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
        """


def sqlite_back(table, schema):
    for event in ("delete", "update", "insert"):
        yield f"DROP TRIGGER IF EXISTS {table}_append_only_{event}"


def refuse(apps, schema_editor):
    run_for_all(schema_editor, postgresql if schema_editor.connection.vendor == "postgresql" else sqlite)


def allow(apps, schema_editor):
    run_for_all(schema_editor, postgresql_back if schema_editor.connection.vendor == "postgresql" else sqlite_back)


def run_for_all(schema_editor, statements_of):
    schema = schema_of(schema_editor.connection)
    for table in RELEASED:
        run(schema_editor, statements_of(table, schema))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_unlogged_rate_windows"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                (
                    "organization_id",
                    models.BigIntegerField(help_text="0 for events without organization.", primary_key=True, serialize=False),
                ),
                ("count", models.BigIntegerField(default=0, help_text="Events sealed since the beginning.")),
                ("last_event_id", models.BigIntegerField(default=0)),
                (
                    "last_digest",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        max_length=32,
                    ),
                ),
                (
                    "pruned_count",
                    models.BigIntegerField(default=0, help_text="Events removed after their retention, of those sealed."),
                ),
                (
                    "pruned_event_id",
                    models.BigIntegerField(default=0, help_text="Up to this one the database lets events be removed."),
                ),
                (
                    "pruned_digest",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        max_length=32,
                    ),
                ),
                ("signature", models.BinaryField(default=bytes, max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("organization_id", models.BigIntegerField(help_text="0 for events without organization.")),
                ("position", models.BigIntegerField(help_text="Counted from 1, without gaps.")),
                ("digest", models.BinaryField(max_length=32)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization_id", "position"), name="audit_seal_position_unique")],
            },
        ),
        migrations.RunPython(refuse, allow, elidable=False),
    ]
