"""Checking a new chart entry against the patient's active allergies and current medications."""

from typing import Any

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, TextField, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from clinical.interactions import (
    AllergyFacts,
    Coding,
    InteractionWarning,
    MedicationFacts,
    Substance,
    warnings_of_allergy,
    warnings_of_medication,
)
from clinical.models import Allergy, AllergyDefinition, CodeSystem, Medication, MedicationDefinition, MedicationStatus


def find_interactions(entry: Allergy | Medication) -> list[InteractionWarning]:
    """Return the warnings about an entry that has just been written, with two SQL statements at most.

    Only active, unarchived entries warn, including the new one, and none of an archived patient. Warnings never prevent the
    write.
    """
    if isinstance(entry, Allergy):
        new = _allergies(entry).filter(pk=entry.pk).first()
        return warnings_of_allergy(_allergy_facts(new), _current_medications(entry).values()) if new else []
    current = _current_medications(entry)
    if entry.pk not in current:
        return []
    allergies = [_allergy_facts(allergy) for allergy in _allergies(entry)]
    return warnings_of_medication(current[entry.pk], allergies, current.values())


def _allergies(entry: Allergy | Medication) -> QuerySet[Allergy]:
    return _of_chart(Allergy.objects.filter(status_is_active=True), entry).select_related("allergy_definition")


def _current_medications(entry: Allergy | Medication) -> dict[int, MedicationFacts]:
    rows = _of_chart(Medication.objects.filter(status=MedicationStatus.ACTIVE), entry).select_related("medication_definition")
    by_code = {name: _by_code(name) for name in ("ingredients", "drug_classes")}
    return {
        row.pk: _medication_facts(row) for row in rows.annotate(**{f"matched_{name}": found for name, found in by_code.items()})
    }


def _of_chart(rows: QuerySet, entry: Allergy | Medication) -> QuerySet:
    mine = Q(organization_id=entry.organization_id, patient_id=entry.patient_id)
    return rows.filter(mine, deleted_at=None, patient__deleted_at=None).order_by("id")


def _by_code(column: str) -> Case:
    """Return `column` of the catalog row that matches the `rx_cui` of a medication described in words.

    It matches by its own code or by its only ingredient. With several ingredients, the drug class could be that of another
    one.
    """
    itself = Q(concept_system=CodeSystem.RXNORM, concept_code=OuterRef("rx_cui"))
    ingredient = Q(first_system=CodeSystem.RXNORM, first_code=OuterRef("rx_cui"), second_code=None)
    matching = (
        MedicationDefinition.objects.filter(organization_id=OuterRef("organization_id"), deleted_at=None)
        .alias(
            first_system=_text("ingredients__0__system"),
            first_code=_text("ingredients__0__code"),
            second_code=_text("ingredients__1__code"),
        )
        .filter(itself | ingredient)
        .order_by("id")
        .values(column)[:1]
    )
    return Case(When(medication_definition=None, rx_cui__isnull=False, then=Subquery(matching)), default=None)


def _text(path: str) -> Cast:
    """Return a text inside a JSON column as SQL text, so that it is compared as text and not as JSON."""
    return Cast(KT(path), TextField())


def _allergy_facts(allergy: Allergy) -> AllergyFacts:
    definition = allergy.allergy_definition
    substance = _substance(definition.ingredients, definition.drug_classes, _own(definition))
    return AllergyFacts(str(allergy.uuid), definition.name, substance, allergy.severity, allergy.reaction)


def _medication_facts(medication: Medication) -> MedicationFacts:
    definition = medication.medication_definition
    name = definition.name if definition else medication.med_descript or ""
    own = _own(definition) if definition else []
    if medication.rx_cui:
        own.append({"system": CodeSystem.RXNORM.value, "code": medication.rx_cui, "display": name})
    made_of = definition or medication
    prefix = "" if definition else "matched_"
    parts = (getattr(made_of, f"{prefix}{column}") or [] for column in ("ingredients", "drug_classes"))
    return MedicationFacts(str(medication.uuid), name, _substance(*parts, own))


def _own(definition: AllergyDefinition | MedicationDefinition) -> list[dict[str, Any]]:
    if not definition.concept_code:
        return []
    return [{"system": definition.concept_system, "code": definition.concept_code, "display": definition.name}]


def _substance(*parts: list[dict[str, Any]]) -> Substance:
    return Substance(*(tuple(Coding(**coding) for coding in codings) for codings in parts))
