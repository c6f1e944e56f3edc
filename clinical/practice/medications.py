"""Medications of patients in the practice dialect."""

from django.db.models import Q

from clinical.models import Medication, MedicationDefinition, MedicationStatus
from clinical.practice.interactions import InteractingViewSet, interaction_check, interaction_warnings
from clinical.services.medications import create_medication, update_medication
from config.rest.compiled.queries import Query, Where
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.filters import BooleanFilter, UpdatedSinceFilterSet
from config.rest.practice import ReferenceField
from patients.models import Provider
from patients.practice.charts import ChartEntryOut


class PracticeMedicationOut(ChartEntryOut):
    """What a patient takes or took."""

    medication_definition = ReferenceField(MedicationDefinition, source="medication_definition_id")
    provider = ReferenceField(Provider, source="provider_id")
    interaction_warnings = interaction_warnings()
    interaction_check = interaction_check()

    class Meta:
        model = Medication
        fields = [
            "id",
            "patient",
            "medication_definition",
            "med_descript",
            "rx_cui",
            "status",
            "dosage",
            "frequency",
            "route",
            "provider",
            "date_start",
            "date_stop",
            "discontinuation_reason",
            "patient_note",
            "is_cpoe",
            "interaction_warnings",
            "interaction_check",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeMedicationIn(ContractSerializer):
    """The body that records a medication: one of the catalog, or one in words."""

    medication_definition_uuid = ScopedRelation(
        MedicationDefinition, source="medication_definition_id", required=False, allow_null=True
    )
    provider_uuid = ScopedRelation(Provider, source="provider_id", required=False, allow_null=True)

    class Meta:
        model = Medication
        fields = [
            "medication_definition_uuid",
            "med_descript",
            "rx_cui",
            "dosage",
            "frequency",
            "route",
            "provider_uuid",
            "date_start",
            "date_stop",
            "patient_note",
            "is_cpoe",
        ]


class PracticeMedicationPatchIn(ChangeSerializer, PracticeMedicationIn):
    """The body that corrects a medication, or says that it is no longer taken."""

    class Meta(PracticeMedicationIn.Meta):
        fields = ["base_version", *PracticeMedicationIn.Meta.fields, "status", "discontinuation_reason"]


ACTIVE = Where(Q(status=MedicationStatus.ACTIVE))
NOT_ACTIVE = Where(~Q(status=MedicationStatus.ACTIVE))


class CurrentFilter(BooleanFilter):
    """Whether a medication is taken: true for the status active, false for any other."""

    def filter(self, qs: Query, value: bool) -> Query:
        return qs.filter(ACTIVE if value else NOT_ACTIVE)


class MedicationFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of medications."""

    is_active = CurrentFilter()


class MedicationViewSet(InteractingViewSet):
    """Medications that a patient takes or took."""

    model = Medication
    lookup_url_kwarg = "medication_uuid"
    default_sort_dir = "desc"
    filterset_class = MedicationFilterSet
    serializer_class = PracticeMedicationOut
    request_serializer_classes = {"create": PracticeMedicationIn, "partial_update": PracticeMedicationPatchIn}
    idempotent_actions = frozenset({"create"})
    constraint_errors = {
        "medication_is_named": (422, "A medication is one of the catalog, or described in words.", "med_descript"),
        "medication_dates_in_order": (422, "A medication ends on or after the day it began.", "date_stop"),
    }
    create_service = staticmethod(create_medication)
    update_service = staticmethod(update_medication)
