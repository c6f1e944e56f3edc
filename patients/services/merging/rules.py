"""What becomes of the rows that refer to a record when it is merged into another: a rule for each column that does."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from patients.models import Patient


@dataclass(frozen=True)
class Pair:
    """Two records of one person, as they were before the merge: `other` goes into `survivor`. Both are locked."""

    survivor: Patient
    other: Patient
    at: datetime.datetime
    today: datetime.date
    """Today in the organization's time zone."""
    is_enrolled: bool
    """Whether the survivor has an open enrolment of their own."""
    choices: Mapping[str, str]
    """Name of a choice -> whose value stands (`choices.MergeSide`)."""


@dataclass(frozen=True)
class Change:
    """What a merge writes into a row: `values` by attribute name."""

    row: Any
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Reference:
    """A column of `model` that refers to a patient, by its attribute name."""

    model: type[Model]
    column: str

    def rows(self, patient: Patient) -> QuerySet[Any]:
        """Return the rows that refer to `patient`, in order."""
        return self.model._base_manager.filter(**{self.column: patient.pk}).order_by("pk")

    def move(self, row: Any, pair: Pair, **more: Any) -> Change:
        """Return the change that lets `row` refer to the survivor, and has `more`."""
        return Change(row, {self.column: pair.survivor.pk, **more})


# The changes of a merge in the rows of one reference, which may also be rows of the survivor that settle with them.
Rule = Callable[[Reference, Pair], Iterator[Change]]


@dataclass
class _Registry:
    rules: dict[Reference, Rule] = field(default_factory=dict)
    unreported: set[Reference] = field(default_factory=set)


_registry = _Registry()
# Rows of a condition that leaves nothing out.
_ALL = Q()


def merge_rule(model: type[Model], column: str, rule: Rule, *, reported: bool = True) -> None:
    """Let `rule` say what becomes of the rows of `model` that refer to a merged record by `column`.

    Rules run in the order in which they are added. Rows of a reference that is not `reported` are no part of a chart.
    """
    reference = Reference(model, column)
    _registry.rules[reference] = rule
    if not reported:
        _registry.unreported.add(reference)


def merge_rules() -> dict[Reference, Rule]:
    """Return the rule of every column that refers to a patient. Raises LookupError if one has none."""
    if missing := references_to_patients() - _registry.rules.keys():
        names = sorted(f"{reference.model.__name__}.{reference.column}" for reference in missing)
        raise LookupError(f"No rule says what a merge does with {', '.join(names)}")
    return dict(_registry.rules)


def is_reported(reference: Reference) -> bool:
    """Tell whether the rows of `reference` are part of a chart."""
    return reference not in _registry.unreported


def references_to_patients() -> set[Reference]:
    """Return every column of every table that refers to a patient."""
    return {
        Reference(model, column.attname)
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if column.is_relation and column.related_model is Patient
    }


# --- the rules that tables share --------------------------------------------------------------------


def moves(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Let all rows refer to the survivor."""
    for row in reference.rows(pair.other):
        yield reference.move(row, pair)


def stays(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Leave all rows where they are."""
    return iter(())


def moves_without_twins(*columns: str, among: Q = _ALL) -> Rule:
    """Return the rule that leaves a row where it is if the survivor has one with the same values in `columns`.

    Only rows `among` those that a constraint compares are twins.
    """

    def rule(reference: Reference, pair: Pair) -> Iterator[Change]:
        twins = twins_of(reference, pair, *columns, among=among)
        for row in reference.rows(pair.other):
            if row.pk not in twins:
                yield reference.move(row, pair)

    return rule


def twins_of(reference: Reference, pair: Pair, *columns: str, among: Q = _ALL) -> set[int]:
    """Return the ids of the rows of the merged record to which the survivor has one with the same values in `columns`."""
    key = attrgetter("pk", *columns)
    held = {key(row)[1:] for row in reference.rows(pair.survivor).filter(among).only(*columns)}
    return {key(row)[0] for row in reference.rows(pair.other).filter(among).only(*columns) if key(row)[1:] in held}
