"""Every change is audited and published by one call: no module but accounts.audit writes audit or outbox rows."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_import_law import modules

THE_ONE = "accounts.audit"
TABLES = {"AuditEvent", "AuditedPatient", "OutboxEvent"}
INSERTS = {"create", "bulk_create", "get_or_create", "update_or_create"}
# Take the model as their first argument.
BULK_INSERTS = {"insert_many", "insert_values"}
# How a change was once recorded, one half at a time.
BEFORE = {"audit.record", "events.emit", "events.emit_all"}


def writes(tree: ast.AST) -> Iterator[str]:
    """Yield the calls that write a row of the audit trail or of the outbox without `record_change`."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        parts = name.split(".")
        inserted = call.args[0] if parts[-1] in BULK_INSERTS and call.args else None
        made = parts[-1] in TABLES
        by_manager = parts[-1] in INSERTS and not TABLES.isdisjoint(parts)
        if made or by_manager or name in BEFORE or (inserted is not None and ast.unparse(inserted) in TABLES):
            yield name


def test_only_one_module_writes_the_audit_trail_and_the_outbox():
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules().items() if ".migrations" not in name}
    assert list(writes(trees[THE_ONE])), "the walk has seen the module that may"
    assert {name: found for name, tree in trees.items() if name != THE_ONE and (found := list(writes(tree)))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "audit.record(actor, 'patient.create')",
        "events.emit('patient.created', organization_id=1, subject=uuid)",
        "OutboxEvent(type='patient.created').save()",
        "OutboxEvent.objects.create(type='patient.created')",
        "models.AuditEvent.objects.bulk_create(rows)",
        "insert_many(AuditedPatient, rows)",
        "insert_values(OutboxEvent, names, rows)",
    ],
)
def test_the_walk_sees_every_other_way(line):
    assert len(list(writes(ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line", ["audit.record_read(actor, 'patient.read', patients=[])", "OutboxEvent.objects.filter(type='x')"]
)
def test_the_walk_lets_reads_be(line):
    assert list(writes(ast.parse(line))) == []
