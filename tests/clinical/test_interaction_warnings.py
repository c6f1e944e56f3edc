"""Warnings in the answers of creates and changes: which entries of a chart they come from, and what they cost."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import Allergy, AllergyDefinition, Medication, MedicationDefinition
from clinical.services.interactions import check_interactions
from config.core.orm import uuid7
from tests.clinical.substances import ALLERGENS, IBUPROFEN, MEDICATIONS, NSAIDS, PENICILLINS, Charts, warnings_of
from tests.factories import SYSTEM, archive

KEYS = {"kind", "basis", "severity", "message", "codings", "allergy", "medication"}


def test_a_penicillin_allergy_warns_of_amoxicillin(charts):
    allergy = charts.allergy("Penicillins", severity="severe", reaction="Hives")
    assert allergy["interaction_warnings"] == []
    (warning,) = charts.medication("Amoxil 500")["interaction_warnings"]
    assert warning == {
        "kind": "drug_allergy",
        "basis": "class",
        "severity": "high",
        "message": "Recorded allergy to Penicillins (severity: severe; reaction: Hives). "
        "Amoxil 500 belongs to the drug class Penicillins.",
        "codings": [PENICILLINS],
        "allergy": {"uuid": allergy["id"], "name": "Penicillins"},
        "medication": None,
    }


def test_an_nsaid_allergy_warns_of_ibuprofen_that_is_taken(charts):
    taken = charts.medication("Advil")
    (warning,) = charts.allergy("NSAIDs")["interaction_warnings"]
    assert warning.keys() == KEYS
    assert (warning["medication"], warning["allergy"]) == ({"uuid": taken["id"], "name": "Advil"}, None)
    assert (warning["basis"], warning["severity"], warning["codings"]) == ("class", "moderate", [NSAIDS])


def test_the_same_ingredient_twice_is_told_beside_the_allergy_to_it(charts):
    charts.allergy("Amoxicillin")
    charts.medication("Amoxil 500")
    assert warnings_of(charts.medication("Co-amoxiclav")) == [
        ("drug_allergy", "ingredient", "Amoxicillin"),
        ("duplicate_ingredient", "ingredient", "Amoxil 500"),
    ]


def test_the_same_medication_twice_is_a_duplicate_of_the_other_and_not_of_itself(charts):
    assert warnings_of(charts.medication("Advil")) == []
    assert warnings_of(charts.medication("Advil")) == [("duplicate_ingredient", "ingredient", "Advil")]


def test_a_warning_stops_nothing(charts):
    charts.allergy("Penicillins", severity="fatal")
    made = charts.medication("Amoxil 500")
    assert made["interaction_warnings"][0]["severity"] == "high"
    assert Medication.objects.get(uuid=made["id"]).status == "active"
    assert OutboxEvent.objects.filter(type="medication.created").count() == 1


# --- who is asked -----------------------------------------------------------------------------------


def test_what_is_no_longer_active_does_not_warn(charts):
    charts.changed("allergies", charts.allergy("Penicillins"), status_is_active=False)
    assert warnings_of(charts.medication("Amoxil 500")) == []


@pytest.mark.parametrize("status", ["completed", "discontinued", "on_hold"])
def test_a_medication_that_is_not_taken_does_not_warn(charts, status):
    charts.changed("medications", charts.medication("Amoxil 500"), status=status)
    assert warnings_of(charts.allergy("Penicillins")) == []
    assert warnings_of(charts.medication("Co-amoxiclav")) == [("drug_allergy", "class", "Penicillins")]


def test_what_is_archived_does_not_warn(charts):
    charts.archived("allergies", charts.allergy("Penicillins"))
    charts.archived("medications", charts.medication("Amoxil 500"))
    assert warnings_of(charts.medication("Amoxil 500")) == []
    assert warnings_of(charts.allergy("NSAIDs")) == []


def test_an_allergy_that_is_recorded_as_inactive_warns_of_nothing(charts):
    charts.medication("Amoxil 500")
    assert warnings_of(charts.allergy("Penicillins", status_is_active=False)) == []


def test_another_patients_chart_says_nothing(charts, clinic):
    other = Charts(clinic, clinic.patient(), charts.client)
    other.rows.update(charts.rows)
    charts.allergy("Penicillins")
    charts.medication("Amoxil 500")
    other.rows.update(charts.rows)
    assert warnings_of(other.medication("Amoxil 500")) == []
    assert warnings_of(other.allergy("NSAIDs")) == []


def test_the_chart_of_an_archived_patient_warns_of_nothing(charts):
    charts.allergy("Penicillins")
    made = Medication.objects.get(uuid=charts.medication("Amoxil 500")["id"])
    assert len(check_interactions(made).warnings) == 1
    archive(charts.patient)
    for entry in (made, Allergy.objects.get(patient=charts.patient)):
        assert (list(check_interactions(entry).warnings), check_interactions(entry).is_comparable) == ([], False)


def test_a_definition_that_has_been_archived_still_says_what_a_medication_is(charts):
    charts.medication("Amoxil 500")
    archive_catalog_row(actor=SYSTEM, row=charts.product("Amoxil 500"), base_version=1)
    assert warnings_of(charts.allergy("Penicillins")) == [("drug_allergy", "class", "Amoxil 500")]


def test_a_caregiver_is_warned_like_an_administrator(charts, api):
    charts.allergy("Penicillins")
    charts.client = api(Role.HC_PRIMARY)
    assert warnings_of(charts.medication("Amoxil 500")) == [("drug_allergy", "class", "Penicillins")]


# --- medications in words ---------------------------------------------------------------------------


@pytest.mark.parametrize("rx_cui", ["310965", "5640"], ids=["code of the medication", "code of its only ingredient"])
def test_a_medication_in_words_is_known_by_its_code(charts, rx_cui):
    charts.product("Advil")
    charts.allergy("NSAIDs")
    made = charts.made("medications", {"med_descript": "Pain tablets", "rx_cui": rx_cui})
    assert warnings_of(made) == [("drug_allergy", "class", "NSAIDs")]
    assert made["interaction_warnings"][0]["message"].endswith("Pain tablets belongs to the drug class NSAIDs.")
    assert made["medication_definition"] is None
    assert warnings_of(charts.medication("Advil"))[0] == ("duplicate_ingredient", "ingredient", "Pain tablets")


def test_a_medication_in_words_is_held_against_a_new_allergy(charts):
    charts.product("Advil")
    charts.made("medications", {"med_descript": "Pain tablets", "rx_cui": "5640"})
    assert warnings_of(charts.allergy("NSAIDs")) == [("drug_allergy", "class", "Pain tablets")]


def test_the_code_of_an_ingredient_warns_without_any_row_of_the_catalog(charts, clinic):
    charts.rows["AllergyDefinition NSAIDs"] = clinic.catalog(type(charts.allergen("Latex")), "Ibuprofen", ingredients=[IBUPROFEN])
    charts.allergy("NSAIDs")
    made = charts.made("medications", {"med_descript": "Pain tablets", "rx_cui": "5640"})
    assert warnings_of(made) == [("drug_allergy", "ingredient", "Ibuprofen")]


def test_the_class_of_a_combination_is_not_that_of_its_first_ingredient(charts, clinic):
    both = {"ingredients": [IBUPROFEN, NSAIDS], "drug_classes": [PENICILLINS]}
    clinic.catalog(MedicationDefinition, "Odd combination", **both)
    charts.allergy("Penicillins")
    assert warnings_of(charts.made("medications", {"med_descript": "Pain tablets", "rx_cui": "5640"})) == []


CODES = [{}, {"rx_cui": "999999"}, {"rx_cui": ""}, {"rx_cui": "amoxicillin"}]


@pytest.mark.parametrize("body", CODES)
@pytest.mark.parametrize("words", ["Amoxil 500", "AMOXIL", "amoxil 250mg, three times a day", "Amoxicillin (generic)"])
def test_words_are_known_by_a_name_that_the_catalog_has_in_them(charts, words, body):
    charts.product("Amoxil 500")
    charts.allergy("Penicillins")
    made = charts.made("medications", {"med_descript": words, **body})
    assert warnings_of(made) == [("drug_allergy", "class", "Penicillins")]
    assert made["interaction_check"] == {"status": "checked", "reason": None}


@pytest.mark.parametrize("body", CODES)
@pytest.mark.parametrize("words", ["Amox", "Drops of his own", "Amoxilan", "500"])
def test_words_that_the_catalog_does_not_have_are_said_not_to_be_checked(charts, words, body):
    charts.product("Amoxil 500")
    charts.allergy("Penicillins")
    made = charts.made("medications", {"med_descript": words, **body})
    assert warnings_of(made) == []
    reason = f"Nothing in the catalog tells which substance this is: {words}."
    assert made["interaction_check"] == {"status": "not_checked", "reason": reason}


def test_the_part_of_a_combination_that_words_name_is_compared_and_no_other(charts):
    charts.product("Co-amoxiclav")
    charts.allergy("Penicillins")
    made = charts.made("medications", {"med_descript": "Clavulanate"})
    assert (warnings_of(made), made["interaction_check"]["status"]) == ([], "checked")
    charts.archived("medications", made)
    assert warnings_of(charts.made("medications", {"med_descript": "co-amoxiclav 625"})) == [
        ("drug_allergy", "class", "Penicillins")
    ]


def test_the_name_of_an_allergy_is_found_in_a_medication_of_which_the_catalog_tells_nothing_else(charts, clinic):
    for name, rows in (("Zorbaxin", ALLERGENS), ("Zorbaxin 20 mg", MEDICATIONS)):
        model = AllergyDefinition if rows is ALLERGENS else MedicationDefinition
        charts.rows[f"{model.__name__} Latex" if rows is ALLERGENS else f"{model.__name__} Rinse"] = clinic.catalog(model, name)
    charts.allergy("Latex", severity="severe")
    for made in (charts.medication("Rinse"), charts.made("medications", {"med_descript": "ZORBAXIN at night"})):
        assert warnings_of(made)[0] == ("drug_allergy", "ingredient", "Zorbaxin")


def test_a_brand_in_brackets_and_a_plural_are_names(charts, clinic):
    contents = {"ingredients": [IBUPROFEN], "drug_classes": [NSAIDS]}
    clinic.catalog(MedicationDefinition, "ibuprofen 200 MG Oral Tablet [Motrin]", **contents)
    clinic.catalog(AllergyDefinition, "Ibuprofen (brufen)", **contents)
    charts.allergy("NSAIDs")
    for words in ("Motrin", "an NSAID", "ibuprofens", "Brufen 400"):
        assert ("drug_allergy", "class", "NSAIDs") in warnings_of(charts.made("medications", {"med_descript": words}))


def test_codes_are_looked_up_in_the_organizations_own_catalog_as_it_is_now(charts, neighbour):
    neighbour.catalog(MedicationDefinition, "Theirs", **MEDICATIONS["Advil"])
    archive_catalog_row(actor=SYSTEM, row=charts.product("Advil"), base_version=1)
    charts.allergy("NSAIDs")
    assert warnings_of(charts.made("medications", {"med_descript": "Pain tablets", "rx_cui": "310965"})) == []


def test_the_code_of_another_system_is_not_taken_for_rxnorm(charts):
    charts.product("Aspirin")
    charts.allergy("NSAIDs")
    assert warnings_of(charts.made("medications", {"med_descript": "Tablets", "rx_cui": "aspirin-81"})) == []


# --- answers ----------------------------------------------------------------------------------------


def told(answer: dict) -> tuple[list, dict | None]:
    return answer["interaction_warnings"], answer["interaction_check"]


CHECKED = {"status": "checked", "reason": None}


def test_the_answers_of_creates_and_changes_tell_warnings_and_no_others(charts):
    charts.allergy("Penicillins")
    made = charts.medication("Amoxil 500")
    assert (len(made["interaction_warnings"]), made["interaction_check"]) == (1, CHECKED)
    one = f"{charts.address}/medications/{made['id']}"
    assert told(charts.client.get(one).json()) == ([], None)
    assert told(charts.client.get(f"{charts.address}/medications").json()["items"][0]) == ([], None)
    changed = charts.changed("medications", made, dosage="2")
    assert told(changed) == told(made)
    assert told(charts.archived("medications", changed)) == ([], None)


def test_a_change_that_brings_drug_and_allergy_together_warns(charts):
    allergy, medication = charts.allergy("Penicillins", severity="mild"), charts.medication("Advil")
    amoxil = str(charts.product("Amoxil 500").uuid)
    medication = charts.changed("medications", medication, medication_definition_uuid=amoxil)
    assert warnings_of(medication) == [("drug_allergy", "class", "Penicillins")]
    allergy = charts.changed("allergies", allergy, severity="severe")
    assert [warning["severity"] for warning in allergy["interaction_warnings"]] == ["high"]
    allergy = charts.changed("allergies", allergy, status_is_active=False)
    assert (warnings_of(allergy), allergy["interaction_check"]["status"]) == ([], "not_checked")
    assert warnings_of(charts.changed("medications", medication, dosage="1")) == []
    assert warnings_of(charts.changed("allergies", allergy, status_is_active=True)) == [("drug_allergy", "class", "Amoxil 500")]


def test_a_change_to_words_and_to_a_medication_that_is_taken_again_warns(charts):
    charts.product("Amoxil 500")
    charts.allergy("Penicillins")
    made = charts.made("medications", {"med_descript": "Tea"})
    made = charts.changed("medications", made, med_descript="Amoxil 500 in the morning", status="on_hold")
    assert (warnings_of(made), made["interaction_check"]["status"]) == ([], "not_checked")
    assert warnings_of(charts.changed("medications", made, status="active")) == [("drug_allergy", "class", "Penicillins")]


def test_what_could_not_be_compared_on_the_other_side_is_named(charts):
    charts.made("medications", {"med_descript": "Tea of his own"})
    reason = "Not compared, as nothing tells which substances these are: Tea of his own."
    assert charts.allergy("Penicillins")["interaction_check"] == {"status": "not_checked", "reason": reason}
    charts.allergy("Latex")
    assert "Latex" in charts.medication("Advil")["interaction_check"]["reason"]
    AllergyDefinition.objects.filter(pk=charts.allergen("Latex").pk).update(category="environment")
    assert charts.medication("Amoxil 500")["interaction_check"] == CHECKED


def test_a_replay_gives_the_first_answer_with_its_warnings(charts):
    charts.allergy("Penicillins")
    body = {"medication_definition_uuid": str(charts.product("Amoxil 500").uuid)}
    first = charts.made("medications", body, Idempotency_Key="once")
    charts.allergy("Amoxicillin")
    again = charts.client.post(f"{charts.address}/medications", body, Idempotency_Key="once")
    assert (again["Idempotent-Replayed"], again.json()) == ("true", first)
    assert warnings_of(first) == [("drug_allergy", "class", "Penicillins")]
    assert Medication.objects.filter(patient=charts.patient).count() == 1


@pytest.mark.parametrize("others", [0, 1, 10])
def test_the_check_costs_two_statements_whatever_the_chart_holds(charts, others):
    new = [Allergy.objects.get(uuid=charts.allergy("Penicillins")["id"])]
    new.append(Medication.objects.get(uuid=charts.medication("Amoxil 500")["id"]))
    for number in range(others):
        charts.allergy("NSAIDs")
        charts.medication("Advil")
        charts.made("medications", {"med_descript": f"Words {number}", "rx_cui": "5640"})
    for entry in new:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert check_interactions(entry).warnings
        assert len(queries) == 2, [query["sql"] for query in queries]


def test_an_entry_that_is_gone_warns_of_nothing(charts, clinic):
    row = Medication(patient=charts.patient, organization=clinic.organization, uuid=uuid7(), date_start=datetime.date(2020, 1, 1))
    assert list(check_interactions(row).warnings) == []
