"""The database refuses to change or remove a communication log, by the ORM and by SQL, and the product cannot make it."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from clinical.models import CommunicationLog
from tests.append_only import lifted, run
from tests.factories import Clinic

MIGRATION = importlib.import_module("clinical.migrations.0003_communication_logs_are_append_only")
COLUMNS = ", ".join(field.column for field in CommunicationLog._meta.concrete_fields)

BY_ORM: dict[str, Callable[[], object]] = {
    "update": lambda: CommunicationLog.objects.update(note="Changed"),
    "update of nothing new": lambda: CommunicationLog.objects.update(note=F("note")),
    "update of one": lambda: CommunicationLog.objects.filter(note="As it was").update(mode="fax"),
    "bulk update": lambda: CommunicationLog.objects.bulk_update(
        [CommunicationLog(pk=row.pk, note="Changed") for row in CommunicationLog.objects.all()], ["note"]
    ),
    "save past the model": lambda: CommunicationLog.objects.get().save_base(force_update=True),
    "delete": lambda: CommunicationLog.objects.get().delete(),
    "delete of many": lambda: CommunicationLog.objects.all().delete(),
    "raw delete": lambda: CommunicationLog.objects.all()._raw_delete("default"),
}
OTHER_COLUMNS = COLUMNS.removeprefix("id, ")

BY_SQL = {
    "update": "UPDATE {table} SET note = 'Changed'",
    "update of the time": "UPDATE {table} SET created_at = '2020-01-01'",
    "delete": "DELETE FROM {table}",
    "delete of one": "DELETE FROM {table} WHERE note = 'As it was'",
}
UPSERTS = {
    "upsert": "INSERT INTO {table} ({all}) SELECT {all} FROM {table} WHERE true ON CONFLICT (id) DO UPDATE SET note = 'Changed'",
}
if connection.vendor == "sqlite":
    UPSERTS["replace"] = "REPLACE INTO {table} ({all}) SELECT {all} FROM {table}"
    UPSERTS["replace by UUID"] = "REPLACE INTO {table} ({others}) SELECT {others} FROM {table}"
else:
    BY_SQL["truncate"] = "TRUNCATE {table}"


@pytest.fixture
def log(clinic) -> CommunicationLog:
    row = clinic.entry(CommunicationLog, clinic.patient(), note="As it was")
    connection.check_constraints()  # PostgreSQL would not empty a table of which keys are still to be checked.
    return row


def filled(sql: str) -> str:
    """Return `sql` with the names of the table and its columns."""
    return sql.format(table=CommunicationLog._meta.db_table, all=COLUMNS, others=OTHER_COLUMNS)


def refused(attempt: Callable[[], object]) -> str:
    """Return why the database refuses `attempt`."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    return str(refusal.value)


def stored() -> list[dict]:
    return list(CommunicationLog.objects.values())


@pytest.mark.parametrize("way", BY_ORM)
def test_the_orm_changes_and_removes_nothing(log, way):
    before = stored()
    assert "append-only" in refused(BY_ORM[way])
    assert stored() == before


@pytest.mark.parametrize("sql", [*BY_SQL.values(), *UPSERTS.values()], ids=[*BY_SQL, *UPSERTS])
def test_sql_changes_and_removes_nothing(log, sql):
    before = stored()
    assert "append-only" in refused(lambda: run(filled(sql)))
    assert stored() == before


def test_the_model_refuses_before_the_database_does(log):
    log.note = "Changed"
    with pytest.raises(TypeError, match="never changed"):
        log.save()


def test_rows_are_added_all_the_same(clinic, log):
    one, two = (clinic.entry(CommunicationLog, log.patient) for _ in range(2))
    CommunicationLog.objects.bulk_create(
        CommunicationLog(
            organization_id=log.organization_id, patient=log.patient, communication_datetime=log.communication_datetime
        )
        for _ in range(2)
    )
    assert CommunicationLog.objects.count() == 5
    assert one.pk < two.pk


@pytest.mark.parametrize("sql", BY_SQL.values(), ids=BY_SQL)
def test_the_refusal_is_the_triggers_and_ends_only_while_it_is_lifted(clinic, log, sql):
    """Else every test above would pass against a database that refuses everything."""
    before = stored()
    with lifted():
        run(filled(sql))
    assert stored() != before
    clinic.entry(CommunicationLog, log.patient)
    assert "append-only" in refused(lambda: CommunicationLog.objects.update(note="Changed"))


def test_nothing_but_the_tests_lifts_it(db):
    assert "append_only_lifted" not in connection.introspection.table_names()
    packages = ("accounts", "clinical", "config", "exports", "patients", "bench", "templates", ".ci")
    named = {
        str(path.relative_to(settings.BASE_DIR))
        for package in packages
        for path in (Path(settings.BASE_DIR) / package).rglob("*")
        if path.is_file() and b"append_only_lifted" in path.read_bytes() and path.suffix != ".pyc"
    }
    assert named == {
        "accounts/migrations/0003_audit_trail.py",
        "accounts/migrations/0009_release_only_sealed_events.py",
        "clinical/migrations/0003_communication_logs_are_append_only.py",
    }


def test_the_migration_goes_down_and_up_again(log):
    editor = SimpleNamespace(connection=connection, execute=lambda sql, params=None: run(sql))
    MIGRATION.allow(None, editor)
    CommunicationLog.objects.update(note="Changed while it was down")
    MIGRATION.refuse(None, editor)
    assert "append-only" in refused(lambda: CommunicationLog.objects.update(note="x"))
    assert CommunicationLog.objects.get().note == "Changed while it was down"


@pytest.mark.django_db(transaction=True)
def test_the_suite_empties_the_table_after_a_test_that_commits():
    clinic = Clinic("Hill Valley")
    clinic.entry(CommunicationLog, clinic.patient())
    with pytest.raises(IntegrityError, match="append-only"):
        CommunicationLog.objects.all().delete()
    assert CommunicationLog.objects.count() == 1  # An error of this test's end would tell that it stays.
