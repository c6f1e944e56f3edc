"""Catalog rows that run into each other, and the charts of one patient over the practice dialect."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clinical.models import AllergyDefinition, Medication, MedicationDefinition
from patients.models import Patient
from tests.conftest import ApiClient
from tests.factories import Clinic


def coding(code: str, display: str, system: str = "local") -> dict[str, str]:
    """Return a coding as catalogs keep it."""
    return {"system": system, "code": code, "display": display}


AMOXICILLIN, CLAVULANATE = coding("amoxicillin", "Amoxicillin"), coding("clavulanate", "Clavulanate")
IBUPROFEN = coding("5640", "Ibuprofen", "rxnorm")
PENICILLINS, NSAIDS = coding("penicillins", "Penicillins"), coding("nsaids", "NSAIDs")
ALLERGENS: dict[str, dict[str, Any]] = {
    "Penicillins": {"drug_classes": [PENICILLINS]},
    "Amoxicillin": {"ingredients": [AMOXICILLIN], "drug_classes": [PENICILLINS]},
    "NSAIDs": {"drug_classes": [NSAIDS]},
    "Latex": {},
}
MEDICATIONS: dict[str, dict[str, Any]] = {
    "Amoxil 500": {
        "ingredients": [AMOXICILLIN],
        "drug_classes": [PENICILLINS],
        "concept_system": "rxnorm",
        "concept_code": "308192",
    },
    "Co-amoxiclav": {"ingredients": [AMOXICILLIN, CLAVULANATE], "drug_classes": [PENICILLINS]},
    "Advil": {"ingredients": [IBUPROFEN], "drug_classes": [NSAIDS], "concept_system": "rxnorm", "concept_code": "310965"},
    "Aspirin": {"concept_system": "local", "concept_code": "aspirin-81", "drug_classes": [NSAIDS]},
    "Rinse": {},
}


@dataclass
class Charts:
    """The allergies and medications of one patient, written by one caller."""

    clinic: Clinic
    patient: Patient
    client: ApiClient

    @property
    def address(self) -> str:
        """Where the patient is."""
        return f"{self.clinic.base}/patients/{self.patient.uuid}"

    @cached_property
    def rows(self) -> dict[str, Any]:
        """The catalog rows that have been asked for."""
        return {}

    def allergen(self, name: str) -> AllergyDefinition:
        """Return the allergen of this name, made when it is first asked for."""
        return self._row(AllergyDefinition, name, ALLERGENS[name])

    def product(self, name: str) -> MedicationDefinition:
        """Return the medication of this name, made when it is first asked for."""
        return self._row(MedicationDefinition, name, MEDICATIONS[name])

    def _row(self, model, name: str, values: dict[str, Any]) -> Any:
        key = f"{model.__name__} {name}"
        if key not in self.rows:
            self.rows[key] = self.clinic.catalog(model, name, **values)
        return self.rows[key]

    def allergy(self, name: str, **values: Any) -> dict:
        """Record an allergy, and return the answer."""
        return self.made("allergies", {"allergy_definition_uuid": str(self.allergen(name).uuid), **values})

    def medication(self, name: str, **values: Any) -> dict:
        """Record a medication of the catalog, and return the answer."""
        return self.made("medications", {"medication_definition_uuid": str(self.product(name).uuid), **values})

    def made(self, kind: str, body: dict, **headers: str) -> dict:
        """Record what `body` describes, and return the answer."""
        answer = self.client.post(f"{self.address}/{kind}", body, **headers)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def changed(self, kind: str, entry: dict, **changes: Any) -> dict:
        """Correct an entry, and return the answer."""
        body = {"base_version": entry["version"], **changes}
        answer = self.client.patch(f"{self.address}/{kind}/{entry['id']}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def archived(self, kind: str, entry: dict) -> dict:
        """Archive an entry, and return the answer."""
        answer = self.client.post(f"{self.address}/{kind}/{entry['id']}/archive")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def stored(self, entry: dict) -> Medication:
        """Return a medication as it is stored."""
        return Medication.objects.get(uuid=entry["id"])


def warnings_of(answer: dict) -> list[tuple[str, str, str]]:
    """Return the warnings of an answer as (kind, basis, name of the other entry)."""
    return [(one["kind"], one["basis"], (one["allergy"] or one["medication"])["name"]) for one in answer["interaction_warnings"]]
