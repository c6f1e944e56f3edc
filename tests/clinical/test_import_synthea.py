"""Importing patients from Synthea's tables."""

import csv
import datetime
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, OutboxEvent, Role
from clinical.synthea import tables
from clinical.synthea.patients import stored
from patients.models import Patient, PatientIdentifier
from tests.factories import archive

pytestmark = pytest.mark.usefixtures("kept_totals")

FIXTURES = Path(__file__).parent / "fixtures"
ODALYS, TOBIAS, WREN = (f"a0000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


def run(clinic, directory=FIXTURES, **options) -> tuple[str, str]:
    """Import and return what was said on standard output and on standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_synthea", directory, organization=clinic.organization.slug, stdout=out, stderr=err, **options)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def imported(clinic, synthea_id: str) -> Patient:
    system = tables.IDENTIFIER_SYSTEM
    return PatientIdentifier.objects.get(organization=clinic.organization, system=system, value=synthea_id).patient


@pytest.fixture
def table(tmp_path):
    """Return a function that writes patients.csv: the fixture's rows with changes by Id, and rows in addition."""

    def write(changes: dict[str, dict] | None = None, more: tuple[dict, ...] = ()) -> Path:
        with (FIXTURES / "patients.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        rows = [{**row, **(changes or {}).get(row["Id"], {})} for row in rows]
        rows += [{**rows[0], **row} for row in more]
        with (tmp_path / "patients.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path

    return write


def test_a_row_becomes_a_patient_with_every_column_that_we_keep(clinic):
    out, _ = run(clinic)
    assert out.splitlines()[0] == "3 rows of patients: 3 created, 0 updated, 0 unchanged, 0 refused."
    patient = imported(clinic, ODALYS)
    kept = {name: getattr(patient, name) for name in ("title", "first_name", "last_name", "marital_status", "sex", "gender")}
    assert kept == {
        "title": "Mrs.",
        "first_name": "Odalys12",
        "last_name": "Brekke901",
        "marital_status": "married",
        "sex": "female",
        "gender": "female",
    }
    assert patient.date_of_birth == datetime.date(1961, 3, 14)
    assert (patient.address_line1, patient.city, patient.state) == ("7 Quay Road, Unit 2", "Salem", "Massachusetts")
    assert (patient.postal_code, patient.country, patient.timezone) == ("01970", "US", "America/New_York")
    assert (patient.status, patient.care_group_id) == ("active", None)
    assert stored(patient, "social_security_number") == "000-11-1111"


def test_a_date_of_death_makes_the_patient_deceased_on_that_day_in_the_clinic(clinic):
    run(clinic)
    patient = imported(clinic, TOBIAS)
    assert patient.status == "deceased"
    assert patient.date_time_deceased.astimezone(clinic.organization.zone).isoformat() == "2019-02-28T00:00:00-05:00"


def test_empty_cells_are_unknown(clinic):
    run(clinic)
    patient = imported(clinic, WREN)
    assert (patient.title, patient.marital_status, patient.social_security_number_sealed) == (None, None, None)
    assert imported(clinic, TOBIAS).postal_code is None


def test_a_second_run_adds_and_changes_nothing(clinic):
    run(clinic)
    before = list(Patient.objects.order_by("pk").values_list("pk", "version"))
    out, _ = run(clinic)
    assert out.splitlines()[0] == "3 rows of patients: 0 created, 0 updated, 3 unchanged, 0 refused."
    assert list(Patient.objects.order_by("pk").values_list("pk", "version")) == before


def test_a_changed_row_updates_its_patient_and_leaves_the_others(clinic, table):
    run(clinic)
    out, _ = run(clinic, table({ODALYS: {"LAST": "Holm3", "SSN": "000-33-3333", "ZIP": ""}}))
    assert "0 created, 1 updated, 2 unchanged, 0 refused" in out
    patient = imported(clinic, ODALYS)
    assert (patient.last_name, patient.version) == ("Holm3", 2)
    assert stored(patient, "social_security_number") == "000-33-3333"
    assert patient.postal_code == "01970"


def test_a_patient_who_died_since_is_recorded_as_deceased(clinic, table):
    run(clinic)
    out, _ = run(clinic, table({WREN: {"DEATHDATE": "2024-05-06", "CITY": "Boston"}}))
    patient = imported(clinic, WREN)
    assert "1 updated" in out
    assert (patient.status, patient.city) == ("deceased", "Boston")
    assert OutboxEvent.objects.filter(type="patient.deceased", subject_uuid=patient.uuid).count() == 1


def test_the_same_people_may_be_in_two_organizations(clinic, neighbour):
    run(clinic)
    out, _ = run(neighbour)
    assert "3 created" in out
    assert imported(clinic, WREN).pk != imported(neighbour, WREN).pk


def test_the_group_takes_the_patients_in_whatever_the_case_of_its_name(clinic, api):
    run(clinic, group=clinic.group.name.upper())
    assert set(Patient.objects.values_list("care_group_id", flat=True)) == {clinic.group.pk}
    answer = api(Role.HC_PRIMARY).get(f"{clinic.base}/patients/search", {"q": "brekke"}).json()
    assert [item["first_name"] for item in answer["items"]] == ["Odalys12", "Wren5"]


def test_an_unknown_group_stops_before_anything_is_written(clinic):
    out, err = run(clinic, group="Nobody's team")
    assert out == ""
    assert "has no care group of this name" in err
    assert clinic.group.name in err
    assert not Patient.objects.exists()


def test_a_group_of_another_organization_is_unknown(clinic, neighbour):
    _, err = run(clinic, group=neighbour.group.name)
    assert "has no care group of this name" in err
    assert neighbour.group.name not in err


def test_an_unknown_organization_is_a_clear_error(db):
    with pytest.raises(CommandError, match="no organization with the slug nowhere"):
        call_command("import_synthea", FIXTURES, organization="nowhere")


def test_a_dry_run_reports_and_writes_nothing_not_even_its_trail(clinic):
    events = AuditEvent.objects.count(), OutboxEvent.objects.count()
    out, _ = run(clinic, dry_run=True)
    told = "Dry run, nothing was written: 3 rows of patients: 3 created, 0 updated, 0 unchanged, 0 refused."
    assert out.splitlines()[0] == told
    assert not Patient.objects.exists()
    assert (AuditEvent.objects.count(), OutboxEvent.objects.count()) == events


def test_a_dry_run_over_imported_patients_tells_what_would_change(clinic, table):
    run(clinic)
    out, _ = run(clinic, table({WREN: {"CITY": "Boston"}}), dry_run=True)
    assert "0 created, 1 updated, 2 unchanged, 0 refused" in out
    assert imported(clinic, WREN).city == "Salem"


BAD_CELLS = {
    "Id": ("", "Id: is empty"),
    "FIRST": (" \u200b\u3164", "FIRST: is empty"),
    "LAST": ("x" * 256, "last_name: "),
    "PREFIX": ("x" * 65, "title: "),
    "BIRTHDATE": ("1961-02-30", "BIRTHDATE: is not a date"),
    "DEATHDATE": ("1950-01-01", "date_time_deceased: "),
    "GENDER": ("X", "GENDER: is not one of F, M"),
    "MARITAL": ("Q", "MARITAL: is not one of D, M, S, W"),
    "SSN": ("12345", "SSN: is not of the form"),
    "CITY": ("Sa\0lem", "CITY: holds control characters"),
}


@pytest.mark.parametrize("column", BAD_CELLS)
def test_a_bad_cell_is_reported_with_its_line_and_the_rest_goes_on(clinic, table, column):
    text, reason = BAD_CELLS[column]
    out, err = run(clinic, table(more=({"Id": "new", column: text}, {"Id": "after"})))
    assert err.startswith(f"patients.csv, line 5: {reason}")
    assert "4 created, 0 updated, 0 unchanged, 1 refused" in out
    assert imported(clinic, "after").first_name == "Odalys12"


def test_a_report_never_repeats_what_the_row_holds(clinic, table):
    row = {"Id": "new", "FIRST": "Secretname", "SSN": "Secretnumber", "BIRTHDATE": "1961-03-14"}
    out, err = run(clinic, table(more=(row,)))
    assert "1 refused" in out
    assert "Secret" not in out + err


def test_bytes_that_are_not_utf_8_cost_their_row_only(clinic, table):
    path = table(more=({"Id": "new"}, {"Id": "after"})) / "patients.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"Odalys12", b"Odalys\xff12")
    path.write_bytes(b"".join(lines))
    out, err = run(clinic, path.parent)
    assert err.startswith("patients.csv, line 5: FIRST: holds control characters or is not UTF-8")
    assert "4 created, 0 updated, 0 unchanged, 1 refused" in out


def test_rows_with_too_many_cells_or_a_broken_quote_do_not_stop_the_next_one(clinic, table):
    path = table() / "patients.csv"
    text = path.read_text(encoding="utf-8")
    row = text.splitlines()[1]
    path.write_text(text + row + ",too,many\n" + row.replace('Unit 2"', 'Unit 2" x') + "\n" + row + "\n", encoding="utf-8")
    out, err = run(clinic, path.parent)
    assert "patients.csv, line 5: has 27 cells where the header has 25" in err
    assert "patients.csv, line 6: not readable as CSV" in err
    assert "3 created, 0 updated, 1 unchanged, 2 refused" in out


def test_refused_rows_end_the_command_with_an_error(clinic, table):
    with pytest.raises(CommandError, match="1 rows were refused"):
        call_command(
            "import_synthea",
            table(more=({"Id": ""},)),
            organization=clinic.organization.slug,
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )


def test_an_archived_patient_is_left_archived_and_reported(clinic, table):
    run(clinic)
    archive(imported(clinic, WREN))
    out, err = run(clinic, table({WREN: {"CITY": "Boston"}}))
    assert err.startswith("patients.csv, line 4: Patient not found")
    assert "2 unchanged, 1 refused" in out
    assert imported(clinic, WREN).city == "Salem"


def test_an_id_that_occurs_twice_is_one_patient_with_the_later_values(clinic, table):
    out, _ = run(clinic, table(more=({"Id": "new"}, {"Id": "new", "CITY": "Boston"}, {"Id": "new", "CITY": "Boston"})))
    assert "4 created, 1 updated, 1 unchanged, 0 refused" in out
    assert imported(clinic, "new").city == "Boston"


def test_chunks_of_any_size_give_the_same_patients(clinic, table, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 2)
    out, _ = run(clinic, table(more=tuple({"Id": f"more-{number}"} for number in range(4))))
    assert "7 rows of patients: 7 created" in out
    assert Patient.objects.count() == 7


def test_a_file_without_the_columns_is_refused_whole(clinic, tmp_path):
    (tmp_path / "patients.csv").write_text("Id,FIRST\n1,x\n", encoding="utf-8")
    out, err = run(clinic, tmp_path)
    assert out == ""
    assert "the columns BIRTHDATE, GENDER, LAST are missing" in err


def test_tables_of_charts_may_be_missing(clinic):
    missing = ("allergies", "conditions", "medications", "observations")
    assert run(clinic)[0].splitlines()[1:5] == [f"{table}.csv is not there." for table in missing]


def test_a_directory_without_the_file_is_a_clear_error(clinic, tmp_path):
    assert "patients.csv cannot be imported: No such file" in run(clinic, tmp_path)[1]


def test_every_import_leaves_its_trail(clinic):
    run(clinic)
    events = AuditEvent.objects.filter(action="patient.create", organization_id=clinic.organization.pk)
    assert events.filter(route="manage.py import_synthea").count() == 3
