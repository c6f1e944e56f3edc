"""Recognizing substances of an organization's catalogs in words: their names, brands, ingredients and drug classes."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Concat, Lower

from clinical.interactions import NOTHING, Coding, Substance
from clinical.models import AllergyDefinition, MedicationDefinition
from config.core.text import fold

# What is sought in the catalogs at most: words of all texts together, and rows that have one of them.
MAX_WORDS, MAX_ROWS = 50, 500
# Words of fewer letters, and those of forms and directions, tell no substance.
SHORTEST_WORD = 3
NO_SUBSTANCE = re.compile(
    "tablet|capsule|oral|solution|injection|injectable|suspension|cream|ointment|gel|spray|inhaler|syringe|patch|drop|"
    "extended|delayed|release|chewable|topical|daily|twice|once|time|day|week|with|and|for|the|mouth"
)
# "[Advil]" in "ibuprofen 200 MG Oral Tablet [Advil]", as RxNorm writes brands; "Acetaminophen (paracetamol)".
_OTHER_NAME = re.compile(r"[\[(]([^\])]+)[\])]")
# The end of what stands before the strength or another name: "Penicillin V 500 mg tablet".
_END_OF_NAME = re.compile(r"[\d\[(]")

Words = tuple[str, ...]


class SubstanceNames:
    """The names that the catalogs of an organization have for substances in some texts, with what they are made of.

    Runs two SQL statements, none without texts.
    """

    def __init__(self, organization_id: int, texts: Collection[str]):
        sought = sorted({word for text in texts for word in words_of(text) if _tells(word)})[:MAX_WORDS]
        self.terms: dict[Words, Substance] = {}
        if sought:
            for model in (AllergyDefinition, MedicationDefinition):
                for row in _rows_with(model, organization_id, sought):
                    self._add_terms(row)

    def substance_in(self, text: str) -> Substance:
        """Return all that `text` names as whole words; NOTHING where it names nothing of the catalogs."""
        words, found = words_of(text), NOTHING
        for term, substance in self.terms.items():
            if _contains(words, term):
                found = found.joined(substance)
        return found

    def _add_terms(self, row: AllergyDefinition | MedicationDefinition) -> None:
        for name, substance in _terms_of(row):
            words = words_of(name)
            if any(map(_tells, words)) and substance != NOTHING:
                self.terms[words] = self.terms.get(words, NOTHING).joined(substance)


def words_of(text: str) -> Words:
    """Return the words and numbers of a text, without case, accents and the s of a plural."""
    return tuple(_singular(word) for word in re.findall(r"[^\W\d_]+|\d+", fold(text)))


def own_codings(definition: AllergyDefinition | MedicationDefinition) -> tuple[Coding, ...]:
    """Return the code of a definition. An allergy of which nothing else is told is known by its name."""
    if definition.concept_code:
        return (Coding(str(definition.concept_system), definition.concept_code, definition.name),)
    if isinstance(definition, MedicationDefinition) or definition.ingredients or definition.drug_classes:
        return ()
    return (Coding("local", "-".join(words_of(definition.name)), definition.name),)


def codings(stored: list[dict[str, Any]]) -> tuple[Coding, ...]:
    """Return the codings of a column."""
    return tuple(Coding(**coding) for coding in stored)


def _rows_with(model: type[Any], organization_id: int, words: Collection[str]) -> QuerySet[Any]:
    told = Lower(Concat(*(Cast(column, TextField()) for column in ("name_key", "ingredients", "drug_classes"))))
    any_word = Q()
    for word in words:
        any_word |= Q(told__contains=word)
    rows = model.objects.filter(organization_id=organization_id, deleted_at=None).alias(told=told)
    return rows.filter(any_word).order_by("name_key", "id")[:MAX_ROWS]


def _terms_of(row: AllergyDefinition | MedicationDefinition) -> Iterator[tuple[str, Substance]]:
    """Yield the names in a row, each with what it names. The code of a medication is that of one strength, not of a name."""
    ingredients, classes = codings(row.ingredients), codings(row.drug_classes)
    whole = Substance(ingredients, classes, own_codings(row) if isinstance(row, AllergyDefinition) else ())
    yield row.name, whole
    if ingredients or classes:
        yield from ((name, whole) for name in _OTHER_NAME.findall(row.name))
    alone = len(ingredients) <= 1
    if alone:
        # In a combination this is one ingredient of several.
        yield _END_OF_NAME.split(row.name, maxsplit=1)[0], whole
    yield from ((one.display, Substance((one,), classes if alone else ())) for one in ingredients)
    yield from ((one.display, Substance((), (one,))) for one in classes)


def _tells(word: str) -> bool:
    return len(word) >= SHORTEST_WORD and word.isalpha() and not NO_SUBSTANCE.fullmatch(word)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > SHORTEST_WORD and word.endswith("s") and not word.endswith("ss") else word


def _contains(words: Words, term: Words) -> bool:
    return any(words[start : start + len(term)] == term for start in range(len(words) - len(term) + 1))
