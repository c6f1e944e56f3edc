"""Query parameters of the practice dialect's patient lists."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from config.rest.compiled.plans import Criterion
from config.rest.filters import DateParameter, Parameters, ReferenceParameter, WordsParameter
from patients.models import Location, Patient, PatientTag, Provider, Status, TagDefinition
from patients.reading import NOT_ARCHIVED, SearchParameter, StatusParameter


class TaggedParameter(ReferenceParameter):
    """Patients who carry a tag."""

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(Exists(PatientTag.objects.filter(patient=OuterRef("pk"), tag_definition=value, deleted_at=None)))


class PracticePatientFilters(Parameters):
    """Filters of the patient list and of its cursor twin."""

    status = StatusParameter()
    search = SearchParameter()
    primary_provider_uuid = ReferenceParameter(Provider, field_name="primary_provider_id")
    location_uuid = ReferenceParameter(Location, field_name="location_id")
    dob_from = DateParameter(field_name="date_of_birth", lookup_expr="gte")
    dob_to = DateParameter(field_name="date_of_birth", lookup_expr="lte")
    tag_definition_uuid = TaggedParameter(TagDefinition)

    class Meta:
        model = Patient
        fields: list[str] = []

    @classmethod
    def unless(cls, given: Mapping[str, Any]) -> list[Criterion]:
        return [] if "status" in given else [NOT_ARCHIVED]


class StatusSetParameter(WordsParameter):
    """The statuses that count; active where none is given."""

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(status__anyof=value)


class PracticeCountFilters(Parameters):
    """Filters of the counts by location, on the date of the first visit."""

    date_from = DateParameter(field_name="date_first_visit", lookup_expr="gte")
    date_to = DateParameter(field_name="date_first_visit", lookup_expr="lt")
    status_set = StatusSetParameter(Status)

    class Meta:
        model = Patient
        fields: list[str] = []

    @classmethod
    def unless(cls, given: Mapping[str, Any]) -> list[Criterion]:
        return [] if "status_set" in given else [cls.base_filters["status_set"].criterion("status_set", [Status.ACTIVE])]
