"""Allergies of patients in the practice dialect."""

from clinical.models import Allergy, AllergyDefinition
from clinical.practice.interactions import InteractingViewSet, interaction_check, interaction_warnings
from clinical.services.allergies import create_allergy, update_allergy
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.filters import BooleanFilter, UpdatedSinceFilterSet
from config.rest.practice import ReferenceField
from patients.practice.charts import ChartEntryOut


class PracticeAllergyOut(ChartEntryOut):
    """An allergy or intolerance."""

    allergy_definition = ReferenceField(AllergyDefinition, source="allergy_definition_id")
    interaction_warnings = interaction_warnings()
    interaction_check = interaction_check()

    class Meta:
        model = Allergy
        fields = [
            "id",
            "patient",
            "allergy_definition",
            "reaction",
            "severity",
            "snomed_reaction",
            "date_adverse_reaction",
            "status_is_active",
            "interaction_warnings",
            "interaction_check",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeAllergyIn(ContractSerializer):
    """The body that records an allergy."""

    allergy_definition_uuid = ScopedRelation(AllergyDefinition, source="allergy_definition_id")

    class Meta:
        model = Allergy
        fields = [
            "allergy_definition_uuid",
            "reaction",
            "severity",
            "snomed_reaction",
            "date_adverse_reaction",
            "status_is_active",
        ]


class PracticeAllergyPatchIn(ChangeSerializer, PracticeAllergyIn):
    """The body that corrects an allergy."""

    class Meta(PracticeAllergyIn.Meta):
        fields = ["base_version", *PracticeAllergyIn.Meta.fields]


class AllergyFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of allergies."""

    is_active = BooleanFilter(field_name="status_is_active")


class AllergyViewSet(InteractingViewSet):
    """Allergies and intolerances of a patient."""

    model = Allergy
    lookup_url_kwarg = "allergy_uuid"
    default_sort_dir = "desc"
    filterset_class = AllergyFilterSet
    serializer_class = PracticeAllergyOut
    request_serializer_classes = {"create": PracticeAllergyIn, "partial_update": PracticeAllergyPatchIn}
    idempotent_actions = frozenset({"create"})
    create_service = staticmethod(create_allergy)
    update_service = staticmethod(update_allergy)
