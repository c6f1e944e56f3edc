"""Checking a chart entry against the patient's active allergies and current medications."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, TextField, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from clinical.interactions import (
    NOTHING,
    AllergyFacts,
    Coding,
    InteractionWarning,
    MedicationFacts,
    Substance,
    quoted,
    warnings_of_allergy,
    warnings_of_medication,
)
from clinical.models import Allergy, CodeSystem, Medication, MedicationDefinition, MedicationStatus
from clinical.models.catalogs import NO_DRUGS
from clinical.services.substance_names import SubstanceNames, codings, own_codings


class InteractionCheck(NamedTuple):
    """What a check has found. `unknown` is what it could not compare, in words: silence about that means nothing.

    `is_comparable` tells whether the entry itself could be compared.
    """

    warnings: Sequence[InteractionWarning] = ()
    unknown: str = ""
    is_comparable: bool = True


INACTIVE = InteractionCheck(unknown="It is not active, so it was compared with nothing.", is_comparable=False)


def check_interactions(entry: Allergy | Medication) -> InteractionCheck:
    """Check an entry that has just been written, with two SQL statements, four if words are to be understood; or one to be.

    The latter has no primary key yet; one that is to be corrected has its UUID, by which it does not warn of itself. Only
    active, unarchived entries warn, including the new one, and none of an archived patient. Warnings never prevent the write.
    """
    if isinstance(entry, Allergy):
        return _check_allergy(entry)
    return _check_medication(entry)


def _check_allergy(entry: Allergy) -> InteractionCheck:
    new = _allergies(entry).filter(pk=entry.pk).first() if entry.pk else entry
    if new is None or not new.status_is_active:
        return INACTIVE
    rows = list(_current_medications(entry))
    names = _names([new], rows)
    facts, current = _allergy_facts(new, names), [_medication_facts(row, names) for row in rows]
    return _checked(warnings_of_allergy(facts, current), facts, current)


def _check_medication(entry: Medication) -> InteractionCheck:
    rows = {row.pk: row for row in _current_medications(entry)}
    new = rows.get(entry.pk) if entry.pk else _new_medication(entry)
    if new is None:
        return INACTIVE
    allergies = list(_allergies(entry))
    names = _names(allergies, [new, *rows.values()])
    facts, known = _medication_facts(new, names), [_allergy_facts(allergy, names) for allergy in allergies]
    current = [_medication_facts(row, names) for row in rows.values()]
    return _checked(warnings_of_medication(facts, known, current), facts, known)


Facts = AllergyFacts | MedicationFacts


def _checked(warnings: Sequence[InteractionWarning], new: Facts, others: Iterable[Facts]) -> InteractionCheck:
    if not new.is_comparable:
        return InteractionCheck(warnings, f"Nothing in the catalog tells which substance this is: {quoted(new.name)}.", False)
    unknown = ", ".join(quoted(other.name) for other in others if not other.is_comparable)
    return InteractionCheck(warnings, f"Not compared, as nothing tells which substances these are: {unknown}." if unknown else "")


def _new_medication(entry: Medication) -> Medication | None:
    """Return a medication that has not been written, with what its code tells; None if it is not taken."""
    if entry.status != MedicationStatus.ACTIVE:
        return None
    found = None
    if entry.medication_definition_id is None and entry.rx_cui:
        found = _matching(entry.organization_id, entry.rx_cui).values("ingredients", "drug_classes").first()
    vars(entry).update({f"matched_{column}": value for column, value in (found or {}).items()})
    return entry


def _allergies(entry: Allergy | Medication) -> QuerySet[Allergy]:
    return _of_chart(Allergy.objects.filter(status_is_active=True), entry).select_related("allergy_definition")


def _current_medications(entry: Allergy | Medication) -> QuerySet[Medication]:
    """Return the medications that are taken, with what the catalog has for their code as `matched_<column>`."""
    rows = _of_chart(Medication.objects.filter(status=MedicationStatus.ACTIVE), entry).select_related("medication_definition")
    return rows.annotate(**{f"matched_{name}": _by_code(name) for name in ("ingredients", "drug_classes")})


def _of_chart(rows: QuerySet, entry: Allergy | Medication) -> QuerySet:
    mine = Q(organization_id=entry.organization_id, patient_id=entry.patient_id)
    return rows.filter(mine, deleted_at=None, patient__deleted_at=None).order_by("id")


def _by_code(column: str) -> Case:
    """Return `column` of the catalog row that matches the `rx_cui` of a medication described in words."""
    matching = _matching(OuterRef("organization_id"), OuterRef("rx_cui")).values(column)[:1]
    return Case(When(medication_definition=None, rx_cui__isnull=False, then=Subquery(matching)), default=None)


def _matching(organization_id: Any, rx_cui: Any) -> QuerySet[MedicationDefinition]:
    """Return the catalog rows of an organization that match an RxNorm code, as values or as expressions.

    They match by their own code or by their only ingredient. With several ingredients, the drug class could be that of
    another one.
    """
    itself = Q(concept_system=CodeSystem.RXNORM, concept_code=rx_cui)
    ingredient = Q(first_system=CodeSystem.RXNORM, first_code=rx_cui, second_code=None)
    return (
        MedicationDefinition.objects.filter(organization_id=organization_id, deleted_at=None)
        .alias(
            first_system=_text("ingredients__0__system"),
            first_code=_text("ingredients__0__code"),
            second_code=_text("ingredients__1__code"),
        )
        .filter(itself | ingredient)
        .order_by("id")
    )


def _text(path: str) -> Cast:
    """Return a text inside a JSON column as SQL text, so that it is compared as text and not as JSON."""
    return Cast(KT(path), TextField())


def _names(allergies: Iterable[Allergy], medications: Iterable[Medication]) -> SubstanceNames:
    """Return the names of the catalogs for those entries of which no column tells what they are made of."""
    unknown = [
        *((allergy, allergy.allergy_definition.name) for allergy in allergies if not _is_told(_told_of_allergy(allergy))),
        *((medication, medication.name) for medication in medications if not _is_told(_told_of_medication(medication))),
    ]
    organization_id = unknown[0][0].organization_id if unknown else 0
    return SubstanceNames(organization_id, {name for _, name in unknown})


def _allergy_facts(allergy: Allergy, names: SubstanceNames) -> AllergyFacts:
    definition, substance = allergy.allergy_definition, _told_of_allergy(allergy)
    if not _is_told(substance):
        substance = substance.joined(names.substance_in(definition.name))
    is_ingredient = any(coding.system == CodeSystem.RXNORM for coding in substance.own)
    is_comparable = _is_told(substance) or is_ingredient or definition.category in NO_DRUGS
    return AllergyFacts(
        str(allergy.uuid), definition.name, substance, allergy.severity, allergy.reaction, is_comparable=is_comparable
    )


def _medication_facts(medication: Medication, names: SubstanceNames) -> MedicationFacts:
    substance, is_comparable = _told_of_medication(medication), True
    if not _is_told(substance):
        named = names.substance_in(medication.name)
        substance, is_comparable = substance.joined(named), named != NOTHING
    return MedicationFacts(str(medication.uuid), medication.name, substance, is_comparable)


def _told_of_allergy(allergy: Allergy) -> Substance:
    definition = allergy.allergy_definition
    return Substance(codings(definition.ingredients), codings(definition.drug_classes), own_codings(definition))


def _told_of_medication(medication: Medication) -> Substance:
    definition = medication.medication_definition
    own = own_codings(definition) if definition else ()
    if medication.rx_cui:
        own = (*own, Coding(CodeSystem.RXNORM.value, medication.rx_cui, medication.name))
    made_of, prefix = (definition, "") if definition else (medication, "matched_")
    ingredients, classes = (getattr(made_of, f"{prefix}{column}", None) or [] for column in ("ingredients", "drug_classes"))
    return Substance(codings(ingredients), codings(classes), own)


def _is_told(substance: Substance) -> bool:
    """Tell whether a substance can be compared with all others: by its ingredients or classes."""
    return bool(substance.ingredients or substance.drug_classes)
