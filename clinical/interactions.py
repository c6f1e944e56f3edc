"""Warnings about allergies to medications, and about duplicate ingredients: values in, warnings out.

Substances are compared by their codings only, so that the catalog decides what warns, not this module. A shared ingredient
outranks a shared class. Severities are those of FHIR's DetectedIssue: high, moderate, low.

    recorded severity of the allergy      ingredient   class
    severe (or the reaction was)          high         high
    moderate, or not recorded             high         moderate
    mild                                  moderate     low

A second medication with an ingredient of a current one is moderate.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from clinical.severities import severity_word
from config.core.text import fold

# The maximum length of a quoted text: a recorded reaction may be of any length.
LONGEST_QUOTE = 200


class Kind(StrEnum):
    """The kind of a warning."""

    DRUG_ALLERGY = "drug_allergy"
    DUPLICATE_INGREDIENT = "duplicate_ingredient"


class Basis(StrEnum):
    """What two substances share, the stronger basis first."""

    INGREDIENT = "ingredient"
    DRUG_CLASS = "class"


class Severity(StrEnum):
    """The severity of a warning, the most severe first."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


SEVERITIES = {
    "severe": {Basis.INGREDIENT: Severity.HIGH, Basis.DRUG_CLASS: Severity.HIGH},
    "moderate": {Basis.INGREDIENT: Severity.HIGH, Basis.DRUG_CLASS: Severity.MODERATE},
    "mild": {Basis.INGREDIENT: Severity.MODERATE, Basis.DRUG_CLASS: Severity.LOW},
}
_SEVERE = frozenset({"severe", "critical", "fatal", "threatening", "high"})
_MODERATE = frozenset({"moderate"})
_MILD = frozenset({"mild", "minor", "low"})
_SEVERE_REACTIONS = frozenset({"anaphylaxis", "anaphylactic", "anaphylactoid"})


@dataclass(frozen=True)
class Coding:
    """A code of a terminology. Codings are equal if system and code are."""

    system: str
    code: str
    display: str = field(compare=False)


@dataclass(frozen=True)
class Substance:
    """The ingredients of an allergen or medication, their drug classes, and its own codes."""

    ingredients: tuple[Coding, ...] = ()
    drug_classes: tuple[Coding, ...] = ()
    own: tuple[Coding, ...] = ()

    def shared_with(self, other: "Substance") -> tuple[Basis, tuple[Coding, ...]] | None:
        """Return what both share and the codings that show it, or None.

        An own code may be that of an ingredient or of a class: it is compared with both.
        """
        for basis, mine, others in (
            (Basis.INGREDIENT, self.ingredients, other.ingredients),
            (Basis.INGREDIENT, self.ingredients + self.own, other.ingredients + other.own),
            (Basis.DRUG_CLASS, self.drug_classes + self.own, other.drug_classes + other.own),
        ):
            if found := tuple(coding for coding in dict.fromkeys(mine) if coding in others):
                return basis, found
        return None

    def joined(self, other: "Substance") -> "Substance":
        """Return what has all of both."""
        return Substance(
            tuple(dict.fromkeys(self.ingredients + other.ingredients)),
            tuple(dict.fromkeys(self.drug_classes + other.drug_classes)),
            tuple(dict.fromkeys(self.own + other.own)),
        )


NOTHING = Substance()


@dataclass(frozen=True)
class AllergyFacts:
    """An allergy of a chart. It is not comparable if nothing tells which drugs contain its substance."""

    uuid: str
    name: str
    substance: Substance
    severity: str | None = None
    reaction: str | None = None
    is_comparable: bool = True


@dataclass(frozen=True)
class MedicationFacts:
    """A medication of a chart. It is not comparable if nothing tells what it is made of."""

    uuid: str
    name: str
    substance: Substance
    is_comparable: bool = True


@dataclass(frozen=True)
class InteractionWarning:
    """A warning about a new entry. `allergy` or `medication` is the entry that it conflicts with."""

    kind: Kind
    basis: Basis
    severity: Severity
    message: str
    codings: tuple[Coding, ...]
    allergy: dict[str, str] | None = None
    medication: dict[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the warning as JSON, as responses show it."""
        return asdict(self)


def warnings_of_medication(
    new: MedicationFacts, allergies: Iterable[AllergyFacts], current: Iterable[MedicationFacts]
) -> list[InteractionWarning]:
    """Return the warnings about a `new` medication, given the active `allergies` and `current` medications."""
    found = [_allergy_warning(allergy, new, {"allergy": _reference(allergy)}) for allergy in allergies]
    found += [_duplicate_warning(new, other) for other in current if other.uuid != new.uuid]
    return _ordered(found)


def warnings_of_allergy(new: AllergyFacts, current: Iterable[MedicationFacts]) -> list[InteractionWarning]:
    """Return the warnings about a `new` allergy, given the `current` medications."""
    return _ordered([_allergy_warning(new, medication, {"medication": _reference(medication)}) for medication in current])


def grade(severity: str | None, reaction: str | None) -> str:
    """Return the row of the table for an allergy's recorded severity and reaction, which are free text, by keywords."""
    words = _words(severity)
    if words & _SEVERE or _words(reaction) & _SEVERE_REACTIONS:
        return "severe"
    return "mild" if words & _MILD and not words & _MODERATE else "moderate"


def _allergy_warning(
    allergy: AllergyFacts, medication: MedicationFacts, other: dict[str, dict[str, str]]
) -> InteractionWarning | None:
    shared = allergy.substance.shared_with(medication.substance)
    if shared is None:
        return None
    basis, codings = shared
    if basis is Basis.INGREDIENT:
        message = _("Recorded allergy to %(allergy)s (%(details)s). %(medication)s contains %(shared)s.")
    else:
        message = _("Recorded allergy to %(allergy)s (%(details)s). %(medication)s belongs to the drug class %(shared)s.")
    told = {"allergy": allergy.name, "details": _describe(allergy), "medication": medication.name, "shared": _listed(codings)}
    severity = SEVERITIES[grade(allergy.severity, allergy.reaction)][basis]
    return InteractionWarning(Kind.DRUG_ALLERGY, basis, severity, message % told, codings, **other)


def _duplicate_warning(new: MedicationFacts, current: MedicationFacts) -> InteractionWarning | None:
    shared = current.substance.shared_with(new.substance)
    if shared is None or shared[0] is not Basis.INGREDIENT:
        return None
    basis, codings = shared
    message = _("The current medication %(current)s has an active ingredient of %(new)s: %(shared)s.") % {
        "current": current.name,
        "new": new.name,
        "shared": _listed(codings),
    }
    reference = _reference(current)
    return InteractionWarning(Kind.DUPLICATE_INGREDIENT, basis, Severity.MODERATE, message, codings, medication=reference)


def _ordered(found: Iterable[InteractionWarning | None]) -> list[InteractionWarning]:
    """Sort the warnings, the most severe first, and then in the order in which entries were recorded."""
    ranks = {word: rank for words in (Severity, Basis, Kind) for rank, word in enumerate(words)}
    return sorted(
        (warning for warning in found if warning), key=lambda one: (ranks[one.severity], ranks[one.basis], ranks[one.kind])
    )


def _describe(allergy: AllergyFacts) -> str:
    told = {"severity": severity_word(quoted(allergy.severity)), "reaction": quoted(allergy.reaction)}
    known = {name: text or _("not recorded") for name, text in told.items()}
    return _("severity: %(severity)s; reaction: %(reaction)s") % known


def quoted(text: str | None) -> str:
    """Return a text of a chart as one line for a message, cut where it is long."""
    line = " ".join((text or "").split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1]}…"


def _listed(codings: tuple[Coding, ...]) -> str:
    *others, last = dict.fromkeys(coding.display for coding in codings)
    return _("%(others)s and %(last)s") % {"others": ", ".join(others), "last": last} if others else last


def _words(text: str | None) -> set[str]:
    return set(re.findall(r"[a-z]+", fold(text)))


def _reference(entry: AllergyFacts | MedicationFacts) -> dict[str, str]:
    return {"uuid": entry.uuid, "name": entry.name}
