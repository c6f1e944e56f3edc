"""No known drug allergies: what ends the statement, what does not, and where it is refused."""

import pytest
from django.urls import reverse

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from clinical.models import Allergy, AllergyDefinition
from clinical.services.allergies import create_allergy, review_allergies, update_allergy
from clinical.services.allergy_definitions import create_allergy_definition, update_allergy_definition
from clinical.services.starter_catalog import starter_rows
from config.core.exceptions import Invalid
from patients.services.lifecycle import restore_patient
from tests.clinical.chart_dialogs import Dialogs
from tests.factories import SYSTEM, archive

NO_DRUG = ("food", "environment")
A_DRUG = ("medication", "biologic", None)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk, allergy_review_status="nkda")


@pytest.fixture
def address(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}"


def allergen(clinic, category: str | None, name: str = "Zyx") -> AllergyDefinition:
    return clinic.catalog(AllergyDefinition, name, category=category)


def status_of(patient) -> tuple[str, int]:
    patient.refresh_from_db()
    return patient.allergy_review_status, patient.version


def recorded(patient, definition: AllergyDefinition, **values) -> Allergy:
    return create_allergy(actor=SYSTEM, patient_id=patient.pk, allergy_definition_id=definition.pk, **values)


def corrected(entry: Allergy, **changes) -> None:
    version = Allergy.objects.values_list("version", flat=True).get(pk=entry.pk)
    named = {"actor": SYSTEM, "patient_id": entry.patient_id, "entry_id": entry.pk}
    update_allergy(**named, base_version=version, changes=changes)


@pytest.mark.parametrize("category", A_DRUG)
def test_an_active_drug_allergy_ends_the_statement_as_a_change_of_the_patient(clinic, patient, api, address, category):
    body = {"allergy_definition_uuid": str(allergen(clinic, category).uuid)}
    assert api(Role.HC_PRIMARY).post(f"{address}/allergies", body).status_code == 201
    assert status_of(patient) == ("reviewed", 2)
    event = AuditEvent.objects.get(action="patient.update")
    assert (event.changed_fields, event.user_id) == ("allergy_review_status", clinic.users[Role.HC_PRIMARY].pk)
    assert list(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == [patient.pk]
    assert OutboxEvent.objects.filter(type="patient.updated", subject_uuid=patient.uuid).count() == 1
    assert api().get(f"{address}/medical-summary").json()["allergy_review_status"] == "reviewed"


@pytest.mark.parametrize("category", NO_DRUG)
def test_an_allergy_to_no_drug_leaves_the_statement_and_lets_it_be_made(clinic, patient, api, address, category):
    recorded(patient, allergen(clinic, category))
    assert status_of(patient) == ("nkda", 1)
    for status in ("reviewed", "nkda"):
        answer = api().patch(address, {"base_version": patient.version, "allergy_review_status": status})
        assert answer.status_code == 200, answer.content
        patient.refresh_from_db()


def test_an_allergy_that_becomes_active_or_one_to_a_drug_ends_the_statement(clinic, patient):
    drug, food = allergen(clinic, "medication"), allergen(clinic, "food", "Pear")
    inactive, other = recorded(patient, drug, status_is_active=False), recorded(patient, food)
    corrected(inactive, severity="severe")
    assert status_of(patient) == ("nkda", 1)
    corrected(inactive, status_is_active=True)
    assert status_of(patient) == ("reviewed", 2)
    corrected(inactive, status_is_active=False)
    review_allergies(actor=SYSTEM, patient_id=patient.pk, status="nkda")
    corrected(other, allergy_definition_id=drug.pk)
    assert status_of(patient) == ("reviewed", 4)


def test_a_substance_that_turns_out_to_be_a_drug_ends_the_statement(clinic, patient):
    definition, without = allergen(clinic, "food"), clinic.patient(allergy_review_status="nkda")
    recorded(patient, definition)
    for version, category, expected in ((1, "environment", "nkda"), (2, "medication", "reviewed")):
        update_allergy_definition(actor=SYSTEM, row=definition, base_version=version, changes={"category": category})
        assert status_of(patient)[0] == expected
    assert status_of(without) == ("nkda", 1)


def test_a_substance_that_became_a_drug_while_a_patient_was_archived_ends_the_statement_on_restore(clinic, patient, api, address):
    definition, other = allergen(clinic, "food"), clinic.patient(allergy_review_status="nkda")
    recorded(patient, definition)
    for one in (patient, other):
        archive(one)
    update_allergy_definition(actor=SYSTEM, row=definition, base_version=1, changes={"category": "medication"})
    assert status_of(patient) == ("nkda", 2)
    answer = api().post(f"{address}/restore").json()
    assert (answer["allergy_review_status"], answer["version"]) == ("reviewed", 4) == status_of(patient)
    restore_patient(actor=SYSTEM, patient_id=other.pk)
    assert status_of(other) == ("nkda", 3)


def test_the_statement_is_refused_on_every_door_while_a_drug_allergy_is_active(clinic, patient, api, address):
    entry = recorded(patient, allergen(clinic, "medication"))
    version = status_of(patient)[1]
    with pytest.raises(Invalid):
        review_allergies(actor=SYSTEM, patient_id=patient.pk, status="nkda")
    answer = api(Role.HC_PRIMARY).patch(address, {"base_version": version, "allergy_review_status": "nkda"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "allergy_review_status"])
    row = {"uuid": str(patient.uuid), "first_name": "A", "last_name": "B", "allergy_review_status": "nkda"}
    bulk = api().post(f"{clinic.base}/patients/bulk", {"meta": {"mode": "update", "match_on": "uuid"}, "rows": [row]}).json()
    assert [error["loc"][-1] for error in bulk["results"][0]["errors"]] == ["allergy_review_status"]
    dialogs = Dialogs(clinic, patient)
    assert dialogs.send("no-known-allergies").status_code != 204
    assert status_of(patient) == ("reviewed", version)
    corrected(entry, status_is_active=False)
    assert dialogs.send("no-known-allergies").status_code == 204
    assert status_of(patient)[0] == "nkda"


def test_the_chart_tells_the_statement_beside_an_allergy_to_no_drug(clinic, patient):
    recorded(patient, allergen(clinic, "food", "Pear"))
    block = Dialogs(clinic, patient).client.get(reverse("admin:chart_block", args=[patient.pk, "allergies"])).content.decode()
    assert "Pear" in block
    assert "No known drug allergies" in block


# --- the category of a substance ----------------------------------------------------------------------
def test_every_row_of_the_starter_catalog_has_a_category():
    rows = {row["name"]: row["category"] for row in starter_rows(AllergyDefinition)}
    assert None not in rows.values()
    assert [rows[name] for name in ("Penicillin V", "Peanut", "Latex")] == ["medication", "food", "environment"]


@pytest.mark.parametrize(("values", "category"), [
    ({"name": "PEANUT"}, "food"),
    ({"name": "Cacahuete", "concept_system": "snomed_ct", "concept_code": "762952008"}, "food"),
    ({"name": "Zyx", "concept_system": "rxnorm", "concept_code": "1"}, "medication"),
    ({"name": "Zyx", "drug_classes": [{"system": "local", "code": "zyx", "display": "Zyx"}]}, "medication"),
    ({"name": "Peanut", "category": "environment"}, "environment"),
    ({"name": "Zyx"}, None),
])  # fmt: skip
def test_a_category_that_is_not_given_is_what_name_code_or_contents_tell(clinic, api, values, category):
    made = api().post(f"{clinic.base}/allergy-definitions", values)
    assert (made.status_code, made.json()["category"]) == (201, category)


def test_definitions_are_listed_by_category(clinic, api):
    create_allergy_definition(actor=SYSTEM, organization=clinic.organization, name="Peanut")
    listed = api().get(f"{clinic.base}/allergy-definitions", {"category": "food"}).json()["items"]
    assert [row["name"] for row in listed] == ["Peanut"]
