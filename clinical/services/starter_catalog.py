"""A starter catalog: common allergens and medications of a general and a dental practice.

The data is in clinical/data: starter_codings.csv has ingredients and drug classes by key, and starter_allergies.csv and
starter_medications.csv have the rows that refer to them. The column `source` names the file from which each public code was
read. Without a source there is no public code; such ingredients and classes have a `local` one.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import Organization
from accounts.models.catalogs import key_of
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row
from clinical.models import AllergyDefinition, MedicationDefinition
from clinical.models.catalogs import Substance

DATA = Path(__file__).resolve().parent.parent / "data"
FILES: dict[type[Substance], str] = {
    AllergyDefinition: "starter_allergies.csv",
    MedicationDefinition: "starter_medications.csv",
}
LISTS = ("ingredients", "drug_classes")


@dataclass
class CatalogCounts:
    """Counts of the rows of one catalog."""

    created: int = 0
    unchanged: int = 0


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of clinical/data as dictionaries."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def starter_rows(model: type[Substance]) -> list[dict[str, Any]]:
    """Return the starter rows of a catalog as keyword arguments of its service."""
    parts = ("system", "code", "display")
    codings = {row["key"]: {part: row[part] for part in parts} for row in read_table("starter_codings.csv")}
    return [_values(row, codings) for row in read_table(FILES[model])]


@transaction.atomic
def install_starter_catalog(
    *, actor: Actor, organization: Organization, progress: Callable[[int, int], None] | None = None
) -> dict[type[Substance], CatalogCounts]:
    """Add the starter rows that an organization's catalogs lack, compared by name or code.

    Existing rows stay as they are, even archived ones. `progress` is called after each row with the number of rows done,
    and of all.
    """
    # Of two concurrent runs, both would find the catalogs empty: the second one waits.
    Organization.objects.select_for_update().get(pk=organization.pk)
    rows = [(model, values) for model in FILES for values in starter_rows(model)]
    counts = {model: CatalogCounts() for model in FILES}
    known = {model: _known(model, organization) for model in FILES}
    for done, (model, values) in enumerate(rows, start=1):
        if known[model] & _identities(values):
            counts[model].unchanged += 1
        else:
            create_catalog_row(actor=actor, model=model, organization=organization, **values)
            counts[model].created += 1
        if progress:
            progress(done, len(rows))
    return counts


def _values(row: dict[str, str], codings: dict[str, dict[str, str]]) -> dict[str, Any]:
    concept = {column: row[column] or None for column in ("concept_system", "concept_code")}
    lists = {column: [codings[key] for key in row[column].split(";") if key] for column in LISTS}
    category = {"category": row["category"]} if "category" in row else {}
    return {"name": row["name"], **concept, **lists, **category}


def _known(model: type[Substance], organization: Organization) -> set[tuple]:
    found = model.objects.filter(organization=organization).values("name", "concept_system", "concept_code")
    return {identity for values in found for identity in _identities(values)}


def _identities(values: Mapping[str, Any]) -> set[tuple]:
    """Return the keys that identify a row: its folded name, and its code if it has one."""
    code = {(values["concept_system"], values["concept_code"])} if values["concept_code"] else set()
    return {("name", key_of(values["name"])), *code}
