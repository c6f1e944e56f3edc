"""Creating and changing what patients may be allergic to.

The category tells what is a drug, and so what contradicts "no known drug allergies".
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import transaction

from accounts.models import Organization
from accounts.models.catalogs import key_of
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row, update_catalog_row
from clinical.models import AllergyCategory, AllergyDefinition, CodeSystem
from clinical.models.catalogs import NO_DRUGS
from clinical.services.allergies import end_none_known, patients_with_none_known
from clinical.services.starter_catalog import starter_rows
from patients.services.locking import lock_patients


@transaction.atomic
def create_allergy_definition(
    *, actor: Actor, organization: Organization, name: str, model: type[AllergyDefinition] = AllergyDefinition, **values: Any
) -> AllergyDefinition:
    """Add a substance, as `create_catalog_row`. Its category, if none is given, is what its name, code or contents tell."""
    category = values.pop("category", None) or _category_of(name, values)
    return create_catalog_row(actor=actor, model=model, organization=organization, name=name, category=category, **values)


@transaction.atomic
def update_allergy_definition(*, actor: Actor, row: AllergyDefinition, base_version: int, changes: Mapping[str, Any]) -> None:
    """Change a substance, as `update_catalog_row`. One that becomes a drug ends "no known drug allergies" of who is allergic."""
    update_catalog_row(actor=actor, row=row, base_version=base_version, changes=changes)
    if "category" in changes and changes["category"] not in NO_DRUGS:
        for patient in lock_patients(patients_with_none_known(row)).values():
            if patient.deleted_at is None:
                end_none_known(actor, patient)


def _category_of(name: str, values: Mapping[str, Any]) -> str | None:
    if values.get("ingredients") or values.get("drug_classes") or values.get("concept_system") == CodeSystem.RXNORM:
        return AllergyCategory.MEDICATION
    known = _starter_categories()
    return known.get((values.get("concept_system"), values.get("concept_code"))) or known.get(("name", key_of(name)))


@cache
def _starter_categories() -> dict[tuple[Any, Any], str]:
    """Return the categories of the starter catalog by (terminology, code) and by ("name", folded name)."""
    rows = starter_rows(AllergyDefinition)
    coded = {(row["concept_system"], row["concept_code"]): row["category"] for row in rows if row["concept_code"]}
    return coded | {("name", key_of(row["name"])): row["category"] for row in rows}
