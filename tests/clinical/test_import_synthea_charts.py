"""Importing allergies, problems, medications and vital signs from Synthea's tables."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent
from accounts.services.catalogs import archive_catalog_row
from clinical.models import (
    Allergy,
    AllergyDefinition,
    Disease,
    DiseaseDefinition,
    Medication,
    MedicationDefinition,
    VitalSigns,
)
from clinical.services.allergies import review_allergies
from clinical.synthea import tables
from patients.models import ChartRecord
from patients.services.charts import archive_entry, update_entry
from tests.clinical.synthea_exports import CHARTS, Row, chart_rows, write_charts
from tests.clinical.test_import_synthea import imported, run
from tests.factories import SYSTEM, archive

MAREN, IVO, NOA = (f"b0000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
MODELS: dict[str, type[ChartRecord]] = {
    "allergies": Allergy,
    "conditions": Disease,
    "medications": Medication,
    "observations": VitalSigns,
}
# How many entries each table of the fixture makes.
ENTRIES = {"allergies": 4, "conditions": 7, "medications": 4, "observations": 3}


@pytest.fixture
def changed(tmp_path) -> Callable[..., Path]:
    """Return a function that copies the fixture and rewrites one table by a function from row to row, None for no row."""

    def write(table: str, change: Callable[[Row], Row | None], more: tuple[Row, ...] = ()) -> Path:
        rows = chart_rows(table)
        kept = [row for row in map(change, rows) if row]
        return write_charts(tmp_path, **{table: [*kept, *({**rows[0], **row} for row in more)]})

    return write


def as_it_is(row: Row) -> Row:
    return row


def state() -> dict[str, list]:
    """Return every entry with its version, and every definition."""
    catalogs = (AllergyDefinition, DiseaseDefinition, MedicationDefinition)
    return {model.__name__: sorted(model._base_manager.values_list("pk", "version")) for model in (*MODELS.values(), *catalogs)}


def summary_of(out: str, table: str) -> str:
    """Return what was said of a table."""
    return next(line for line in out.splitlines() if f" of {table}: " in line).partition(": ")[2]


def test_every_row_becomes_an_entry_of_its_patients_chart(clinic):
    out, err = run(clinic, CHARTS)
    assert err == ""
    for table, model in MODELS.items():
        left_out = ", 3 left out" if table == "observations" else ""
        assert summary_of(out, table) == f"{ENTRIES[table]} created, 0 updated, 0 unchanged, 0 refused{left_out}."
        assert model._base_manager.filter(organization=clinic.organization).count() == ENTRIES[table]


def test_an_allergy_keeps_its_substance_its_reactions_and_whether_it_stands(clinic):
    run(clinic, CHARTS)
    latex, aspirin, mold = Allergy.objects.filter(patient=imported(clinic, MAREN)).order_by("pk")
    assert (latex.reaction, latex.snomed_reaction) == ("Itching (finding); Eruption of skin (disorder)", "418290006")
    assert (latex.severity, latex.date_adverse_reaction) == ("moderate", datetime.date(1988, 4, 2))
    assert (aspirin.reaction, aspirin.snomed_reaction, aspirin.severity) == (None, None, None)
    codes = [(one.allergy_definition.concept_system, one.allergy_definition.concept_code) for one in (latex, aspirin)]
    assert codes == [("snomed_ct", "111088007"), ("rxnorm", "1191")]
    assert latex.allergy_definition.name == "Latex (substance)"
    assert [one.status_is_active for one in (latex, aspirin, mold)] == [True, True, False]


def test_a_condition_is_a_problem_that_its_stop_resolves(clinic):
    run(clinic, CHARTS)
    found = Disease.objects.filter(patient=imported(clinic, MAREN)).order_by("pk")
    assert list(found.values_list("disease_definition__concept_code", "problem_status", "date_start", "date_stop")) == [
        ("59621000", "active", datetime.date(2011, 1, 17), None),
        ("195662009", "resolved", datetime.date(2019, 3, 4), datetime.date(2019, 3, 15)),
        ("15777000", "active", datetime.date(2020, 11, 2), None),
    ]
    assert set(found.values_list("disease_definition__concept_system", flat=True)) == {"snomed_ct"}


def test_two_medications_with_one_start_stay_two(clinic):
    run(clinic, CHARTS)
    found = Medication.objects.filter(patient=imported(clinic, MAREN)).order_by("pk")
    assert list(found.values_list("rx_cui", "status", "date_start", "date_stop")) == [
        ("314076", "completed", datetime.date(2011, 1, 17), datetime.date(2011, 1, 17)),
        ("314076", "active", datetime.date(2011, 1, 17), None),
        ("310798", "completed", datetime.date(2012, 2, 1), datetime.date(2015, 5, 5)),
    ]
    assert found[0].medication_definition.concept_system == "rxnorm"


def test_what_was_measured_at_one_time_is_one_entry_in_the_units_of_the_record(clinic):
    run(clinic, CHARTS)
    first, second = VitalSigns.objects.filter(patient=imported(clinic, MAREN)).order_by("date_taken")
    # 165.1 / 2.54 = 65.00, 70 / 0.45359237 = 154.3236
    assert (first.height_inches, first.weight_lbs, first.bmi) == (Decimal("65.00"), Decimal("154.32"), Decimal("25.70"))
    assert (first.bp_systolic, first.bp_diastolic, first.pulse, first.respiration_rate) == (127, 84, 71, 14)
    assert (first.date_taken, first.time_taken) == (datetime.date(2022, 6, 1), datetime.time(9, 30))
    # 37.9 · 9/5 + 32 = 100.22. At 03:15 in Greenwich it is the day before in New York.
    assert (second.temperature_f, second.height_inches, second.pulse) == (Decimal("100.2"), None, 88)
    assert (second.date_taken, second.time_taken) == (datetime.date(2023, 1, 10), datetime.time(22, 15, 45))


def test_a_half_is_rounded_away_from_zero(clinic):
    run(clinic, CHARTS)
    child = VitalSigns.objects.get(patient=imported(clinic, IVO))
    # 121.4 / 2.54 = 47.7953, 22.5 / 0.45359237 = 49.6040, and the percentile 44.5
    assert (child.height_inches, child.weight_lbs, child.bmi_percentile) == (Decimal("47.80"), Decimal("49.60"), 45)


def test_a_second_run_adds_and_changes_nothing(clinic):
    run(clinic, CHARTS)
    before = state()
    out, _ = run(clinic, CHARTS)
    assert state() == before
    for table in MODELS:
        assert summary_of(out, table).startswith(f"0 created, 0 updated, {ENTRIES[table]} unchanged, 0 refused")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunks_of_any_size_give_the_same_charts_and_the_same_second_run(clinic, monkeypatch, size):
    monkeypatch.setattr(tables, "CHUNK", size)
    run(clinic, CHARTS)
    before = state()
    assert {table: len(before[model.__name__]) for table, model in MODELS.items()} == ENTRIES
    run(clinic, CHARTS)
    assert state() == before


def test_a_definition_is_made_once_and_found_by_its_code_whatever_its_name(clinic):
    own = clinic.catalog(DiseaseDefinition, "High blood pressure", concept_code="59621000", concept_system="snomed_ct")
    clinic.catalog(DiseaseDefinition, "Hypertension")
    run(clinic, CHARTS)
    hypertension = Disease.objects.filter(disease_definition__concept_code="59621000")
    assert set(hypertension.values_list("disease_definition_id", flat=True)) == {own.pk}
    pharyngitis = DiseaseDefinition.objects.filter(organization=clinic.organization, concept_code="195662009")
    assert Disease.objects.filter(disease_definition=pharyngitis.get()).count() == 3


def test_an_archived_definition_is_not_given_to_new_entries_and_keeps_its_old_ones(clinic, changed):
    run(clinic, changed("conditions", lambda row: row if row["PATIENT"] == MAREN else None))
    former = DiseaseDefinition.objects.get(concept_code="59621000")
    archive_catalog_row(actor=SYSTEM, row=former, base_version=1)
    out, _ = run(clinic, CHARTS)
    assert summary_of(out, "conditions") == "4 created, 0 updated, 3 unchanged, 0 refused."
    own = {
        imported(clinic, one): Disease.objects.get(patient=imported(clinic, one), disease_definition__concept_code="59621000")
        for one in (MAREN, NOA)
    }
    assert [entry.disease_definition_id == former.pk for entry in own.values()] == [True, False]


def test_each_organization_gets_definitions_of_its_own(clinic, neighbour):
    run(clinic, CHARTS)
    run(neighbour, CHARTS)
    for entry in Disease.objects.select_related("disease_definition", "patient"):
        assert entry.organization_id == entry.disease_definition.organization_id == entry.patient.organization_id
    assert Disease.objects.count() == 2 * ENTRIES["conditions"]


def test_a_stop_that_came_since_ends_the_open_entry(clinic, changed):
    run(clinic, CHARTS)
    ended = {"STOP": "2024-02-29"}
    out, _ = run(clinic, changed("conditions", lambda row: {**row, **({} if row["STOP"] else ended)}))
    assert summary_of(out, "conditions") == "0 created, 3 updated, 4 unchanged, 0 refused."
    assert not Disease.objects.filter(problem_status="active").exists()
    out, _ = run(clinic, changed("medications", lambda row: {**row, **({} if row["STOP"] else ended)}))
    assert summary_of(out, "medications") == "0 created, 2 updated, 2 unchanged, 0 refused."
    assert set(Medication.objects.values_list("status", flat=True)) == {"completed"}
    out, _ = run(clinic, changed("allergies", lambda row: {**row, **ended}))
    assert summary_of(out, "allergies") == "0 created, 3 updated, 1 unchanged, 0 refused."
    assert not Allergy.objects.filter(status_is_active=True).exists()


def test_what_staff_have_ended_is_not_begun_again(clinic):
    run(clinic, CHARTS)
    taken = Medication.objects.get(rx_cui="665078")
    stopped = {"status": "discontinued", "date_stop": datetime.date(2024, 1, 1)}
    update_entry(actor=SYSTEM, model=Medication, patient_id=taken.patient_id, entry_id=taken.pk, base_version=1, changes=stopped)
    out, _ = run(clinic, CHARTS)
    assert summary_of(out, "medications") == "0 created, 0 updated, 4 unchanged, 0 refused."
    assert Medication.objects.get(rx_cui="665078").status == "discontinued"


@pytest.mark.parametrize("size", [1, 500])
def test_two_medications_with_one_start_stay_two_whichever_comes_first(clinic, changed, monkeypatch, size):
    monkeypatch.setattr(tables, "CHUNK", size)
    rows = chart_rows("medications")
    path = changed("medications", lambda row: None, more=tuple(rows[::-1]))
    for _ in range(2):
        run(clinic, path)
        found = Medication.objects.filter(patient=imported(clinic, MAREN), rx_cui="314076")
        assert sorted(found.values_list("status", "version")) == [("active", 1), ("completed", 1)]


# What the file says of an entry that has been archived since.
NEWS = {
    "allergies": {"SEVERITY1": "SEVERE"},
    "conditions": {"STOP": "2024-02-29"},
    "medications": {"STOP": "2024-02-29"},
    "observations": {"VALUE": "99"},
}


@pytest.mark.parametrize("table", MODELS)
def test_an_archived_entry_stays_archived_and_is_not_made_again(clinic, changed, table):
    run(clinic, CHARTS)
    for entry in MODELS[table]._base_manager.all():
        archive_entry(actor=SYSTEM, model=MODELS[table], patient_id=entry.patient_id, entry_id=entry.pk)
    before = state()
    for path in (CHARTS, changed(table, lambda row: row if row.get("STOP") else row | NEWS[table])):
        out, _ = run(clinic, path)
        assert summary_of(out, table).startswith(f"0 created, 0 updated, {ENTRIES[table]} unchanged, 0 refused")
        assert state() == before


def test_a_value_that_came_since_is_added_to_the_entry_of_its_time(clinic, changed):
    run(clinic, changed("observations", lambda row: row if row["CODE"] != "9279-1" else None))
    entry = VitalSigns.objects.get(patient=imported(clinic, MAREN), date_taken="2022-06-01")
    assert (entry.respiration_rate, entry.version) == (None, 1)
    out, _ = run(clinic, CHARTS)
    assert summary_of(out, "observations").startswith("0 created, 1 updated, 2 unchanged")
    entry = VitalSigns.objects.get(pk=entry.pk)
    assert (entry.respiration_rate, entry.pulse, entry.version) == (14, 71, 2)


BAD_CELLS = {
    ("allergies", "PATIENT"): ("nobody", "PATIENT: has not been imported"),
    ("allergies", "SYSTEM"): ("ICD", "SYSTEM: is not one of SNOMED-CT, RxNorm"),
    ("allergies", "SEVERITY1"): ("x" * 65, "severity: is longer than 64 characters"),
    ("conditions", "CODE"): ("", "CODE: is empty"),
    ("conditions", "START"): ("2011-02-30", "START: is not a date"),
    ("conditions", "STOP"): ("1999-01-01", "breaks the rule disease_dates_in_order"),
    ("conditions", "DESCRIPTION"): ("x\0y", "DESCRIPTION: holds control characters"),
    ("medications", "STOP"): ("soon", "STOP: is not a date"),
    ("observations", "DATE"): ("yesterday", "DATE: is not a date: write it as YYYY-MM-DD"),
    ("observations", "UNITS"): ("[in_i]", "8302-2: UNITS: is not cm"),
    ("observations", "VALUE"): ("1e308", "8302-2: VALUE: is not a number"),
}


@pytest.mark.parametrize(("table", "column"), BAD_CELLS)
def test_a_bad_cell_is_reported_with_its_file_and_line_and_the_rest_goes_on(clinic, changed, table, column):
    text, why = BAD_CELLS[table, column]
    bad = {"CODE": "195662009"} if table == "conditions" else {}
    path = changed(table, as_it_is, more=({**bad, column: text},))
    line = len(chart_rows(table)) + 2
    out, err = run(clinic, path)
    assert f"{table}.csv, line {line}: {why}" in err
    assert summary_of(out, table).startswith(f"{ENTRIES[table]} created")
    assert ", 1 refused" in summary_of(out, table)
    assert err.endswith("1 rows were refused.")


def test_a_definition_of_a_refused_row_is_not_made(clinic, changed):
    row = {"CODE": "195662009", "START": "2020-01-02", "STOP": "2020-01-01"}
    run(clinic, changed("conditions", lambda row: None if row["CODE"] == "195662009" else row, more=(row, row)))
    assert not DiseaseDefinition.objects.filter(concept_code="195662009").exists()


def test_a_wrong_value_costs_itself_and_not_what_was_measured_with_it(clinic, changed):
    path = changed("observations", lambda row: {**row, **({"VALUE": "n/a"} if row["CODE"] == "29463-7" else {})})
    out, err = run(clinic, path)
    assert [line.partition(": ")[0] for line in err.splitlines()[:2]] == ["observations.csv, line 4", "observations.csv, line 14"]
    assert summary_of(out, "observations") == "3 created, 0 updated, 0 unchanged, 2 refused, 3 left out."
    assert VitalSigns.objects.get(date_taken="2022-06-01").height_inches == Decimal("65.00")


IMPOSSIBLE = {
    "8302-2": ("1651", "height_inches: This must be between 8 and 110."),
    "8867-4": ("-71", "pulse: This must be between 1 and 350."),
    "8462-4": ("214", "bp_diastolic: The diastolic pressure cannot be above the systolic one."),
}


@pytest.mark.parametrize("code", IMPOSSIBLE)
def test_an_impossible_value_is_reported_by_its_line_and_code(clinic, changed, code):
    value, why = IMPOSSIBLE[code]
    first = chart_rows("observations")[0]["DATE"]
    path = changed("observations", lambda row: row | ({"VALUE": value} if (row["CODE"], row["DATE"]) == (code, first) else {}))
    line = next(number for number, row in enumerate(chart_rows("observations"), 2) if row["CODE"] == code)
    out, err = run(clinic, path)
    assert f"observations.csv, line {line}: {code}: {why}" in err
    assert summary_of(out, "observations") == "3 created, 0 updated, 0 unchanged, 1 refused, 3 left out."
    entry = VitalSigns.objects.get(date_taken="2022-06-01")
    assert (entry.respiration_rate, entry.bp_systolic) == (14, 127), "the rest of the moment is kept"


def test_what_follows_from_vital_signs_is_worked_out(clinic):
    run(clinic, CHARTS)
    patient = imported(clinic, MAREN)
    pressure = VitalSigns.objects.get(date_taken="2022-06-01")
    assert [flag["vital"] for flag in pressure.abnormal_flags] == ["bp_diastolic", "bmi"]
    assert patient.latest_vitals_date == datetime.date(2023, 1, 10)


def test_who_is_born_after_midnight_in_greenwich_is_not_measured_before_birth(clinic, changed):
    at_birth = {"PATIENT": IVO, "DATE": "2016-02-09T01:00:00Z", "CODE": "29463-7", "VALUE": "3.5", "UNITS": "kg"}
    too_early = {**at_birth, "DATE": "2016-02-08T12:00:00Z"}
    path = changed("observations", as_it_is, more=(at_birth, too_early))
    _, err = run(clinic, path)
    assert "line 18: date_taken: The date lies before the date of birth." in err
    entry = VitalSigns.objects.get(patient=imported(clinic, IVO), date_taken="2016-02-09")
    assert (entry.weight_lbs, entry.time_taken) == (Decimal("7.72"), datetime.time(20, 0))
    assert summary_of(run(clinic, path)[0], "observations").startswith("0 created, 0 updated, 4 unchanged, 1 refused")


def test_a_row_is_refused_once_even_where_the_rest_of_its_moment_is_refused_too(clinic, changed):
    early = {"PATIENT": IVO, "DATE": "2010-01-01T12:00:00Z", "UNITS": "kg", "CODE": "29463-7", "VALUE": "3.5"}
    path = changed("observations", as_it_is, more=({**early, "UNITS": "stone"}, {**early, "CODE": "8867-4", "UNITS": "/min"}))
    out, err = run(clinic, path)
    assert "line 17: 29463-7: UNITS: is not kg" in err
    assert "line 18: date_taken: The date lies before the date of birth." in err
    assert summary_of(out, "observations") == "3 created, 0 updated, 0 unchanged, 2 refused, 3 left out."


def test_an_archived_patient_gets_no_entries(clinic):
    run(clinic, CHARTS)
    Disease.objects.all().delete()
    archive(imported(clinic, IVO))
    out, err = run(clinic, CHARTS)
    assert summary_of(out, "conditions") == "4 created, 0 updated, 0 unchanged, 3 refused."
    assert "conditions.csv, line 5: PATIENT: is archived" in err


def test_a_report_never_repeats_what_a_row_holds(clinic, changed):
    secret = {"PATIENT": "Secret", "DESCRIPTION": "Secret", "CODE": "Secret", "START": "Secret"}
    out, err = run(clinic, changed("conditions", as_it_is, more=(secret, {**secret, "PATIENT": MAREN})))
    assert "2 refused" in summary_of(out, "conditions")
    assert "Secret" not in out + err


def test_a_dry_run_tells_what_a_run_would_do_and_writes_nothing(clinic):
    before = AuditEvent.objects.count(), OutboxEvent.objects.count()
    out, _ = run(clinic, CHARTS, dry_run=True)
    assert "4 rows of medications: 4 created" in out
    assert all(line.startswith(("Dry run, nothing was written: ", "Left out: ")) for line in out.splitlines())
    assert not any(state().values())
    assert (AuditEvent.objects.count(), OutboxEvent.objects.count()) == before
    assert "4 rows of medications: 4 created" in run(clinic, CHARTS)[0]


def test_every_entry_leaves_its_trail(clinic):
    run(clinic, CHARTS)
    events = AuditEvent.objects.filter(action="medication.create", route="manage.py import_synthea")
    about = AuditedPatient.objects.filter(event__in=events).values_list("patient_id", flat=True)
    assert sorted(about) == sorted(Medication.objects.values_list("patient_id", flat=True))
    assert OutboxEvent.objects.filter(type="medication.created").count() == ENTRIES["medications"]


def test_a_second_run_costs_no_statement_a_row_but_its_savepoint(clinic, changed):
    """Patients, definitions and entries are looked up once a chunk."""

    def cost(path: Path) -> int:
        run(clinic, path)
        with CaptureQueriesContext(connection) as queries:
            run(clinic, path)
        return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")) for query in queries)

    few = cost(CHARTS)
    more = tuple({"START": f"1999-01-{number:02}", "STOP": "1999-02-01"} for number in range(1, 29))
    assert cost(changed("conditions", as_it_is, more=more)) == few


def test_a_table_without_its_columns_is_refused_whole(clinic, changed):
    path = changed("allergies", as_it_is)
    (path / "allergies.csv").write_text("START,PATIENT\n2001-01-01,x\n", encoding="utf-8")
    _, err = run(clinic, path)
    assert "allergies.csv cannot be imported: the columns CODE, DESCRIPTION are missing." in err


def test_an_imported_drug_allergy_ends_that_none_is_known_and_an_imported_food_allergy_does_not(clinic, changed):
    def only(category: str) -> Path:
        return changed("allergies", lambda row: row if row["CATEGORY"] == category and row["PATIENT"] == MAREN else None)

    run(clinic, changed("allergies", lambda row: None))
    patient = imported(clinic, MAREN)
    review_allergies(actor=SYSTEM, patient_id=patient.pk, status="nkda")
    for category, expected in (("environment", "nkda"), ("medication", "reviewed")):
        run(clinic, only(category))
        patient.refresh_from_db()
        assert patient.allergy_review_status == expected
        assert set(Allergy.objects.values_list("allergy_definition__category", flat=True)) >= {category}
