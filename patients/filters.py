"""What the dialects share in listing patients: the search and status filters, and the orders."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from config.core.compiled_queries import parameter
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Query, Where
from config.rest.filters import ChoiceFilter, StrictFilter
from patients.models import Status
from patients.search import query_patterns

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
class ContainsWord(Criterion):
    """The records that contain a word as typed or, where it is a number, as bare digits."""

    as_typed: Any = parameter(models.TextField())
    as_digits: Any = parameter(models.TextField(), default=None)

    def apply(self, rows: QuerySet) -> QuerySet:
        found = Q(search_text__matches=self.as_typed)
        return rows.filter(found if self.as_digits is None else found | Q(search_text__matches=self.as_digits))


class SearchFilter(StrictFilter):
    """Words that the record must all contain, each as typed or, where it is a number, as digits."""

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(*[ContainsWord(*forms.values()) for forms in query_patterns(value)])


class StatusFilter(ChoiceFilter):
    """A patient's status; archived rows are found by `archived` only."""

    def __init__(self) -> None:
        super().__init__(Status, field_name="status")

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(ARCHIVED) if value == Status.ARCHIVED else qs.filter(NOT_ARCHIVED, status=value)
