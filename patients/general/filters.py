"""Query parameters of the general dialect's patient list."""

from config.rest.compiled.queries import NOT_ARCHIVED, Query
from config.rest.filters import StrictFilterSet
from patients.filters import SearchFilter


class GeneralPatientFilterSet(StrictFilterSet):
    """Filters of the patient list, which leaves archived patients out."""

    search = SearchFilter()

    def filter_queryset(self, queryset: Query) -> Query:
        return super().filter_queryset(queryset).filter(NOT_ARCHIVED)
