"""What speaks against an entry before it is written, and that asking stores nothing."""

import datetime

import pytest

from accounts.models import AuditEvent
from clinical.models import Allergy, Disease, DiseaseDefinition, Medication
from clinical.services.issues import (
    issues_of_allergy,
    issues_of_enrolment,
    issues_of_medication,
    issues_of_problem,
    issues_of_vital_signs,
)
from config.core.exceptions import Invalid
from patients.models import Patient
from patients.services.lifecycle import record_death, transition_status
from tests.clinical.substances import Charts
from tests.factories import SYSTEM

TAKEN = datetime.date(2024, 2, 29)


@pytest.fixture
def charts(clinic, api):
    return Charts(clinic, clinic.patient(care_group_id=clinic.group.pk), api())


def of(charts: Charts, name: str, **values):
    """Return what speaks against a medication of the catalog."""
    return issues_of_medication(charts.patient, {"medication_definition_id": charts.product(name).pk, **values})


def kinds(issues) -> list[str]:
    return [issue.kind for issue in issues]


def test_asking_warns_as_writing_does_and_stores_nothing(charts):
    charts.allergy("Penicillins", severity="severe")
    charts.medication("Co-amoxiclav")
    charts.product("Amoxil 500")
    events = AuditEvent.objects.count()
    issues = of(charts, "Amoxil 500")
    assert (AuditEvent.objects.count(), Medication.objects.filter(patient=charts.patient).count()) == (events, 1)
    told = charts.medication("Amoxil 500")["interaction_warnings"]
    assert [issue.message for issue in issues] == [warning["message"] for warning in told]
    assert kinds(issues) == ["drug_allergy.high", "duplicate_ingredient.moderate"]


def test_a_new_allergy_is_held_against_what_is_taken(charts):
    charts.medication("Advil")
    issues = issues_of_allergy(charts.patient, {"allergy_definition_id": charts.allergen("NSAIDs").pk, "severity": "mild"})
    assert kinds(issues) == ["drug_allergy.low"]


def test_a_medication_in_words_is_known_by_its_code_before_it_is_written(charts):
    charts.product("Advil")
    charts.allergy("NSAIDs")
    issues = issues_of_medication(charts.patient, {"med_descript": "Pain tablets", "rx_cui": "5640"})
    assert kinds(issues) == ["drug_allergy.moderate"]


def test_a_correction_is_compared_as_it_would_be_and_not_with_itself(charts):
    charts.allergy("Penicillins")
    charts.medication("Advil")
    entry = Medication.objects.get(patient=charts.patient)
    assert issues_of_medication(charts.patient, {"dosage": "2"}, entry) == []
    changed = {"medication_definition_id": charts.product("Amoxil 500").pk}
    assert kinds(issues_of_medication(charts.patient, changed, entry)) == ["drug_allergy.moderate"]
    assert issues_of_medication(charts.patient, {**changed, "status": "on_hold"}, entry) == []


def test_a_current_medication_of_the_same_name_is_told(charts):
    charts.made("medications", {"med_descript": "Rínse"})
    assert kinds(of(charts, "Rinse")) == ["recorded_already.moderate"]
    charts.medication("Advil")
    assert kinds(of(charts, "Advil")) == ["duplicate_ingredient.moderate"]


def test_an_active_allergy_or_problem_of_the_same_kind_is_told(charts, clinic):
    charts.allergy("Latex")
    latex = {"allergy_definition_id": charts.allergen("Latex").pk}
    assert kinds(issues_of_allergy(charts.patient, latex)) == ["recorded_already.moderate"]
    assert issues_of_allergy(charts.patient, {}, Allergy.objects.get(patient=charts.patient)) == []
    clinic.entry(Disease, charts.patient)
    again = {"disease_definition_id": clinic.row(DiseaseDefinition).pk}
    assert kinds(issues_of_problem(charts.patient, again)) == ["recorded_already.moderate"]
    assert issues_of_problem(charts.patient, {**again, "problem_status": "resolved"}) == []


def test_vital_signs_that_block_procedures_are_told_and_impossible_ones_refused(charts):
    values = {"date_taken": TAKEN, "bp_systolic": 200, "pulse": 105}
    (issue,) = issues_of_vital_signs(charts.patient, values)
    assert issue.kind == "blocks_procedures.high"
    assert issue.message.startswith("Systolic blood pressure of 200 mmHg: over 180.")
    with pytest.raises(Invalid):
        issues_of_vital_signs(charts.patient, {"date_taken": TAKEN, "pulse": 900})


def test_the_status_of_the_patient_speaks_against_treatment(charts):
    transition_status(actor=SYSTEM, patient_id=charts.patient.pk, base_version=1, new_status="inactive")
    charts.patient.refresh_from_db()
    assert kinds(issues_of_enrolment(charts.patient)) == ["not_active.moderate"]
    assert of(charts, "Rinse") == []
    record_death(actor=SYSTEM, patient_id=charts.patient.pk, at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    patient = Patient.objects.get(pk=charts.patient.pk)
    assert kinds(issues_of_enrolment(patient)) == kinds(of(Charts(charts.clinic, patient, charts.client), "Rinse"))
    assert kinds(issues_of_enrolment(patient)) == ["deceased.high"]


@pytest.mark.parametrize("words", ["amoxil", "Amoxil 250 mg, three times a day"])
def test_a_medication_in_words_is_compared_by_the_names_in_them(charts, words):
    charts.allergy("Penicillins", severity="severe")
    charts.product("Amoxil 500")
    (issue,) = issues_of_medication(charts.patient, {"med_descript": words})
    assert issue.kind == "drug_allergy.high"
    assert f"{words} belongs to the drug class Penicillins" in issue.message


@pytest.mark.parametrize("words", ["amox", "Amox 250 mg, three times a day"])
def test_a_medication_in_words_is_compared_as_the_rows_that_it_may_mean(charts, words):
    charts.allergy("Penicillins", severity="severe")
    charts.product("Amoxil 500")
    (issue,) = issues_of_medication(charts.patient, {"med_descript": words})
    assert issue.kind == "drug_allergy.high"
    assert issue.message.startswith("If this is Amoxil 500: ")


def test_what_is_compared_with_no_allergy_says_so(charts):
    words = {"med_descript": "Drops of his own"}
    assert issues_of_medication(charts.patient, words) == []
    charts.allergy("Penicillins")
    (issue,) = issues_of_medication(charts.patient, words)
    assert issue.kind == "not_checked.moderate"
    assert "Penicillins" in issue.message
