"""Retention releases only what has a seal, and the bounds of a chain never go back.

By migration 0003 whoever set `pruned_event_id` forward could delete what was not sealed yet, and then put back the number that
the server had signed. Now an event goes before its seal, and a bound that was moved stays so, to be found by
`manage.py verify_audit`.
"""

import importlib

from django.db import migrations

from config.core.migrations import run, schema_of

before = importlib.import_module("accounts.migrations.0003_audit_trail")

EVENT, PATIENT, SEAL, CHAIN = "accounts_auditevent", "accounts_auditedpatient", "accounts_auditseal", "accounts_auditchain"
SEALED = (
    f"EXISTS (SELECT 1 FROM {SEAL} seal JOIN {CHAIN} chain ON chain.organization_id = seal.organization_id "
    "WHERE seal.event_id = {} AND chain.pruned_event_id >= seal.event_id)"
)
# Table -> whether retention has released a row of it.
RELEASED = {
    EVENT: SEALED.format("OLD.id"),
    PATIENT: SEALED.format("OLD.event_id"),
    SEAL: f"{SEALED.format('OLD.event_id')} AND NOT EXISTS (SELECT 1 FROM {EVENT} WHERE id = OLD.event_id)",
}
BOUNDS = ("count", "last_event_id", "pruned_count", "pruned_event_id")
FORWARD = " AND ".join(
    ["NEW.organization_id = OLD.organization_id", "NEW.pruned_event_id <= NEW.last_event_id", "NEW.pruned_count <= NEW.count"]
    + [f"NEW.{bound} >= OLD.{bound}" for bound in BOUNDS]
)


def postgresql(released, schema):
    for table, condition in released.items():
        yield before.refusing(table, condition, schema)


POSTGRESQL_BOUNDS = f"""
CREATE TRIGGER auditchain_only_forward BEFORE UPDATE ON {CHAIN}
FOR EACH ROW WHEN (NOT ({FORWARD})) EXECUTE FUNCTION refuse_rewriting_auditchain()
"""
POSTGRESQL_NO_BOUNDS = f"DROP TRIGGER auditchain_only_forward ON {CHAIN}"

IN_FORCE = "NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'append_only_lifted')"


def sqlite(released):
    for table, condition in released.items():
        yield f"DROP TRIGGER IF EXISTS {table}_append_only_delete"
        yield refusal(table, "delete", f"NOT ({condition})")


def refusal(table, event, condition):
    return f"""
    CREATE TRIGGER {table}_append_only_{event} BEFORE {event} ON {table} WHEN {condition} AND {IN_FORCE}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
    """


SQLITE_BOUNDS = (
    refusal(CHAIN, "update", f"NOT ({FORWARD})"),
    refusal(CHAIN, "insert", f"EXISTS (SELECT 1 FROM {CHAIN} WHERE organization_id = NEW.organization_id)"),
)
SQLITE_NO_BOUNDS = tuple(f"DROP TRIGGER IF EXISTS {CHAIN}_append_only_{event}" for event in ("update", "insert"))


def forward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        run(schema_editor, [*postgresql(RELEASED, schema_of(schema_editor.connection)), POSTGRESQL_BOUNDS])
    else:
        run(schema_editor, [*sqlite(RELEASED), *SQLITE_BOUNDS])


def back(apps, schema_editor):
    released = {table: before.RELEASED[table] for table in RELEASED}
    if schema_editor.connection.vendor == "postgresql":
        run(schema_editor, [*postgresql(released, schema_of(schema_editor.connection)), POSTGRESQL_NO_BOUNDS])
    else:
        run(schema_editor, [*sqlite(released), *SQLITE_NO_BOUNDS])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_empty_django_session"),
    ]

    operations = [migrations.RunPython(forward, back, elidable=False)]
