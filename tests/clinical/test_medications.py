"""Medications of a patient over the practice dialect. What all charts have in common is in tests/patients/test_charts.py."""

import pytest

from accounts.models import AuditEvent, OutboxEvent
from clinical.models import Medication, MedicationDefinition
from clinical.services.medications import create_medication
from tests.clinical.chart_dialogs import Dialogs, errors_of
from tests.clinical.substances import MEDICATIONS
from tests.factories import SYSTEM

FULL = {
    "med_descript": " Home-made\tsyrup ",
    "rx_cui": "308192",
    "dosage": "1 tablet",
    "frequency": "3 × daily",
    "route": "oral",
    "date_start": "2024-02-01",
    "date_stop": "2024-02-29",
    "patient_note": "With food",
    "is_cpoe": True,
}


def named(answer) -> list[list]:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


def test_a_medication_in_words_is_kept_as_it_was_told(charts):
    provider = charts.clinic.catalogs["provider"]
    made = charts.made("medications", {**FULL, "provider_uuid": str(provider.uuid)})
    assert {name: made[name] for name in FULL} == FULL
    assert made["provider"] == {"uuid": str(provider.uuid), "name": provider.name}
    assert (made["medication_definition"], made["status"], made["discontinuation_reason"]) == (None, "active", None)
    assert (made["version"], made["deleted_at"], made["interaction_warnings"]) == (1, None, [])
    assert charts.client.get(f"{charts.address}/medications/{made['id']}").json() == {**made, "interaction_check": None}


def test_a_medication_of_the_catalog_needs_no_words(charts):
    made = charts.medication("Rinse")
    assert made["medication_definition"] == {"uuid": str(charts.product("Rinse").uuid), "name": "Rinse"}
    silent = ("med_descript", "rx_cui", "dosage", "frequency", "route", "provider", "date_start", "date_stop", "patient_note")
    assert [made[name] for name in silent] == [None] * len(silent)
    assert made["is_cpoe"] is False


def test_a_new_medication_is_active_whatever_the_body_says(charts):
    """A status is no part of the create, and an unknown field changes nothing."""
    assert charts.medication("Rinse", status="completed", discontinuation_reason="x")["status"] == "active"
    assert Medication.objects.get().discontinuation_reason is None


# --- what a medication is ---------------------------------------------------------------------------

NAMELESS = [{}, {"rx_cui": "308192"}, {"med_descript": None}, {"med_descript": ""}, {"medication_definition_uuid": None}]


@pytest.mark.parametrize("body", NAMELESS)
def test_a_medication_has_a_definition_or_words(charts, body):
    assert named(charts.client.post(f"{charts.address}/medications", body)) == [["body", "med_descript"]]


@pytest.mark.parametrize("words", ["  ", "\u200b\u3164\u2800", "\n\t"])
def test_words_that_cannot_be_seen_name_no_medication(charts, words):
    assert named(charts.client.post(f"{charts.address}/medications", {"med_descript": words})) == [["body", "med_descript"]]
    made = charts.medication("Rinse", med_descript=words)
    path = f"{charts.address}/medications/{made['id']}"
    for changes in ({"med_descript": words}, {}):
        body = {"base_version": 1, "medication_definition_uuid": None, **changes}
        assert named(charts.client.patch(path, body)) == [["body", "med_descript"]]
    assert Medication.objects.get().medication_definition_id == charts.product("Rinse").pk


def test_a_dialog_takes_no_words_that_cannot_be_seen(charts):
    dialogs = Dialogs(charts.clinic, charts.patient)
    assert "medication" in errors_of(dialogs.send("medication", medication="\u200b\u3164\u2800"))
    assert not Medication.objects.exists()
    assert not Medication.objects.exists()
    assert not OutboxEvent.objects.filter(type="medication.created").exists()


def test_a_correction_takes_neither_the_last_name_away(charts):
    words, coded = charts.made("medications", {"med_descript": "Syrup"}), charts.medication("Rinse")
    for entry, changes in (
        (words, {"med_descript": None}),
        (words, {"med_descript": ""}),
        (coded, {"medication_definition_uuid": None}),
    ):
        answer = charts.client.patch(f"{charts.address}/medications/{entry['id']}", {"base_version": 1, **changes})
        assert named(answer) == [["body", "med_descript"]], changes
    swapped = charts.changed("medications", coded, medication_definition_uuid=None, med_descript="Rinse of old")
    assert (swapped["medication_definition"], swapped["med_descript"]) == (None, "Rinse of old")


@pytest.mark.parametrize(
    ("name", "expected"), [("Amoxil 500", "308192"), ("Advil", "310965"), ("Aspirin", None), ("Rinse", None)]
)
def test_the_code_comes_from_a_definition_of_rxnorm_where_the_body_is_silent(charts, name, expected):
    assert charts.medication(name)["rx_cui"] == expected


@pytest.mark.parametrize("given", ["1", "", None])
def test_a_code_in_the_body_stands(charts, given):
    assert charts.medication("Amoxil 500", rx_cui=given)["rx_cui"] == given


def test_the_code_follows_another_definition_and_stays_with_the_same(charts):
    made = charts.medication("Amoxil 500")
    same = charts.changed("medications", made, medication_definition_uuid=str(charts.product("Amoxil 500").uuid), dosage="2")
    assert same["rx_cui"] == "308192"
    other = charts.changed("medications", same, medication_definition_uuid=str(charts.product("Advil").uuid))
    assert other["rx_cui"] == "310965"
    uncoded = charts.changed("medications", other, medication_definition_uuid=str(charts.product("Rinse").uuid))
    assert uncoded["rx_cui"] is None
    told = charts.changed("medications", uncoded, medication_definition_uuid=str(charts.product("Advil").uuid), rx_cui="7")
    assert told["rx_cui"] == "7"
    kept = charts.changed("medications", told, medication_definition_uuid=str(charts.product("Advil").uuid))
    assert kept["rx_cui"] == "7"
    words = charts.changed("medications", kept, medication_definition_uuid=None, med_descript="Tablets")
    assert words["rx_cui"] == "7"


def test_a_code_that_is_none_of_rxnorm_s_is_not_taken_over(charts):
    long = charts.clinic.catalog(MedicationDefinition, "Odd", concept_system="rxnorm", concept_code="9" * 64)
    assert charts.made("medications", {"medication_definition_uuid": str(long.uuid)})["rx_cui"] is None


def test_the_service_fills_the_code_for_every_caller(charts):
    row = charts.clinic.catalog(MedicationDefinition, "Advil", **MEDICATIONS["Advil"])
    made = create_medication(actor=SYSTEM, patient_id=charts.patient.pk, medication_definition_id=row.pk)
    assert made.rx_cui == "310965"


# --- how long it is taken ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["completed", "discontinued", "on_hold", "active"])
def test_a_correction_says_whether_it_is_taken(charts, status):
    made = charts.medication("Rinse")
    changed = charts.changed("medications", made, status=status, discontinuation_reason="Stains", date_stop="2024-05-01")
    assert (changed["status"], changed["discontinuation_reason"], changed["date_stop"]) == (status, "Stains", "2024-05-01")
    assert AuditEvent.objects.get(action="medication.update").changed_fields == "date_stop,discontinuation_reason,status"


def test_null_leaves_the_status(charts):
    made = charts.changed("medications", charts.medication("Rinse"), status="on_hold")
    assert charts.changed("medications", made, status=None, is_cpoe=None)["status"] == "on_hold"


def test_the_list_is_filtered_by_what_is_taken(charts):
    made = {status: charts.medication("Rinse") for status in ("active", "completed", "discontinued", "on_hold")}
    for status, entry in made.items():
        charts.changed("medications", entry, status=status)
    charts.archived("medications", charts.medication("Rinse"))

    def listed(**query) -> set[str]:
        answer = charts.client.get(f"{charts.address}/medications", query).json()
        assert answer["total"] == len(answer["items"])
        return {item["status"] for item in answer["items"]}

    assert listed() == set(made)
    assert listed(is_active="true") == {"active"}
    assert listed(is_active="false") == set(made) - {"active"}


@pytest.mark.parametrize("raw", [" ", "active", "2"])
def test_only_true_and_false_filter(charts, raw):
    assert named(charts.client.get(f"{charts.address}/medications", {"is_active": raw})) == [["query", "is_active"]]


def test_a_medication_does_not_end_before_it_began(charts):
    body = {"med_descript": "Syrup", "date_start": "2024-03-02", "date_stop": "2024-03-01"}
    assert named(charts.client.post(f"{charts.address}/medications", body)) == [["body", "date_stop"]]
    made = charts.made("medications", {**body, "date_stop": "2024-03-02"})
    one = f"{charts.address}/medications/{made['id']}"
    assert named(charts.client.patch(one, {"base_version": 1, "date_start": "2024-03-03"})) == [["body", "date_stop"]]
    assert charts.changed("medications", made, date_start="2024-03-03", date_stop=None)["date_stop"] is None


# --- what is refused --------------------------------------------------------------------------------


def test_every_bad_value_is_named(charts):
    bad = {
        "medication_definition_uuid": "nope",
        "provider_uuid": 7,
        "med_descript": "x" * 501,
        "rx_cui": "1" * 17,
        "dosage": "x" * 256,
        "frequency": [],
        "route": False,
        "date_start": "2023-02-30",
        "date_stop": "01-02-2023",
        "patient_note": {},
        "is_cpoe": "nee",
    }
    expected = sorted(["body", name] for name in bad)
    assert sorted(named(charts.client.post(f"{charts.address}/medications", bad))) == expected
    bad |= {"status": "taken", "discontinuation_reason": 7}
    one = f"{charts.address}/medications/{charts.medication('Rinse')['id']}"
    answer = charts.client.patch(one, {"base_version": 1, **bad})
    assert sorted(named(answer)) == sorted(["body", name] for name in bad)
    assert Medication.objects.get().version == 1


@pytest.mark.parametrize(
    ("field", "message"),
    [("medication_definition_uuid", "Medication definition not found"), ("provider_uuid", "Provider not found")],
)
def test_rows_of_somebody_else_are_unknown(charts, neighbour, field, message):
    foreign = {
        "medication_definition_uuid": neighbour.catalog(MedicationDefinition, "Theirs"),
        "provider_uuid": neighbour.catalogs["provider"],
    }[field]
    body = {"med_descript": "Syrup", field: str(foreign.uuid)}
    answer = charts.client.post(f"{charts.address}/medications", body)
    assert (answer.status_code, answer.json()) == (404, {"detail": message})
    made = charts.made("medications", {"med_descript": "Syrup"})
    answer = charts.client.patch(f"{charts.address}/medications/{made['id']}", {"base_version": 1, field: str(foreign.uuid)})
    assert (answer.status_code, answer.json()) == (404, {"detail": message})
