"""Diseases and other problems of patients in the practice dialect."""

from clinical.models import Disease, DiseaseDefinition, ProblemStatus
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.filters import ChoiceFilter, UpdatedSinceFilterSet
from config.rest.practice import ReferenceField
from patients.practice.charts import ChartEntryOut, ChartRecordViewSet


class PracticeDiseaseOut(ChartEntryOut):
    """A disease or other problem."""

    disease_definition = ReferenceField(DiseaseDefinition, source="disease_definition_id")

    class Meta:
        model = Disease
        fields = [
            "id",
            "patient",
            "disease_definition",
            "problem_status",
            "function_status",
            "snomed_problem_type",
            "date_start",
            "date_stop",
            "patient_note",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeDiseaseIn(ContractSerializer):
    """The body that records a problem."""

    disease_definition_uuid = ScopedRelation(DiseaseDefinition, source="disease_definition_id")

    class Meta:
        model = Disease
        fields = [
            "disease_definition_uuid",
            "problem_status",
            "function_status",
            "snomed_problem_type",
            "date_start",
            "date_stop",
            "patient_note",
        ]


class PracticeDiseasePatchIn(ChangeSerializer, PracticeDiseaseIn):
    """The body that corrects a problem."""

    class Meta(PracticeDiseaseIn.Meta):
        fields = ["base_version", *PracticeDiseaseIn.Meta.fields]


class DiseaseFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of problems."""

    problem_status = ChoiceFilter(ProblemStatus)


class DiseaseViewSet(ChartRecordViewSet):
    """Diseases and other problems of a patient."""

    model = Disease
    lookup_url_kwarg = "disease_uuid"
    default_sort_dir = "desc"
    filterset_class = DiseaseFilterSet
    serializer_class = PracticeDiseaseOut
    request_serializer_classes = {"create": PracticeDiseaseIn, "partial_update": PracticeDiseasePatchIn}
    idempotent_actions = frozenset({"create"})
    constraint_errors = {"disease_dates_in_order": (422, "A problem ends on or after the day it began.", "date_stop")}
