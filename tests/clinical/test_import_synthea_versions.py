"""Synthea's exports of several versions, as they are and as a spreadsheet has saved them: code systems, headers, second runs."""

from functools import partial

import pytest

from clinical.models import (
    Allergy,
    AllergyDefinition,
    Disease,
    DiseaseDefinition,
    Medication,
    MedicationDefinition,
    VitalSigns,
)
from clinical.synthea.patients import stored
from patients.models import Patient
from tests.clinical.synthea_exports import SNOMED, Export, chart_rows, save_again, write_charts
from tests.clinical.test_import_synthea import imported, run
from tests.clinical.test_import_synthea_charts import MAREN, state, summary_of

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
PEANUT = {"CODE": "762952008", "DESCRIPTION": "Peanut (substance)", "START": "2001-02-03", "PATIENT": MAREN}


@pytest.fixture
def charts(tmp_path):
    """Return a function that writes the fixture of charts with other rows in some tables: `write_charts`."""
    return partial(write_charts, tmp_path)


# --- columns that some versions have -----------------------------------------------------------------


def test_a_middle_name_is_kept_and_columns_without_a_place_are_named(clinic, charts):
    rows = [row | {"MIDDLE": "Ann4", "FIPS": "25009"} for row in chart_rows("patients")]
    out, _ = run(clinic, charts(patients=rows))
    assert set(Patient.objects.values_list("middle_name", flat=True)) == {"Ann4"}
    (line,) = (line for line in out.splitlines() if line.startswith("Left out: columns of patients"))
    assert "FIPS" in line
    assert "MIDDLE" not in line
    assert "0 created, 0 updated, 3 unchanged, 0 refused" in run(clinic, charts(patients=rows))[0]


def test_only_the_columns_without_which_there_is_no_patient_are_needed(clinic, tmp_path):
    (tmp_path / "patients.csv").write_text("ID,BIRTHDATE,FIRST,LAST,GENDER\nx1,1970-01-01,Old1,Layout1,M\n", encoding="utf-8")
    assert run(clinic, tmp_path)[0].startswith("1 rows of patients: 1 created")
    assert imported(clinic, "x1").city is None


def test_allergies_of_six_columns_are_of_snomed_ct(clinic, charts):
    out, err = run(clinic, charts(allergies=[{"STOP": "", "ENCOUNTER": "e", **PEANUT}]))
    assert (err, summary_of(out, "allergies")) == ("", "1 created, 0 updated, 0 unchanged, 0 refused.")
    definition = Allergy.objects.get().allergy_definition
    assert (definition.name, definition.concept_system, definition.concept_code) == (
        "Peanut (substance)",
        "snomed_ct",
        "762952008",
    )


def test_a_measurement_of_a_day_without_a_time_has_none_and_an_older_unit_is_read(clinic, charts):
    row = {"DATE": "2019-02-03", "PATIENT": MAREN, "CODE": "8480-6", "VALUE": "120.0", "UNITS": "mmHg"}
    path = charts(observations=[row])
    assert summary_of(run(clinic, path)[0], "observations") == "1 created, 0 updated, 0 unchanged, 0 refused."
    entry = VitalSigns.objects.get()
    assert (str(entry.date_taken), entry.time_taken, entry.bp_systolic) == ("2019-02-03", None, 120)
    assert summary_of(run(clinic, path)[0], "observations") == "0 created, 0 updated, 1 unchanged, 0 refused."


# --- code systems --------------------------------------------------------------------------------------

TABLES = {
    "allergies": (Allergy, AllergyDefinition),
    "conditions": (Disease, DiseaseDefinition),
    "medications": (Medication, MedicationDefinition),
}
SYSTEMS = {
    "SNOMED-CT": "snomed_ct",
    "snomed ct": "snomed_ct",
    SNOMED: "snomed_ct",
    f"{SNOMED}/": "snomed_ct",
    "SNOMED": "snomed_ct",
    "RxNorm": "rxnorm",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "ICD-10": "icd_10",
    "ICD10-CM": "icd_10",
    ICD_10_CM: "icd_10",
    "http://hl7.org/fhir/sid/icd-10": "icd_10",
    "LOINC": "loinc",
    "http://loinc.org": "loinc",
    "Unknown": None,
    "": None,
}


@pytest.mark.parametrize("table", TABLES)
def test_a_code_is_of_the_system_that_its_row_names_and_a_second_run_finds_it(clinic, charts, table):
    base = {"STOP": "", "PATIENT": MAREN, "START": "2001-02-03"}
    rows = [base | {"CODE": f"10000{n:02}", "DESCRIPTION": f"Concept {n}", "SYSTEM": system} for n, system in enumerate(SYSTEMS)]
    path = charts(**{table: rows})
    out, err = run(clinic, path)
    assert (err, summary_of(out, table)) == ("", f"{len(rows)} created, 0 updated, 0 unchanged, 0 refused.")
    model, catalog = TABLES[table]
    found = catalog.objects.filter(name__startswith="Concept ").values_list("name", "concept_system", "concept_code")
    expected = [(f"Concept {n}", system, system and f"10000{n:02}") for n, system in enumerate(SYSTEMS.values())]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert f"Left out: 2 codes of {table} whose system is not known; the entries have their names." in out.splitlines()
    before = state()
    assert summary_of(run(clinic, path)[0], table) == f"0 created, 0 updated, {len(rows)} unchanged, 0 refused."
    assert state() == before
    assert model.objects.count() == len(rows)


def test_a_medication_has_an_rxcui_only_where_its_code_is_of_rxnorm(clinic, charts):
    base = {"STOP": "", "PATIENT": MAREN, "START": "2001-02-03", "CODE": "314076"}
    run(clinic, charts(medications=[base | {"DESCRIPTION": word, "SYSTEM": word} for word in ("RxNorm", "Unknown", "SNOMED-CT")]))
    assert sorted(Medication.objects.values_list("medication_definition__name", "rx_cui")) == [
        ("RxNorm", "314076"),
        ("SNOMED-CT", None),
        ("Unknown", None),
    ]


def test_one_code_in_two_systems_is_two_concepts(clinic, charts):
    rows = [{"STOP": "", **PEANUT, "SYSTEM": system} for system in (SNOMED, ICD_10_CM)]
    run(clinic, charts(conditions=rows))
    assert Disease.objects.count() == DiseaseDefinition.objects.filter(concept_code=PEANUT["CODE"]).count() == 2


def test_a_system_that_no_catalog_has_refuses_its_row_by_name(clinic, charts):
    rows = [{"STOP": "", **PEANUT, "SYSTEM": system} for system in ("http://hl7.org/fhir/sid/cvx", "SNOMED-CT")]
    out, err = run(clinic, charts(conditions=rows))
    assert "conditions.csv, line 2: SYSTEM: is not one of SNOMED-CT, RxNorm, ICD-10, LOINC, Unknown" in err
    assert summary_of(out, "conditions") == "1 created, 0 updated, 0 unchanged, 1 refused."


@pytest.mark.parametrize("code", ["I10", "12345", "59621000x", "59621000.5"])
@pytest.mark.parametrize("system", [{"SYSTEM": "SNOMED-CT"}, {"SYSTEM": "SNOMED"}, {}])
def test_a_code_of_snomed_ct_that_is_none_is_refused_by_name(clinic, charts, system, code):
    rows = [{"STOP": "", **PEANUT, **system}, {"STOP": "", **PEANUT, **system, "CODE": code}]
    out, err = run(clinic, charts(conditions=rows))
    assert "conditions.csv, line 3: CODE: is not a code of SNOMED CT, which has 6 to 18 digits" in err
    assert summary_of(out, "conditions") == "1 created, 0 updated, 0 unchanged, 1 refused."


def test_a_reaction_is_of_snomed_ct_too(clinic, charts):
    out, err = run(clinic, charts(allergies=[{"STOP": "", **PEANUT, "REACTION1": "L50", "DESCRIPTION1": "Hives"}]))
    assert "allergies.csv, line 2: REACTION1: is not a code of SNOMED CT, which has 6 to 18 digits" in err
    assert summary_of(out, "allergies") == "0 created, 0 updated, 0 unchanged, 1 refused."


@pytest.mark.parametrize("system", ["ICD-10", "Unknown", ""])
def test_a_code_of_letters_is_read_in_other_systems(clinic, charts, system):
    out, _ = run(clinic, charts(conditions=[{"STOP": "", **PEANUT, "SYSTEM": system, "CODE": "I10"}]))
    assert summary_of(out, "conditions") == "1 created, 0 updated, 0 unchanged, 0 refused."


# --- tables that are refused, and what is left out ------------------------------------------------------


def test_all_headers_are_read_before_the_first_row_is_written_and_the_good_tables_come_in(clinic, charts):
    bad = [{"START": "2001-02-03", "PATIENT": MAREN}]
    out, err = run(clinic, charts(allergies=bad, medications=bad))
    first, second, last = err.splitlines()
    assert first == "allergies.csv cannot be imported: the columns CODE, DESCRIPTION are missing."
    assert second.startswith("medications.csv cannot be imported")
    assert last == "allergies.csv, medications.csv could not be imported."
    assert (Disease.objects.count(), VitalSigns.objects.count(), Allergy.objects.count()) == (7, 3, 0)
    assert "of allergies" not in out.replace("columns of allergies", "")


def test_without_good_patients_nothing_is_written(clinic, charts):
    out, err = run(clinic, charts(patients=[{"Id": MAREN}]))
    assert out == ""
    assert "patients.csv cannot be imported: the columns BIRTHDATE, FIRST, GENDER, LAST are missing." in err
    assert not Disease.objects.exists()


def test_rows_and_tables_without_a_place_are_named_with_their_numbers(clinic, charts):
    row = {"DATE": "2019-02-03", "PATIENT": MAREN, "VALUE": "1", "UNITS": "a"}
    codes = ["QALY", "72514-3", "QALY", "Secret 1", "Secret 2"]
    path = charts(observations=[row | {"CODE": code} for code in codes])
    (path / "careplans.csv").write_text("Id\n")
    out, err = run(clinic, path)
    lines = out.splitlines()
    told = (
        "Left out: 5 rows of observations with codes that vital signs do not have: QALY (2), no code of LOINC (2), 72514-3 (1)."
    )
    assert told in lines
    assert lines[-1] == "Left out: tables that are not read: careplans.csv."
    assert "Secret" not in out + err


def test_lines_behind_an_open_quote_are_counted_and_the_first_is_named(clinic, charts):
    path = charts()
    with (path / "conditions.csv").open("a", encoding="utf-8") as file:
        file.write(f'2001-02-03,,{MAREN},e,59621000,"Hyper\n2001-02-04,,{MAREN},e,59621000,Hypertension\n')
    out, err = run(clinic, path)
    assert "conditions.csv, line 9: not read: a quote is opened in the row on line 9 and never closed" in err
    assert "conditions.csv: nothing was read from line 9 on." in err
    assert summary_of(out, "conditions") == "7 created, 0 updated, 0 unchanged, 2 refused."


# --- spreadsheets, and second runs ----------------------------------------------------------------------

DESTROYED = {
    ("patients", "ZIP"): ("1.23E+05", "scientific notation"),
    ("patients", "BIRTHDATE"): ("22326", "a number, not a date"),
    ("patients", "CITY"): ("#REF!", "error of a spreadsheet"),
    ("conditions", "CODE"): ("1.95662E+08", "scientific notation"),
    ("conditions", "START"): ("03/04/2011", "name the order of day, month and year"),
    ("medications", "START"): ("3-4-11", "year of two digits"),
    ("allergies", "REACTION1"): ("418290006.0", "as a number, with decimals"),
    ("observations", "CODE"): ("Feb-02", "is a date"),
    ("observations", "DATE"): ("#####", "error of a spreadsheet"),
    ("observations", "VALUE"): ("165,1", "where semicolons separate"),
}


@pytest.mark.parametrize(("table", "column"), DESTROYED)
def test_a_value_that_a_spreadsheet_has_destroyed_refuses_its_row_by_the_name_of_the_column(clinic, charts, table, column):
    cell, why = DESTROYED[table, column]
    first, *others = chart_rows(table)
    _, err = run(clinic, charts(**{table: [first | {column: cell}, *others]}))
    (line,) = (line for line in err.splitlines() if line.startswith(f"{table}.csv, line 2: "))
    assert f"{column}: " in line
    assert why in line
    assert cell not in line


def counts(out: str) -> dict[str, str]:
    return {table: summary_of(out, table) for table in ("patients", "allergies", "conditions", "medications", "observations")}


def test_an_export_comes_in_once_however_often_and_in_whatever_form_it_is_imported(clinic, tmp_path):
    export = Export(40)
    path = export.write(tmp_path / "export")
    out, err = run(clinic, path)
    assert err == ""
    assert {table: int(line.split()[0]) for table, line in counts(out).items()} == {
        table: export.entries[table] for table in counts(out)
    }
    before, versions = state(), list(Patient.objects.order_by("pk").values_list("pk", "version"))
    for source, options in ((path, {}), (save_again(path, tmp_path / "again"), {"date_order": "dmy"})):
        out, err = run(clinic, source, **options)
        assert err == ""
        assert all(line.startswith("0 created, 0 updated") for line in counts(out).values()), out
        assert (state(), list(Patient.objects.order_by("pk").values_list("pk", "version"))) == (before, versions)


def test_what_a_spreadsheet_has_saved_again_is_the_same_record(clinic, neighbour, tmp_path):
    path = Export(12).write(tmp_path / "export")
    neighbour.organization.timezone = clinic.organization.timezone
    neighbour.organization.save()
    run(clinic, path)
    run(neighbour, save_again(path, tmp_path / "again"), date_order="dmy")
    columns = ("first_name", "middle_name", "last_name", "date_of_birth", "postal_code", "date_time_deceased", "address_line1")

    def record(of) -> list:
        people = Patient.objects.filter(organization=of.organization).order_by("pk")
        signs = VitalSigns.objects.filter(organization=of.organization).order_by("pk")
        return [
            *people.values_list(*columns),
            *(stored(person, "social_security_number") for person in people),
            *signs.values_list("date_taken", "time_taken", "weight_lbs", "height_inches", "temperature_f"),
        ]

    assert record(clinic) == record(neighbour)


def test_local_dates_without_their_order_refuse_every_row_and_nothing_is_guessed(clinic, tmp_path):
    path = Export(3).write(tmp_path / "export")
    out, err = run(clinic, save_again(path, tmp_path / "again"))
    assert "BIRTHDATE: is not of the form YYYY-MM-DD: name the order of day, month and year" in err
    assert out.startswith("3 rows of patients: 0 created")
    assert not Patient.objects.exists()
