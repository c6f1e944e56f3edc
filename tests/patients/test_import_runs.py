"""Imports of uploaded files: checked, carried out and undone step by step, by the rules of the command."""

import csv
import datetime
import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent, Role
from clinical.models import Allergy
from config.core.exceptions import Conflict, Invalid
from config.core.tables import FileRefused
from patients import import_runs
from patients.import_options import Mode, OnError
from patients.import_runs import Findings, begin_import, choose_columns, error_table, stop_import, take_step
from patients.models import ImportCreation, ImportState, Patient, PatientImport
from patients.services.charts import create_entry
from patients.services.imports import begin_undo, changed_since, undo_rows
from patients.services.lifecycle import archive_patient
from patients.services.patients import update_patient
from tests.factories import SYSTEM

HEADER = "first_name,last_name,chart_number\n"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Let files of a few rows take several steps."""
    monkeypatch.setattr(import_runs, "CHUNK", 2)


def rows(count: int, first: int = 1) -> str:
    return "".join(f"Ann{number},Lee{number},C-{number}\n" for number in range(first, first + count))


def finish(clinic, run: PatientImport) -> int:
    """Take steps until nothing changes any more, and return how many were taken."""
    steps, states = 0, (ImportState.CHECKING, ImportState.IMPORTING, ImportState.UNDOING)
    while run.state in states:
        if run.state == ImportState.UNDOING:
            undo_rows(actor=clinic.actor(Role.HC_ADMIN), run=run)
            run.refresh_from_db()
        else:
            take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
        steps += 1
        assert steps < 20
    return steps


def checked(clinic, content: str, **options) -> PatientImport:
    run = clinic.upload(content, **options)
    finish(clinic, run)
    assert run.state == ImportState.CHECKED
    return run


def imported(clinic, content: str, **options) -> PatientImport:
    run = checked(clinic, content, **options)
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    finish(clinic, run)
    assert run.state == ImportState.DONE
    return run


def counts(run: PatientImport) -> tuple[int, int, int, int]:
    return run.created, run.updated, run.skipped, run.failed


def own_patients(clinic):
    return Patient.objects.filter(organization=clinic.organization).order_by("pk")


# --- check ------------------------------------------------------------------------------------------
def test_a_check_tells_what_would_happen_and_writes_nothing(clinic):
    clinic.patient(first_name="Ann1", last_name="Lee1", chart_number="C-1")
    clinic.patient(first_name="Old", last_name="Name", chart_number="C-2")
    before = own_patients(clinic).count()
    content = f"{HEADER}{rows(4)}Bo,,C-9\n"
    run = clinic.upload(content, mode=Mode.UPSERT)
    assert finish(clinic, run) == 3
    assert (run.state, counts(run)) == (ImportState.CHECKED, (2, 1, 1, 1))
    assert own_patients(clinic).count() == before
    findings = Findings.of(run)
    assert findings.problems == [[4, 6, "last_name", "This field is required."]]
    assert findings.shown["updated"] == [[3, ["Lee2", "Ann2", "", "C-2"], ["first_name", "last_name"]]]
    assert [line for line, *_ in findings.shown["created"]] == [4, 5]


def test_a_check_and_the_import_after_it_agree_about_numbers_that_stand_in_two_chunks(clinic):
    run = checked(clinic, f"{HEADER}{rows(3)}{rows(1)}")
    assert (counts(run), Findings.of(run).problems) == ((3, 0, 0, 1), [[3, 5, "chart_number", "duplicate chart number"]])
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    finish(clinic, run)
    assert (counts(run), Findings.of(run).problems) == ((3, 0, 0, 1), [[3, 5, "chart_number", "duplicate chart number"]])


@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.UPSERT])
def test_a_patient_whom_an_earlier_chunk_has_updated_is_not_updated_again(clinic, mode):
    for number in (1, 2, 3):
        clinic.patient(chart_number=f"C-{number}")
    run = imported(clinic, f"{HEADER}{rows(3)}Other,Name,C-1\n", mode=mode)
    assert counts(run) == (0, 3, 0, 1)
    assert own_patients(clinic).get(chart_number="C-1").first_name == "Ann1"


def test_a_file_that_is_no_table_is_refused_in_words(clinic):
    for content, words in (
        (b"PK\x03\x04...", "workbook of a spreadsheet program"),
        (b"", "is empty"),
        (HEADER.encode(), "no rows below its header"),
        (b"first_name,last\xff\nA,B\n", "not UTF-8 text"),
        (HEADER.encode() + b"A,B,C\n" * 10_001, "more than 10,000 rows"),
        (b" " * (import_runs.MAX_FILE + 1), "larger than 8 MB"),
    ):
        with pytest.raises(FileRefused, match=words):
            clinic.upload(content)
    assert not PatientImport.objects.filter(organization=clinic.organization).exists()


def test_dates_and_encodings_are_read_as_was_chosen(clinic):
    content = "first_name;last_name;date_of_birth\nZoë;Lee;03-04-1980\n".encode("cp1252")
    imported(clinic, content, encoding="cp1252", date_order="dmy")
    patient = own_patients(clinic).get(last_name="Lee")
    assert (patient.first_name, patient.date_of_birth) == ("Zoë", datetime.date(1980, 4, 3))


# --- columns ----------------------------------------------------------------------------------------
def test_unknown_columns_wait_for_somebody_and_are_remembered_for_the_next_file(clinic, neighbour):
    header = "Given name;Surname;Our note\n"
    run = clinic.upload(f"{header}Ann;Lee;x\n")
    assert (run.state, run.columns) == (ImportState.COLUMNS, None)
    assert import_runs.likely_columns(run) == ["first_name", "last_name", None]
    choose_columns(run=run, columns=["first_name", "last_name", None])
    finish(clinic, run)
    assert counts(run) == (1, 0, 0, 0)
    again = imported(clinic, f"{header.lower()}Bo;Ray;y\n")
    assert again.columns == ["first_name", "last_name", None]
    assert own_patients(clinic).filter(first_name="Bo", last_name="Ray").exists()
    assert neighbour.upload(f"{header}Ann;Lee;x\n").state == ImportState.COLUMNS


def test_a_column_is_known_by_what_people_call_it(clinic):
    run = clinic.upload("Given name;Surname;Born;E-mail;Our note\nAnn;Lee;1980-04-03;ann@example.org;x\n")
    assert import_runs.likely_columns(run) == ["first_name", "last_name", "date_of_birth", "email", None]


def test_columns_are_remembered_only_where_they_name_what_the_rows_need(clinic):
    header = "Given name;Surname\n"
    run = clinic.upload(f"{header}Ann;Lee\n")
    choose_columns(run=run, columns=["first_name", "last_name"])
    assert clinic.upload(f"{header}Ann;Lee\n", mode=Mode.UPDATE).state == ImportState.COLUMNS


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["first_name", "first_name", None], "Two columns are chosen for first name"),
        (["first_name", None, None], "No column is chosen for last name"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_in_words(clinic, columns, words):
    run = clinic.upload("a,b,c\n1,2,3\n")
    with pytest.raises(Invalid, match=words):
        choose_columns(run=run, columns=columns)
    run.refresh_from_db()
    assert run.state == ImportState.COLUMNS


def test_other_columns_begin_the_check_anew(clinic):
    run = checked(clinic, f"{HEADER}{rows(3)}")
    choose_columns(run=run, columns=["last_name", "first_name", None])
    finish(clinic, run)
    assert counts(run) == (3, 0, 0, 0)
    assert Findings.of(run).shown["created"][0] == [2, ["Ann1", "Lee1", "", ""], []]


# --- import -----------------------------------------------------------------------------------------
def test_an_import_writes_what_was_checked_and_forgets_the_file(clinic):
    run = imported(clinic, f"{HEADER}{rows(5)}", care_group=clinic.group)
    assert (counts(run), run.position) == ((5, 0, 0, 0), 5)
    assert (run.content_sealed, run.findings_sealed) == (None, None)
    written = own_patients(clinic).filter(chart_number__startswith="C-")
    assert {patient.care_group_id for patient in written} == {clinic.group.pk}
    assert [*ImportCreation.objects.filter(patient_import=run).values_list("patient_id", flat=True)] == [p.pk for p in written]
    events = AuditEvent.objects.filter(organization_id=clinic.organization.pk, user_id=clinic.users[Role.HC_ADMIN].pk)
    actions = list(events.order_by("pk").values_list("action", flat=True))
    assert actions == ["patient_import.create", "patient_import.start", *["patient.bulk_create"] * 3, "patient_import.complete"]
    assert OutboxEvent.objects.filter(type="patient.created", subject_uuid__in=[p.uuid for p in written]).count() == 5


def test_each_step_is_taken_once_whoever_asks_for_it(clinic):
    """Two pages that show the same import both ask for the next step."""
    run = checked(clinic, f"{HEADER}{rows(4)}")
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    other = PatientImport.objects.get(pk=run.pk)
    take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
    take_step(actor=clinic.actor(Role.HC_ADMIN), run=other)
    assert (other.position, counts(other)) == (2, (2, 0, 0, 0))
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == 2
    finish(clinic, other)
    assert counts(other) == (4, 0, 0, 0)


def test_a_step_that_fails_leaves_nothing_of_itself(clinic, monkeypatch):
    run = checked(clinic, f"{HEADER}{rows(4)}")
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
    with monkeypatch.context() as patch:
        patch.setattr(import_runs.ImportStep, "_save", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == 2
    finish(clinic, PatientImport.objects.get(pk=run.pk))
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == 4


def test_with_a_wrong_row_nothing_is_imported_where_that_was_chosen(clinic):
    run = checked(clinic, f"{HEADER}{rows(3)},,\nBo,,C-9\n", on_error=OnError.ABORT)
    assert counts(run) == (3, 0, 0, 1)
    with pytest.raises(Conflict, match="mend them"):
        begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    assert not own_patients(clinic).filter(chart_number__startswith="C-").exists()


def test_what_went_wrong_since_the_check_stops_all_rows_where_that_was_chosen(clinic):
    run = checked(clinic, f"{HEADER}{rows(5)}", on_error=OnError.ABORT)
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    clinic.patient(chart_number="C-5")
    assert finish(clinic, run) == 1
    assert (run.state, counts(run)) == (ImportState.DONE, (0, 0, 4, 1))
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == 1


def test_nothing_is_written_before_the_check_or_twice(clinic):
    run = clinic.upload(f"{HEADER}{rows(3)}")
    with pytest.raises(Conflict):
        begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    run = imported(clinic, f"{HEADER}{rows(3)}")
    with pytest.raises(Conflict):
        begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    with pytest.raises(Conflict):
        choose_columns(run=run, columns=["first_name", "last_name", None])


@pytest.mark.parametrize("mode", list(Mode))
def test_the_command_and_a_page_do_the_same_with_a_file(clinic, neighbour, tmp_path, mode):
    lines = f"{HEADER}{rows(4)}Bo,,C-9\nCy,Day\nAnn1,Lee1,C-1\n"
    for each in (clinic, neighbour):
        each.patient(first_name="Ann1", last_name="Lee1", chart_number="C-1")
        each.patient(first_name="Old", last_name="Name", chart_number="C-2")
    run = imported(clinic, lines, mode=mode)
    path = tmp_path / "people.csv"
    path.write_text(lines)
    out = io.StringIO()
    with pytest.raises(Exception, match="rows failed"):
        call_command("import_patients", path, organization=neighbour.organization.slug, mode=mode, stdout=out)
    said = [f"{number} {name}" for name in import_runs.COUNTS if (number := getattr(run, name))]
    assert out.getvalue() == f"7 rows: {', '.join(said)}.\n"
    told = csv.DictReader(path.with_suffix(".errors.csv").read_text().splitlines())
    # The command writes a chunk's unreadable rows before its others.
    of_command = sorted((int(row["line"]), row["field"], row["message"]) for row in told)
    assert sorted((line, name, message) for _, line, name, message in Findings.of(run).problems) == of_command
    shown = ("first_name", "last_name", "chart_number", "version")
    assert [*own_patients(clinic).values_list(*shown)] == [*own_patients(neighbour).values_list(*shown)]


# --- what is kept -----------------------------------------------------------------------------------
def test_what_a_file_holds_is_nowhere_readable_in_the_database(clinic):
    run = checked(clinic, f"{HEADER}Zzcanary,,Zzcanary-1\n")
    stored = PatientImport.objects.filter(pk=run.pk).values().get()
    assert b"zzcanary" not in b"".join(bytes(value) for value in stored.values() if isinstance(value, bytes | memoryview)).lower()
    assert "zzcanary" not in str({name: value for name, value in stored.items() if not name.endswith("_sealed")}).lower()
    assert run.content
    assert b"Zzcanary" in run.content


def test_after_an_import_the_rows_that_were_wrong_can_be_downloaded_until_the_file_is_removed(clinic):
    run = imported(clinic, f"{HEADER}{rows(1)}Bo,,C-9\n")
    table, encoding = error_table(run)
    (row,) = csv.DictReader(io.StringIO(table.decode(encoding)))
    expected = {"line": "3", "field": "last_name", "message": "This field is required.", "first_name": "Bo", "last_name": ""}
    assert row == {**expected, "chart_number": "C-9"}
    import_runs.forget_file(actor=clinic.actor(Role.HC_ADMIN), run=run)
    assert (run.state, run.content_sealed, run.findings_sealed, run.failed) == (ImportState.DONE, None, None, 1)
    with pytest.raises(Conflict, match="no longer kept"):
        error_table(run)


def test_rows_that_were_wrong_are_mended_in_their_table_and_uploaded_as_it_is(clinic):
    header = "Given name,Surname,Gender\n"
    run = clinic.upload(f"{header}Ann,Lee,female\nBo,,x\nCy,Day\n")
    choose_columns(run=run, columns=["first_name", "last_name", "gender"])
    finish(clinic, run)
    table, encoding = error_table(run)
    first, second = csv.DictReader(io.StringIO(table.decode(encoding)))
    assert (first["line"], first["field"]) == ("3", "gender; last_name")
    assert first["message"] == '"x" is not a valid choice. This field is required.'
    assert (second["line"], second["field"], second["Given name"]) == ("4", "", "Cy")
    mended = table.decode(encoding).replace("Bo,,x", "Bo,Ray,male").replace("Cy,Day", "Cy,Day,")
    again = imported(clinic, mended)
    assert (counts(again), again.columns) == ((2, 0, 0, 0), [None, None, None, "first_name", "last_name", "gender"])


def test_prune_removes_files_after_a_day_and_ends_what_was_not_finished(clinic):
    unwritten, begun, done = clinic.upload(), checked(clinic, f"{HEADER}{rows(5)}"), imported(clinic, f"{HEADER}Bo,,C-9\n")
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=begun)
    fresh = clinic.upload()
    runs = [unwritten, begun, done]
    old = timezone.now() - datetime.timedelta(hours=25)
    PatientImport.objects.filter(pk__in=[run.pk for run in runs]).update(created_at=old)
    out = io.StringIO()
    call_command("prune", stdout=out)
    assert "3 import files deleted" in out.getvalue()
    for run in [*runs, fresh]:
        run.refresh_from_db()
    assert [run.state for run in runs] == [ImportState.DISCARDED, ImportState.STOPPED, ImportState.DONE]
    assert {(run.content_sealed, run.findings_sealed) for run in runs} == {(None, None)}
    assert fresh.content


@pytest.mark.parametrize(("begun", "after"), [(False, ImportState.DISCARDED), (True, ImportState.STOPPED)])
def test_an_import_can_be_stopped_and_keeps_what_it_has_written(clinic, begun, after):
    run = checked(clinic, f"{HEADER}{rows(5)}")
    if begun:
        begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
        take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
    stop_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    assert (run.state, run.content_sealed, run.findings_sealed) == (after, None, None)
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == (2 if begun else 0)
    take_step(actor=clinic.actor(Role.HC_ADMIN), run=run)
    assert own_patients(clinic).filter(chart_number__startswith="C-").count() == (2 if begun else 0)


# --- undo -------------------------------------------------------------------------------------------
def test_an_undo_archives_whom_nobody_has_changed_since(clinic, monkeypatch):
    monkeypatch.setattr("patients.services.imports.ROWS", 2)
    run = imported(clinic, f"{HEADER}{rows(7)}")
    corrected, treated, archived, referred, *untouched = own_patients(clinic).filter(chart_number__startswith="C-")
    update_patient(actor=SYSTEM, patient_id=corrected.pk, base_version=1, changes={"city": "Delft"})
    create_entry(actor=SYSTEM, model=Allergy, patient_id=treated.pk, **clinic.least_entry(Allergy))
    archive_patient(actor=SYSTEM, patient_id=archived.pk)
    dependant = clinic.patient(responsible_party_id=referred.pk)
    archived.refresh_from_db()
    begin_undo(actor=clinic.actor(Role.HC_ADMIN), run=run)
    run.refresh_from_db()
    assert finish(clinic, run) == 4
    assert run.state == ImportState.UNDONE
    stay = Patient.objects.filter(pk__in=[corrected.pk, treated.pk, referred.pk, dependant.pk], deleted_at=None)
    assert stay.count() == 4
    assert Patient.objects.filter(pk__in=[patient.pk for patient in untouched], deleted_at=None).count() == 0
    assert Patient.objects.get(pk=archived.pk).deleted_at == archived.deleted_at
    told = ImportCreation.objects.filter(patient_import=run).order_by("pk").values_list("archived", flat=True)
    assert list(told) == [False] * 4 + [True] * 3
    events = OutboxEvent.objects.filter(type="patient.archived", subject_uuid__in=[patient.uuid for patient in untouched])
    assert events.count() == 3
    with pytest.raises(Conflict):
        begin_undo(actor=clinic.actor(Role.HC_ADMIN), run=run)


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"updated_at": timezone.now() + datetime.timedelta(hours=1)}], ids=["version", "time"]
)
def test_a_new_version_and_a_later_time_are_changes_each_by_itself(clinic, change):
    imported(clinic, f"{HEADER}{rows(2)}")
    changed, other = own_patients(clinic).filter(chart_number__startswith="C-")
    Patient.objects.filter(pk=changed.pk).update(**change)
    assert changed_since([changed.pk, other.pk]) == {changed.pk}


def test_a_late_step_of_an_undo_does_nothing_to_an_import_that_is_not_being_undone(clinic):
    run = imported(clinic, f"{HEADER}{rows(2)}")
    undo_rows(actor=clinic.actor(Role.HC_ADMIN), run=run)
    run.refresh_from_db()
    assert run.state == ImportState.DONE
    assert own_patients(clinic).filter(chart_number__startswith="C-", deleted_at=None).count() == 2


def test_an_undo_leaves_whom_an_import_has_updated(clinic):
    patient = clinic.patient(chart_number="C-1")
    run = imported(clinic, f"{HEADER}{rows(2)}", mode=Mode.UPSERT)
    begin_undo(actor=clinic.actor(Role.HC_ADMIN), run=run)
    run.refresh_from_db()
    finish(clinic, run)
    patient.refresh_from_db()
    assert (patient.first_name, patient.deleted_at) == ("Ann1", None)
    assert own_patients(clinic).get(chart_number="C-2").deleted_at is not None


def test_only_what_has_ended_is_undone(clinic):
    run = checked(clinic, f"{HEADER}{rows(3)}")
    with pytest.raises(Conflict):
        begin_undo(actor=clinic.actor(Role.HC_ADMIN), run=run)
    begin_import(actor=clinic.actor(Role.HC_ADMIN), run=run)
    with pytest.raises(Conflict):
        begin_undo(actor=clinic.actor(Role.HC_ADMIN), run=run)


def test_every_reference_to_a_patient_counts_as_a_change(clinic):
    """A table that a later change adds is looked at without a word here; what each new patient has is left out by name."""
    from patients.services.imports import references

    imported(clinic, f"{HEADER}{rows(1)}")
    patient = own_patients(clinic).get(chart_number="C-1")
    found = {column.model._meta.label for column in references()}
    assert {"clinical.Allergy", "clinical.Appointment", "patients.Patient", "patients.PatientTag"} <= found
    for column in references():
        assert not column.model._base_manager.filter(**{column.name: patient.pk}).exists(), column
