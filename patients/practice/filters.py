"""Query parameters of the practice dialect's patient lists."""

from dataclasses import dataclass

from django.db.models import BigIntegerField, Exists, Model, OuterRef, QuerySet

from config.core.compiled_queries import parameter
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Query
from config.rest.filters import DateFilter, MultipleChoiceFilter, ReferenceFilter, StrictFilterSet, UpdatedSinceFilterSet
from patients.filters import SearchFilter, StatusFilter
from patients.models import Location, PatientTag, Provider, SearchEntry, Status, TagDefinition


@dataclass(frozen=True)
class HasTag(Criterion):
    """Patients who carry a tag."""

    tag_definition_id: int = parameter(BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        tags = PatientTag.objects.filter(patient=OuterRef("pk"), tag_definition=self.tag_definition_id, deleted_at=None)
        return rows.filter(Exists(tags))

    def applies_to(self, model: type[Model]) -> bool:
        return model is SearchEntry


class TagFilter(ReferenceFilter):
    """Patients who carry a tag."""

    def filter(self, qs: Query, value: int) -> Query:
        return qs.filter(HasTag(value))


class PracticePatientFilterSet(UpdatedSinceFilterSet):
    """Filters of the patient list and of its cursor twin."""

    status = StatusFilter()
    search = SearchFilter()
    primary_provider_uuid = ReferenceFilter(Provider, field_name="primary_provider_id")
    location_uuid = ReferenceFilter(Location, field_name="location_id")
    dob_from = DateFilter(field_name="date_of_birth", lookup_expr="gte")
    dob_to = DateFilter(field_name="date_of_birth", lookup_expr="lte")
    tag_definition_uuid = TagFilter(TagDefinition)

    def filter_queryset(self, queryset: Query) -> Query:
        queryset = super().filter_queryset(queryset)
        return queryset if "status" in self.cleaned_data else queryset.filter(NOT_ARCHIVED)


class StatusSetFilter(MultipleChoiceFilter):
    """The statuses that count; active where none is given."""


class PracticeCountFilterSet(StrictFilterSet):
    """Filters of the counts by location, on the date of the first visit."""

    date_from = DateFilter(field_name="date_first_visit", lookup_expr="gte")
    date_to = DateFilter(field_name="date_first_visit", lookup_expr="lt")
    status_set = StatusSetFilter(Status, field_name="status")

    def filter_queryset(self, queryset: Query) -> Query:
        queryset = super().filter_queryset(queryset)
        return queryset if "status_set" in self.cleaned_data else queryset.filter(status__anyof=[Status.ACTIVE])
