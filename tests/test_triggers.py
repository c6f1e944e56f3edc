"""Derived tables: through migrations that alter what the triggers are on, and written anew where they are wrong."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.core.migrations import without_triggers
from config.core.schema import expected_triggers, triggers
from exports.management.commands import serve
from patients.models import Patient, PatientTotal, SearchEntry, Status
from patients.triggers import ALL
from tests import totals

COPIED = [field.attname for field in SearchEntry._meta.concrete_fields]


def execute(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def drop_trigger(name: str, table: str = "patients_patient") -> None:
    connection.check_constraints()
    execute(f"DROP TRIGGER {name}{f' ON {table}' if connection.vendor == 'postgresql' else ''}")


def check_tables() -> None:
    """Check that totals are numbers of patients, and that entries have the patients' values."""
    assert totals.kept() == totals.counted()
    assert sorted(SearchEntry.objects.values_list(*COPIED)) == sorted(Patient.objects.values_list(*COPIED))


# --- what must be there ------------------------------------------------------------------------------
@pytest.mark.django_db
def test_apps_list_the_triggers_that_their_migrations_make():
    assert triggers() == expected_triggers()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["patient_totals_update", "search_entries_insert"])
def test_migrate_and_serve_fail_where_a_trigger_is_missing(name):
    drop_trigger(name)
    with pytest.raises(CommandError, match=name):
        call_command("migrate", verbosity=0)
    with pytest.raises(CommandError, match=name):
        serve.Command().handle()


@pytest.mark.django_db
def test_a_database_that_is_not_migrated_to_the_end_may_lack_triggers():
    drop_trigger("patient_group_moves")
    for app, name in (
        ("clinical", "0008_changes"),
        ("patients", "0011_duplicates_and_incomplete_charts"),
        ("patients", "0010_imports"),
        ("patients", "0009_changes"),
    ):
        MigrationRecorder(connection).record_unapplied(app, name)
    call_command("migrate", "patients", "0008", verbosity=0)


# --- migrations --------------------------------------------------------------------------------------
def triage() -> models.Field:
    return models.CharField(max_length=8, default="none")


class Later(migrations.Migration):
    """Alters tables in ways that SQLite remakes them for, and a column that a trigger of PostgreSQL compares."""

    operations = without_triggers(
        ALL,
        [
            migrations.AddField("patient", "triage", triage()),
            migrations.AddField("searchentry", "triage", triage()),
            migrations.AlterField("patient", "status", models.CharField(max_length=32, choices=Status.choices)),
        ],
    )


@pytest.fixture
def migrated(clinic) -> Iterator[Patient]:
    """Return one of two patients, in a database that a later migration has altered."""
    patient, _ = clinic.patient(), clinic.patient()
    later, state = Later("9999_later", "patients"), MigrationLoader(connection).project_state()
    with connection.schema_editor(atomic=True) as editor:
        later.apply(state.clone(), editor)
    yield patient
    with connection.schema_editor(atomic=True) as editor:
        later.unapply(state, editor)
    assert triggers() == expected_triggers()
    check_tables()
    Patient.objects.filter(pk=patient.pk).update(status=Status.DECEASED, last_name_key="back")
    check_tables()


@pytest.mark.django_db(transaction=True)
def test_a_migration_can_alter_tables_that_have_triggers(migrated):
    assert triggers() == expected_triggers()
    check_tables()
    Patient.objects.filter(pk=migrated.pk).update(status=Status.INACTIVE, last_name_key="other")
    check_tables()
    execute(f"UPDATE patients_patient SET triage = 'high' WHERE id = {migrated.pk}")  # noqa: S608
    assert execute("SELECT triage FROM patients_searchentry ORDER BY triage") == [("high",), ("none",)]


# --- written anew ------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_tables_that_are_wrong_are_written_anew(clinic, capsys):
    wrong, missing, _ = [clinic.patient() for _ in range(3)]
    SearchEntry.objects.filter(pk=missing.pk).delete()
    SearchEntry.objects.filter(pk=wrong.pk).update(search_text="wrong", status=Status.DECEASED)
    PatientTotal.objects.update(number=17)
    drop_trigger("search_entries_insert")
    clinic.patient()
    with pytest.raises(AssertionError):
        check_tables()

    connection.check_constraints()
    call_command("rebuild_derived_tables")
    check_tables()
    assert "patients_searchentry: 4 rows" in capsys.readouterr().out
    clinic.patient()
    check_tables()
    assert triggers() == expected_triggers()


@pytest.mark.django_db
def test_triggers_that_are_missing_are_made_again():
    for name, table in (("patient_group_moves", "patients_patient"), ("clinical_allergy_updated_at", "clinical_allergy")):
        drop_trigger(name, table)
    call_command("rebuild_derived_tables", verbosity=0)
    assert triggers() == expected_triggers()
