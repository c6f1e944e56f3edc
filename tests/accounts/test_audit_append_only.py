"""The database refuses to rewrite the audit trail, by the ORM and by SQL, except for what retention has released."""

import importlib
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import audit
from accounts.models import AuditChain, AuditedPatient, AuditEvent, AuditSeal, Role
from accounts.scope import Actor
from accounts.services.audit_chains import seal_events
from tests.append_only import lifted, run

MIGRATIONS = [
    importlib.import_module(f"accounts.migrations.{name}") for name in ("0003_audit_trail", "0009_release_only_sealed_events")
]
FIXED = [AuditEvent, AuditedPatient, AuditSeal]
COLUMN = {AuditEvent: "action = 'x'", AuditedPatient: "patient_id = 1", AuditSeal: "digest = 'x'"}

BY_ORM: dict[str, Callable] = {
    "update": lambda model: model.objects.update(organization_id=1),
    "save": lambda model: model.objects.latest("pk").save(force_update=True),
    "delete": lambda model: model.objects.latest("pk").delete(),
    "raw delete": lambda model: model.objects.all()._raw_delete("default"),
}
BY_SQL = {
    "update": "UPDATE {table} SET {column}",
    "delete": "DELETE FROM {table}",
    "upsert": "INSERT INTO {table} ({all}) SELECT {all} FROM {table} WHERE true ON CONFLICT ({pk}) DO UPDATE SET {column}",
}
if connection.vendor == "sqlite":
    BY_SQL["replace"] = "REPLACE INTO {table} ({all}) SELECT {all} FROM {table}"
else:
    BY_SQL["truncate"] = "TRUNCATE {table} CASCADE"


@pytest.fixture(autouse=True)
def trail(clinic) -> None:
    actor = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk)
    for number in range(3):
        audit.record_read(actor, f"test.{number}", patients=[(clinic.organization.pk, number)])
    seal_events()
    connection.check_constraints()  # PostgreSQL would not empty a table of which keys are still to be checked.


def filled(sql: str, model) -> str:
    columns = ", ".join(field.column for field in model._meta.concrete_fields)
    return sql.format(table=model._meta.db_table, column=COLUMN[model], all=columns, pk=model._meta.pk.column)


def refused(attempt: Callable[[], object]) -> str:
    """Return why the database refuses `attempt`."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    return str(refusal.value)


def stored(model) -> list[dict]:
    return list(model.objects.order_by("pk").values())


@pytest.mark.parametrize("model", FIXED)
@pytest.mark.parametrize("way", BY_ORM.values(), ids=BY_ORM)
def test_the_orm_changes_and_removes_nothing(model, way):
    before = stored(model)
    if model is AuditEvent and way is BY_ORM["delete"]:
        AuditEvent.objects.create(action="without patients", route="x")
        before = stored(model)
    assert "append-only" in refused(lambda: way(model))
    assert stored(model) == before


@pytest.mark.parametrize("model", FIXED)
@pytest.mark.parametrize("sql", BY_SQL.values(), ids=BY_SQL)
def test_sql_changes_and_removes_nothing(model, sql):
    before = stored(model)
    assert "append-only" in refused(lambda: run(filled(sql, model)))
    assert stored(model) == before


def test_the_end_of_a_chain_is_not_removed(clinic):
    assert "append-only" in refused(lambda: AuditChain.objects.all().delete())
    if connection.vendor == "postgresql":
        assert "append-only" in refused(lambda: run("TRUNCATE accounts_auditchain"))


def test_rows_go_up_to_where_retention_has_released_them_and_no_further(clinic):
    one, two, three = AuditEvent.objects.filter(organization_id=clinic.organization.pk).order_by("pk")[:3]
    AuditChain.objects.filter(pk=clinic.organization.pk).update(pruned_event_id=two.pk)
    for kept in (three, AuditEvent.objects.filter(organization_id=None).first()):
        assert kept is None or "append-only" in refused(
            lambda kept=kept: AuditEvent.objects.filter(pk=kept.pk)._raw_delete("default")
        )
        assert kept is None or "append-only" in refused(lambda kept=kept: AuditSeal.objects.filter(pk=kept.pk).delete())
    assert "append-only" in refused(lambda: AuditEvent.objects.filter(pk=one.pk).update(action="x"))
    for event in (one, two):
        AuditedPatient.objects.filter(event=event).delete()
        event.delete()
        AuditSeal.objects.filter(event_id=event.pk).delete()
    assert "append-only" in refused(lambda: AuditedPatient.objects.filter(organization_id=clinic.organization.pk).delete())


def test_what_was_never_sealed_is_not_released(clinic):
    audit.record_read(Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk), "test.new", patients=[])
    event = AuditEvent.objects.latest("pk")
    patient = AuditedPatient.objects.create(event=event, organization_id=clinic.organization.pk, patient_id=1)
    AuditChain.objects.filter(pk=clinic.organization.pk).update(last_event_id=event.pk, pruned_event_id=event.pk)
    for row in (patient, event):
        assert "append-only" in refused(lambda row=row: type(row).objects.filter(pk=row.pk)._raw_delete("default"))


BACKWARDS = {
    "what was released": "UPDATE accounts_auditchain SET pruned_event_id = pruned_event_id - 1",
    "the count released": "UPDATE accounts_auditchain SET pruned_count = pruned_count - 1",
    "the end": "UPDATE accounts_auditchain SET last_event_id = last_event_id - 1",
    "the count": "UPDATE accounts_auditchain SET count = count - 1",
    "beyond the end": "UPDATE accounts_auditchain SET pruned_event_id = last_event_id + 1",
    "another organization": "UPDATE accounts_auditchain SET organization_id = -organization_id WHERE organization_id > 0",
}
if connection.vendor == "sqlite":
    BACKWARDS["replace"] = "REPLACE INTO accounts_auditchain SELECT * FROM accounts_auditchain"


@pytest.mark.parametrize("sql", BACKWARDS.values(), ids=BACKWARDS)
def test_the_bounds_of_a_chain_never_go_back(sql):
    """Else whoever moved them could delete what they release, and put back what the server has signed."""
    before = stored(AuditChain)
    assert "append-only" in refused(lambda: run(sql))
    assert stored(AuditChain) == before


@pytest.mark.parametrize("model", FIXED)
def test_the_refusal_is_the_triggers_and_ends_only_while_it_is_lifted(model):
    """Else every test above would pass against a database that refuses everything."""
    before = stored(model)
    with lifted():
        run(filled(BY_SQL["update"], model))
    assert stored(model) != before
    assert "append-only" in refused(lambda: run(filled(BY_SQL["update"], model)))


def test_the_triggers_go_down_and_up_again(clinic):
    editor = SimpleNamespace(connection=connection, execute=lambda sql, params=None: run(sql))
    first, second = MIGRATIONS
    second.back(None, editor)
    assert "append-only" in refused(lambda: AuditEvent.objects.update(action="x"))
    first.allow(None, editor)
    AuditEvent.objects.update(action="changed while it was down")
    first.refuse(None, editor)
    second.forward(None, editor)
    assert "append-only" in refused(lambda: AuditEvent.objects.update(action="x"))
    assert "append-only" in refused(lambda: AuditChain.objects.update(count=0))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's triggers ask the tables of their own database only")
def test_a_temporary_table_does_not_stand_for_the_chains():
    run("CREATE TEMPORARY TABLE accounts_auditchain (organization_id bigint, pruned_event_id bigint)")
    run("INSERT INTO accounts_auditchain SELECT id, 10 ^ 9 FROM accounts_organization")
    before = stored(AuditSeal)
    assert "append-only" in refused(lambda: run("DELETE FROM accounts_auditseal WHERE organization_id > 0"))
    run("DROP TABLE pg_temp.accounts_auditchain")
    assert stored(AuditSeal) == before
