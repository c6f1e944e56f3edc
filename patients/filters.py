"""What the dialects share in listing patients: the search and status filters, and the orders."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from config.core.compiled_queries import Compilable, parameter
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Query, Where
from config.rest.filters import ChoiceFilter, StrictFilter
from patients.models import SearchEntry, Status
from patients.search import containing, query_patterns

_TEXT = models.CharField()
# How patients can be ordered. Missing values sort first, as empty text does.
ORDERINGS = {
    "chart_number": Keyset("chart_number_key", _TEXT),
    "created_at": Keyset("created_at", models.DateTimeField(), by_creation=True),
    "date_of_birth": Keyset("date_of_birth_key", _TEXT),
    "first_name": Keyset("first_name_key", _TEXT),
    "last_name": Keyset("last_name_key", _TEXT),
    "status": Keyset("status", _TEXT),
}
BY_UPDATE = Keyset("updated_at", models.DateTimeField(), by_creation=True)
ARCHIVED = Where(Q(deleted_at__isnull=False))


@dataclass(frozen=True)
class Pattern(Compilable):
    """A LIKE pattern."""

    text: Any = parameter(models.TextField())


@dataclass(frozen=True)
class Word(Compilable):
    """A word in the forms in which it is searched."""

    forms: tuple[Pattern, ...]


@dataclass(frozen=True)
class ContainsWords(Criterion):
    """The patients whose record contains each word in one of its forms."""

    found_in = SearchEntry

    words: tuple[Word, ...]

    def apply(self, rows: QuerySet) -> QuerySet:
        patterns = [[form.text for form in word.forms] for word in self.words]
        return rows.filter(containing(patterns))

    def applies_to(self, model: type[models.Model]) -> bool:
        return model is SearchEntry


class SearchFilter(StrictFilter):
    """Words that the record must all contain: as typed or without punctuation, and dates as a date of birth."""

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(ContainsWords(tuple([Word(tuple(map(Pattern, forms))) for forms in query_patterns(value)])))


class StatusFilter(ChoiceFilter):
    """A patient's status; archived rows are found by `archived` only."""

    def __init__(self) -> None:
        super().__init__(Status, field_name="status")

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(ARCHIVED) if value == Status.ARCHIVED else qs.filter(NOT_ARCHIVED, status=value)
