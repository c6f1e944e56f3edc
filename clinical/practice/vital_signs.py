"""Vital signs of patients in the practice dialect."""

from rest_framework import serializers

from accounts.scope import Actor
from clinical.models import VitalSigns
from clinical.services.vital_signs import archive_vital_signs, record_vital_signs, update_vital_signs
from clinical.vitals import CRITICAL, WARNING
from config.rest.compiled.plans import Computed
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.filters import DateFilter, UpdatedSinceFilterSet
from config.rest.openapi import TEXT, array, enum, named, object_schema
from config.rest.practice import ReferenceField
from patients.models import Provider
from patients.practice.charts import ChartEntryOut, ChartRecordViewSet

FLAGS = array(named("AbnormalFlag", object_schema({"vital": TEXT, "message": TEXT, "severity": enum([WARNING, CRITICAL])})))


def _as_stored(actor: Actor, flags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Flags are worked out when the values are written."""
    return flags


class PracticeVitalSignsOut(ChartEntryOut):
    """What was measured at one time."""

    abnormal_flags = Computed(_as_stored, ("abnormal_flags",), schema=FLAGS)
    created_by = serializers.IntegerField(source="created_by_id")
    provider = ReferenceField(Provider, source="provider_id")

    class Meta:
        model = VitalSigns
        fields = [
            "id",
            "patient",
            "date_taken",
            "time_taken",
            "bp_systolic",
            "bp_diastolic",
            "pulse",
            "respiration_rate",
            "oxygen_saturation",
            "temperature_f",
            "height_inches",
            "weight_lbs",
            "weight_code",
            "bmi",
            "bmi_percentile",
            "abnormal_flags",
            "is_procedure_blocking",
            "has_followup_plan",
            "note",
            "provider",
            "created_by",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeVitalSignsIn(ContractSerializer):
    """The body that records vital signs."""

    provider_uuid = ScopedRelation(Provider, source="provider_id", required=False, allow_null=True)

    class Meta:
        model = VitalSigns
        fields = [
            "date_taken",
            "time_taken",
            "bp_systolic",
            "bp_diastolic",
            "pulse",
            "respiration_rate",
            "oxygen_saturation",
            "temperature_f",
            "height_inches",
            "weight_lbs",
            "weight_code",
            "bmi",
            "bmi_percentile",
            "has_followup_plan",
            "note",
            "provider_uuid",
        ]


class PracticeVitalSignsPatchIn(ChangeSerializer, PracticeVitalSignsIn):
    """The body that corrects vital signs."""

    class Meta(PracticeVitalSignsIn.Meta):
        fields = ["base_version", *PracticeVitalSignsIn.Meta.fields]


class VitalSignsFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of vital signs, both ends included."""

    date_from = DateFilter(field_name="date_taken", lookup_expr="gte")
    date_to = DateFilter(field_name="date_taken", lookup_expr="lte")


class VitalSignsViewSet(ChartRecordViewSet):
    """Vital signs of a patient, by date, with flags for what is out of range at the patient's age."""

    model = VitalSigns
    lookup_url_kwarg = "vitals_uuid"
    default_sort_dir = "desc"
    filterset_class = VitalSignsFilterSet
    serializer_class = PracticeVitalSignsOut
    request_serializer_classes = {"create": PracticeVitalSignsIn, "partial_update": PracticeVitalSignsPatchIn}
    idempotent_actions = frozenset({"create"})
    constraint_errors = {
        "vital_signs_pressures_in_order": (422, "The diastolic pressure cannot be above the systolic one.", "bp_diastolic"),
    }
    create_service = staticmethod(record_vital_signs)
    update_service = staticmethod(update_vital_signs)
    archive_service = staticmethod(archive_vital_signs)
