"""The catalog that a clinic can start from: common allergens and medications of a general and a dental practice.

It is data, in clinical/data: starter_codings.csv holds the ingredients and drug classes by a key,
and starter_allergies.csv and starter_medications.csv the rows that name them. The column `source`
says which file every code of a public terminology was read from; what no source tells carries no
such code, and ingredients and classes without one a code of the catalog's own (`local`).
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
    """What became of the rows of one catalog."""

    created: int = 0
    unchanged: int = 0


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of clinical/data by their columns."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def starter_rows(model: type[Substance]) -> list[dict[str, Any]]:
    """Return the starter rows of a catalog as its service takes them."""
    parts = ("system", "code", "display")
    codings = {row["key"]: {part: row[part] for part in parts} for row in read_table("starter_codings.csv")}
    return [_values(row, codings) for row in read_table(FILES[model])]


@transaction.atomic
def install_starter_catalog(
    *, actor: Actor, organization: Organization, progress: Callable[[int, int], None] | None = None
) -> dict[type[Substance], CatalogCounts]:
    """Add to an organization's catalogs the starter rows that they do not have, by name or by code.

    A row that is there is left as it is, an archived one too. `progress` is told after each row how
    many of how many have been looked at.
    """
    # Two at once would both find the catalogs empty: the second one waits.
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
    return {"name": row["name"], **concept, **lists}


def _known(model: type[Substance], organization: Organization) -> set[tuple]:
    found = model.objects.filter(organization=organization).values("name", "concept_system", "concept_code")
    return {identity for values in found for identity in _identities(values)}


def _identities(values: Mapping[str, Any]) -> set[tuple]:
    """Return what a row is recognized by: its folded name, and its code where it has one."""
    code = {(values["concept_system"], values["concept_code"])} if values["concept_code"] else set()
    return {("name", key_of(values["name"])), *code}
