"""`manage.py export`: the API's rows for an administrator, as a file that is there whole or not at all."""

import io
import os
import signal
import sys

import pytest
from django.core.management import CommandError, call_command
from pyarrow.parquet import ParquetFile

from accounts import audit
from accounts.models import AuditEvent, Organization
from clinical.models import Measurement
from exports.registry import REPORTS
from exports.writers import FORMATS
from tests.exports.rows import ALWAYS, OF_PATIENTS, add_row, by_chunks_of, lines_of, parameters_for, stream

DAYS = [f"--start-date={ALWAYS['startDate']}", f"--end-date={ALWAYS['endDate']}"]


@pytest.fixture
def export(clinic, tmp_path):
    """Return `export(name, form, *arguments)`, which runs the command for the clinic and returns the file's path."""

    def run(name: str, form: str = "csv", *days: str, stderr: io.StringIO | None = None):
        path = tmp_path / f"{name}.{form}"
        given = [f"--organization={clinic.organization.slug}", f"--format={form}", f"--output={path}"]
        bounds = DAYS if parameters_for(name) and not days else days
        call_command("export", name, *given, *bounds, stdout=io.StringIO(), stderr=stderr or io.StringIO())
        return path

    return run


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_file_is_to_the_byte_what_the_api_streams(clinic, neighbour, api, export, monkeypatch, name, form):
    by_chunks_of(2, monkeypatch)
    for _ in range(5):
        add_row(clinic, name)
    add_row(neighbour, name)
    assert export(name, form).read_bytes() == stream(api(), name, form)


def test_csv_for_excel_begins_with_a_byte_order_mark(clinic, api, export):
    add_row(clinic, "patients")
    assert export("patients", "csv", "--bom").read_bytes() == b"\xef\xbb\xbf" + stream(api(), "patients", "csv")
    with pytest.raises(CommandError, match="Only CSV has a byte order mark"):
        export("patients", "ndjson", "--bom")


@pytest.mark.parametrize("name", REPORTS)
def test_parquet_has_the_same_rows_and_numbers_where_the_report_has_numbers(clinic, api, export, monkeypatch, name):
    by_chunks_of(2, monkeypatch)
    for _ in range(5):
        add_row(clinic, name)
    file, expected = ParquetFile(export(name, "parquet")), lines_of(stream(api(), name, "ndjson"))
    assert file.read().to_pylist() == expected
    assert file.metadata.num_row_groups == (len(expected) + 1) // 2
    numbers = {column.name for column in file.schema_arrow if str(column.type) == "int64"}
    assert numbers == {column for column, value in expected[0].items() if type(value) is int}


def test_the_organizations_clocks_tell_the_days(clinic, api, export):
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone="Pacific/Kiritimati")
    add_row(clinic, "plannedActions")
    day = lines_of(stream(api(), "plannedActions", "ndjson"))[0]["Created_Date"][:10]
    bounds = [f"--start-date={day}", f"--end-date={day}"]
    assert len(lines_of(export("plannedActions", "ndjson", *bounds).read_bytes())) == 1
    assert export("plannedActions", "ndjson", "--start-date=2099-01-01").read_bytes() == b""


def test_the_rows_are_counted_however_many_are_of_one_patient(clinic, tmp_path, monkeypatch):
    by_chunks_of(2, monkeypatch)
    patient, told = clinic.patient(), io.StringIO()
    for _ in range(5):
        clinic.entry(Measurement, patient)
    path = f"--output={tmp_path / 'measurements.csv'}"
    where = [f"--organization={clinic.organization.slug}", "--format=csv", path]
    call_command("export", "measurements", *where, *DAYS, stdout=told, stderr=io.StringIO())
    assert told.getvalue().startswith("5 rows in ")


@pytest.mark.parametrize("name", OF_PATIENTS)
def test_each_chunk_is_in_the_audit_trail_of_the_organization(clinic, export, monkeypatch, name):
    by_chunks_of(2, monkeypatch)
    rows = [add_row(clinic, name) for _ in range(3)]
    before = AuditEvent.objects.count()
    export(name)
    events = list(AuditEvent.objects.order_by("id"))[before:]
    assert {(event.action.partition(".")[2], event.route, event.organization_id, event.user_id) for event in events} == {
        ("export", "manage.py export", clinic.organization.pk, None)
    }
    patients = {getattr(row, "patient_id", row.pk) for row in rows}
    assert patients <= {pk for event in events for pk in event.patients.values_list("patient_id", flat=True)}


def test_no_file_without_an_audit_trail(clinic, export, tmp_path, monkeypatch):
    add_row(clinic, "patients")

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(audit, "record_read", fail)
    with pytest.raises(RuntimeError):
        export("patients")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_breaks_off_leaves_the_file_that_was_there(clinic, export, tmp_path, monkeypatch):
    add_row(clinic, "patients")
    path = export("patients")
    before, written = path.read_bytes(), []

    def half(*args):
        written.append(b"half")
        yield b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, "csv", half)
    with pytest.raises(CommandError, match=r"patients\.csv cannot be written: No space left on device"):
        export("patients")
    assert written
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_is_told_to_end_leaves_nothing(clinic, export, tmp_path, monkeypatch):
    def terminated(*args):
        yield b"half"
        os.kill(os.getpid(), signal.SIGTERM)
        yield b"more"

    def too_late(*args):
        raise AssertionError("SIGTERM was not taken")

    monkeypatch.setitem(FORMATS, "csv", terminated)
    before = signal.signal(signal.SIGTERM, too_late)
    try:
        with pytest.raises(KeyboardInterrupt):
            export("patients")
        assert signal.getsignal(signal.SIGTERM) is too_late
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "unknown report": (["nope"], "invalid choice: 'nope'"),
    "days that are forbidden": (["patients", "--start-date=2024-01-01"], "--start-date: This report has no days"),
    "days that are missing": (["alerts", "--end-date=2024-01-01"], "--start-date: This report needs its days"),
    "all days missing": (["alerts"], "--start-date: This report needs its days. --end-date: This report needs its days"),
    "days the wrong way round": (["alerts", "--start-date=2024-01-02", "--end-date=2024-01-01"], "--end-date: The last day lies"),
    "no day": (["alerts", "--start-date=2024-02-30", "--end-date=2024-03-01"], "2024-02-30 is not a date, YYYY-MM-DD"),
    "a day without zeros": (["alerts", "--start-date=2024-1-1", "--end-date=2024-03-01"], "2024-1-1 is not a date"),
    "a day that never ends": (["plannedActions", "--end-date=9999-12-31"], "--end-date: The value is too late"),
    "unknown organization": (["patients", "--organization=nowhere"], "no organization with the slug nowhere"),
    "unknown format": (["patients", "--format=xlsx"], "invalid choice: 'xlsx'"),
    "a directory": (["patients", "--output=."], "cannot be written: Is a directory"),
    "a place that is not there": (["patients", "--output=nowhere/at/all.csv"], "cannot be written: No such file or directory"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(clinic, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, message = REFUSED[case]
    given = {"--organization": clinic.organization.slug, "--format": "csv", "--output": "report.csv"}
    standing = [f"{name}={value}" for name, value in given.items()]
    with pytest.raises(CommandError) as refusal:
        call_command("export", *standing, *arguments)
    assert message in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_its_library_is_refused_with_what_to_install(export, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CommandError, match=r"Parquet needs pyarrow, .*: make extras"):
        export("patients", "parquet")


def test_progress_is_shown_to_a_person_only(clinic, export, monkeypatch):
    by_chunks_of(2, monkeypatch)
    for _ in range(5):
        add_row(clinic, "patients")
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    export("patients", stderr=terminal)
    export("patients", stderr=file)
    shown = terminal.getvalue().split("\r")
    assert [part.split()[-3:] for part in shown[2:]] == [["40%", "2", "rows"], ["80%", "4", "rows"], ["100%", "5", "rows"]]
    assert shown[-1].endswith("\n")
    assert file.getvalue() == ""
