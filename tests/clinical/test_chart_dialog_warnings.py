"""Dialogs that warn before anything is stored, that tell of somebody else's change, and the turns of entries."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from clinical.models import (
    Allergy,
    AllergyDefinition,
    CommunicationLog,
    Disease,
    Instrument,
    Measurement,
    Medication,
    MedicationDefinition,
    RuleOverride,
    VitalSigns,
)
from clinical.services.medications import update_medication
from patients.models import Enrolment, OverriddenWarning, Patient, Relationship
from patients.services.enrolments import enrol_patient
from patients.services.lifecycle import record_death
from tests.clinical.chart_dialogs import Dialogs, errors_of, inputs_of, message_of, warnings_of
from tests.clinical.rules import LIMIT
from tests.clinical.substances import ALLERGENS, MEDICATIONS
from tests.factories import SYSTEM
from tests.pages import row_inputs

TODAY = "3 Nov 2026"


@pytest.fixture
def dialogs(clinic) -> Dialogs:
    return Dialogs(clinic, clinic.patient(care_group_id=clinic.group.pk))


@pytest.fixture
def penicillins(clinic, dialogs) -> Allergy:
    """Record a severe allergy to penicillins, and offer amoxicillin in the catalog."""
    definition = clinic.catalog(AllergyDefinition, "Penicillins", **ALLERGENS["Penicillins"])
    clinic.catalog(MedicationDefinition, "Amoxil 500", **MEDICATIONS["Amoxil 500"])
    return clinic.entry(Allergy, dialogs.patient, allergy_definition_id=definition.pk, severity="severe")


# --- warnings ---------------------------------------------------------------------------------------
def test_an_interaction_is_shown_before_anything_is_stored(dialogs, penicillins):
    shown = dialogs.send("medication", medication="Amoxil 500")
    assert (shown.status_code, warnings_of(shown)) == (422, ["drug_allergy.high"])
    assert "Recorded allergy to Penicillins" in shown.content.decode()
    assert not Medication.objects.filter(patient=dialogs.patient).exists()


@pytest.mark.parametrize(
    "given", [{"acknowledged": "on"}, {"override_reason": "Tolerated"}, {"acknowledged": "on", "override_reason": " "}]
)
def test_saving_all_the_same_needs_the_box_and_a_reason(dialogs, penicillins, given):
    shown = dialogs.send("medication", medication="Amoxil 500")
    assert dialogs.again(shown, "medication", **given).status_code == 422
    assert not Medication.objects.filter(patient=dialogs.patient).exists()


def test_saving_all_the_same_is_audited_and_its_reason_kept(dialogs, penicillins):
    saved = dialogs.against_warnings(dialogs.send("medication", medication="amoxil 500"), "medication")
    assert message_of(saved) == "amoxil 500 was added."
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.overridden) == ("medication.create", "drug_allergy.high")
    assert OverriddenWarning.objects.get(patient=dialogs.patient).reason == "ZZ tolerated before"


def test_a_warning_about_other_values_than_those_acknowledged_is_no_surprise(clinic, dialogs, penicillins):
    """The box is about the warnings shown: other values are asked about anew, with the box empty."""
    shown = dialogs.send("medication", medication="Amoxil 500")
    assert "acknowledged" not in inputs_of(shown)
    clinic.catalog(MedicationDefinition, "Herbal tea")
    assert message_of(dialogs.again(shown, "medication", medication="Herbal tea")) == "Herbal tea was added."


def test_a_box_that_was_ticked_for_other_warnings_does_not_count(clinic, dialogs, penicillins):
    clinic.entry(Medication, dialogs.patient, med_descript="Herbal tea")
    shown = dialogs.send("medication", medication="Herbal tea")
    assert warnings_of(shown) == ["not_checked.moderate", "recorded_already.moderate"]
    given = {"acknowledged": "on", "override_reason": "Another pot"}
    again = dialogs.again(shown, "medication", medication="Amoxil 500", **given)
    assert (again.status_code, warnings_of(again)) == (422, ["drug_allergy.high"])
    assert dialogs.again(again, "medication", **given).status_code == 204


def test_a_new_allergy_is_held_against_what_is_taken(clinic, dialogs):
    definition = clinic.catalog(MedicationDefinition, "Advil", **MEDICATIONS["Advil"])
    clinic.catalog(AllergyDefinition, "NSAIDs", **ALLERGENS["NSAIDs"])
    clinic.entry(Medication, dialogs.patient, medication_definition_id=definition.pk, med_descript=None)
    shown = dialogs.send("allergy", allergy_definition="NSAIDs", severity="severe")
    assert warnings_of(shown) == ["drug_allergy.high"]
    assert dialogs.against_warnings(shown, "allergy").status_code == 204


def test_a_deceased_patient_is_told(dialogs):
    record_death(actor=SYSTEM, patient_id=dialogs.patient.pk, at=timezone.now() - datetime.timedelta(days=2))
    assert warnings_of(dialogs.send("medication", medication="Tea")) == ["deceased.high"]
    assert warnings_of(dialogs.send("enrolment", protocol=dialogs.clinic.catalogs["protocol"].pk)) == ["deceased.high"]


def test_resuming_is_compared_as_a_new_medication_is(clinic, dialogs, penicillins):
    definition = MedicationDefinition.objects.get(organization=clinic.organization, name="Amoxil 500")
    entry = clinic.entry(Medication, dialogs.patient, medication_definition_id=definition.pk, status="on_hold")
    shown = dialogs.send("medication", entry, "resume")
    assert warnings_of(shown) == ["drug_allergy.high"]
    assert dialogs.against_warnings(shown, "medication", entry, "resume").status_code == 204
    assert (AuditEvent.objects.latest("pk").action, AuditEvent.objects.latest("pk").overridden) == (
        "medication.resume",
        "drug_allergy.high",
    )


def test_none_known_is_refused_in_words_while_an_allergy_is_active(dialogs, penicillins):
    shown = dialogs.send("no-known-allergies")
    assert shown.status_code == 422
    assert "An active drug allergy is recorded." in shown.content.decode()
    assert message_of(dialogs.send("allergies-reviewed")) == "Allergies were reviewed."
    dialogs.patient.refresh_from_db()
    assert dialogs.patient.allergy_review_status == "reviewed"


# --- vital signs ------------------------------------------------------------------------------------
def flags(dialogs: Dialogs, **values: str) -> str:
    shown = dialogs.open("vital-signs")
    address = f"/admin/patients/patient/{dialogs.patient.pk}/vital-signs/flags/"
    answer = dialogs.client.post(address, {**inputs_of(shown), **values})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_out_of_range_is_told_beside_the_value_and_stores_nothing(dialogs):
    shown = flags(dialogs, pulse="130", bp_systolic="200", temperature_f="oops")
    assert 'id="flag-pulse" hx-swap-oob="true"' in shown
    assert "<b>Out of range:</b> over 100" in shown
    assert "<b>Critical:</b> over 180" in shown
    assert not VitalSigns.objects.filter(patient=dialogs.patient).exists()


def test_a_value_out_of_range_is_saved_once_it_has_been_told(dialogs):
    unseen = dialogs.send("vital-signs", pulse="110")
    assert (unseen.status_code, unseen.context["unseen"]) == (422, True)
    assert message_of(dialogs.again(unseen, "vital-signs")) == "The vital signs were added."
    seen = {"pulse": "120", "seen": "Pulse of 120 a minute: over 100"}
    assert dialogs.send("vital-signs", **seen).status_code == 204


def test_a_value_that_blocks_procedures_needs_a_reason(dialogs):
    shown = dialogs.send(
        "vital-signs", bp_systolic="200", bp_diastolic="90", seen="Systolic blood pressure of 200 mmHg: over 180"
    )
    assert warnings_of(shown) == ["blocks_procedures.high"]
    assert dialogs.against_warnings(shown, "vital-signs").status_code == 204
    assert AuditEvent.objects.latest("pk").overridden == "blocks_procedures.high"


def test_vital_signs_need_a_value_and_pressures_their_order(dialogs):
    assert errors_of(dialogs.send("vital-signs")) == {"__all__": ["At least one value must have been measured."]}
    shown = dialogs.send("vital-signs", bp_systolic="80", bp_diastolic="120")
    assert errors_of(shown) == {"bp_diastolic": ["The diastolic pressure cannot be above the systolic one."]}


def test_vital_signs_are_in_the_units_of_the_country(clinic, dialogs):
    clinic.organization.country = "NL"
    clinic.organization.save()
    opened = dialogs.open("vital-signs").content.decode()
    assert [unit in opened for unit in ("Temperature, °C", "Weight, kg", "Height, cm")] == [True, True, True]
    assert "<b>Out of range:</b> over 37.9" in flags(dialogs, temperature_f="39,5")
    assert "between 10 and 48.9" in str(errors_of(dialogs.send("vital-signs", temperature_f="100")))
    assert dialogs.send("vital-signs", temperature_f="37,2", weight_lbs="72.4", height_inches="180").status_code == 204
    entry = VitalSigns.objects.get(patient=dialogs.patient)
    assert [str(value) for value in (entry.temperature_f, entry.weight_lbs, entry.height_inches)] == ["99.0", "159.61", "70.87"]
    assert dialogs.send("vital-signs", entry, "correct", pulse="60").status_code == 204
    entry.refresh_from_db()
    assert str(entry.weight_lbs) == "159.61", "what is shown rounded is not written back"


# --- somebody else ----------------------------------------------------------------------------------
def test_another_change_meanwhile_is_told_field_by_field(clinic, dialogs):
    entry = clinic.entry(Medication, dialogs.patient, dosage="5 mg", frequency="daily", route="oral")
    opened = dialogs.open("medication", entry, "correct")
    theirs = {"dosage": "7 mg", "frequency": "twice a day"}
    update_medication(actor=SYSTEM, patient_id=entry.patient_id, entry_id=entry.pk, base_version=1, changes=theirs)
    told = dialogs.again(opened, "medication", entry, "correct", dosage="10 mg", route="by mouth")
    assert told.status_code == 422
    assert [tuple(field) for field in told.context["conflicts"]] == [("dosage", "Dose", "10 mg", "7 mg")]
    entry.refresh_from_db()
    assert entry.version == 2

    saved = dialogs.again(told, "medication", entry, "correct")
    assert saved.status_code == 204
    entry.refresh_from_db()
    assert (entry.dosage, entry.frequency, entry.route) == ("10 mg", "twice a day", "by mouth")


def test_theirs_may_be_kept(clinic, dialogs):
    entry = clinic.entry(Medication, dialogs.patient, dosage="5 mg")
    opened = dialogs.open("medication", entry, "correct")
    update_medication(actor=SYSTEM, patient_id=entry.patient_id, entry_id=entry.pk, base_version=1, changes={"dosage": "7 mg"})
    told = dialogs.again(opened, "medication", entry, "correct", dosage="10 mg", route="by mouth")
    assert dialogs.again(told, "medication", entry, "correct", **{"keep-dosage": "theirs"}).status_code == 204
    entry.refresh_from_db()
    assert (entry.dosage, entry.route) == ("7 mg", "by mouth")


def test_changes_of_other_fields_are_joined_after_they_were_told(clinic, dialogs):
    entry = clinic.entry(Disease, dialogs.patient)
    opened = dialogs.open("problem", entry, "correct")
    assert dialogs.send("problem", entry, "correct", patient_note="Theirs").status_code == 204
    told = dialogs.again(opened, "problem", entry, "correct", date_start="1 Nov 2020")
    assert (told.status_code, told.context["conflicts"]) == (422, [])
    assert dialogs.again(told, "problem", entry, "correct").status_code == 204
    entry.refresh_from_db()
    assert (entry.patient_note, entry.date_start) == ("Theirs", datetime.date(2020, 11, 1))


# --- turns ------------------------------------------------------------------------------------------
def test_a_medication_is_held_resumed_and_stopped(clinic, dialogs):
    entry = clinic.entry(Medication, dialogs.patient, date_start=datetime.date(2026, 1, 1))
    assert message_of(dialogs.send("medication", entry, "hold")) == "Herbal tea is on hold."
    assert message_of(dialogs.send("medication", entry, "resume")) == "Herbal tea is taken again."
    early = dialogs.send("medication", entry, "stop", date_stop="12/31/2025")
    assert errors_of(early) == {"date_stop": ["A medication ends on or after the day it began."]}
    assert message_of(dialogs.again(early, "medication", entry, "stop", date_stop="1/2/2026")) == "Herbal tea was stopped."
    entry.refresh_from_db()
    assert (entry.status, entry.date_stop) == ("completed", datetime.date(2026, 1, 2))


def test_a_problem_is_resolved_and_an_enrolment_ended(clinic, dialogs):
    entry = clinic.entry(Disease, dialogs.patient)
    assert dialogs.send("problem", entry, "resolve").status_code == 204
    named = {"program": clinic.catalogs["program"], "protocol": clinic.catalogs["protocol"]}
    day = datetime.date(2026, 1, 1)
    enrolment = enrol_patient(actor=SYSTEM, patient_id=dialogs.patient.pk, **named, start_date=day)
    again = dialogs.send("enrolment", protocol=named["protocol"].pk)
    assert errors_of(again) == {"protocol": ["The patient is in a program already. End that first."]}
    assert dialogs.send("enrolment", enrolment, "stop").status_code == 204
    assert Enrolment.objects.get(pk=enrolment.pk).end_date is not None


def test_a_medication_in_words_loses_the_code_of_the_one_it_was(clinic, dialogs):
    definition = clinic.catalog(MedicationDefinition, "Advil", **MEDICATIONS["Advil"])
    assert dialogs.send("medication", medication="Advil").status_code == 204
    entry = Medication.objects.get(patient=dialogs.patient)
    assert (entry.medication_definition_id, entry.rx_cui) == (definition.pk, "310965")
    assert dialogs.send("medication", entry, "correct", medication="Herbal tea").status_code == 204
    entry.refresh_from_db()
    assert (entry.medication_definition_id, entry.med_descript, entry.rx_cui) == (None, "Herbal tea", None)


# --- the clock, measurements, limits, people ----------------------------------------------------------
def test_what_is_typed_as_nine_is_nine_in_the_clinic(dialogs):
    sent = {"note": "Rang back", "communication_datetime": "11/20/2026", "communication_datetime_time": "9:00"}
    assert dialogs.send("communication", **sent).status_code == 204
    log = CommunicationLog.objects.get(patient=dialogs.patient)
    assert log.communication_datetime == datetime.datetime(2026, 11, 20, 14, tzinfo=datetime.UTC)


def test_a_measurement_fits_its_instrument(clinic, dialogs):
    clinic.catalog(Instrument, "Cough", code="cough", kind="choice", choices=["none", "dry"])
    opened = dialogs.open("measurement", instrument="cough").content.decode()
    assert '<option value="dry">' in opened
    assert errors_of(dialogs.send("measurement", instrument="cough", value="wet")).keys() == {"value"}
    assert dialogs.send("measurement", instrument="cough", value="dry").status_code == 204
    assert errors_of(dialogs.send("measurement", instrument="mood", value="11")) == {
        "value": ["The value must be between 1 and 10."]
    }
    assert Measurement.objects.filter(patient=dialogs.patient).count() == 1


def test_own_limits_begin_with_the_protocols_and_are_no_json(clinic, dialogs):
    rule = {"kind": "measurement", "instrument": "glucose", "op": ">", "value": 9.5, "flag": "red"}
    clinic.catalog(Instrument, "Glucose", code="glucose")
    protocol = clinic.catalogs["protocol"]
    type(protocol).objects.change(protocol.pk, protocol.version, "Protocol", rules=[rule])
    named = {"program": clinic.catalogs["program"], "protocol": protocol}
    enrol_patient(actor=SYSTEM, patient_id=dialogs.patient.pk, **named, start_date=datetime.date(2026, 1, 1))
    opened = dialogs.open("limits", instrument="glucose")
    inputs = inputs_of(opened)
    assert [inputs[f"limits-0-{part}"] for part in ("op", "value", "flag")] == [[">"], ["9.5"], ["red"]]
    assert dialogs.again(opened, "limits", **{"limits-0-value": "12"}).status_code == 204
    own = RuleOverride.objects.get(patient=dialogs.patient)
    assert own.rules == [{**rule, "value": 12}]
    empty = dialogs.send("limits", own, "correct", limits=[])
    assert errors_of(empty) == {"__all__": ["Enter a limit, or tick that there is none."]}
    assert dialogs.again(empty, "limits", own, "correct", none="on").status_code == 204
    own.refresh_from_db()
    assert own.rules == []
    half = dialogs.send("limits", own, "correct", none=None, **row_inputs("limits", [{"op": ">", "flag": "red"}]))
    assert errors_of(half) == {"limits": ["Something is missing or wrong in limit 1."]}
    assert "Enter a number." in half.content.decode()
    two = [{**LIMIT, "value": 12}, {**LIMIT, "op": "<", "value": 4, "flag": "orange"}]
    assert dialogs.send("limits", own, "correct", none=None, **row_inputs("limits", two)).status_code == 204
    own.refresh_from_db()
    assert [(limit["op"], limit["value"]) for limit in own.rules] == [(">", 12), ("<", 4)]


def test_another_patient_is_one_in_scope(clinic, dialogs, neighbour):
    others = (clinic.patient(care_group_id=clinic.other_group.pk), neighbour.patient())
    for other in others:
        refused = dialogs.send("relationship", to_patient=other.pk, relationship_type="spouse")
        assert "not visible to you" in errors_of(refused)["to_patient"][0]
    assert not Relationship.objects.exists()


def test_a_relationship_may_name_who_pays(clinic, dialogs):
    joan = clinic.patient(care_group_id=clinic.group.pk)
    sent = {"to_patient": joan.pk, "relationship_type": "spouse", "is_responsible_party": "on"}
    assert dialogs.send("relationship", **sent).status_code == 204
    assert Patient.objects.get(pk=dialogs.patient.pk).responsible_party_id == joan.pk
    assert Relationship.objects.get(patient=dialogs.patient).to_patient_id == joan.pk


def test_suggestions_come_from_the_organizations_own_catalog(clinic, dialogs, neighbour):
    clinic.catalog(MedicationDefinition, "Lisinopril", **MEDICATIONS["Advil"])
    neighbour.catalog(MedicationDefinition, "Lisdexamfetamine")
    address = f"/admin/patients/patient/{dialogs.patient.pk}/options/medication-definition/"
    found = dialogs.client.get(address, {"medication": "LIS"}).content.decode()
    assert '<option value="Lisinopril">RxNorm 310965</option>' in found
    assert "Lisdex" not in found
    assert dialogs.client.get(address, {"medication": ""}).content.decode().strip() == ""
