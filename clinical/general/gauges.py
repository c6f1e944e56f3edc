"""Gauges of patients in the general dialect: their numeric measurements."""

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from accounts.permissions import Permission
from accounts.scope import Actor
from clinical.filters import InstrumentFilter
from clinical.models import Measurement
from clinical.serializer_fields import MeasuredValue, measured_value
from clinical.services.measurements import record_measurement
from config.core.orm import COMMENT_LENGTH
from config.rest import general
from config.rest.compiled.plans import Computed
from config.rest.compiled.queries import Query, Where
from config.rest.fields import ContractSerializer, DateTime, Text
from config.rest.filters import DayFilter, StrictFilterSet
from config.rest.general import UTCMilliseconds
from config.rest.openapi import NUMBER, nullable
from patients.views import PatientChildViewSet

NUMBERS = Where(Q(value_number__isnull=False))
SCALE_LIMIT = nullable(NUMBER)


def json_number(actor: Actor, number: Any) -> Any:
    """Return a number as JSON has it, null for none."""
    return measured_value(actor, number, None)


class GeneralGaugeOut(ContractSerializer):
    """A value of a gauge, with its scale."""

    patient_id = serializers.IntegerField()
    gauge_type = serializers.CharField(source="instrument.code")
    value = Computed(json_number, ("value_number",), schema=NUMBER)
    scale_min = Computed(json_number, ("instrument__scale_min",), schema=SCALE_LIMIT)
    scale_max = Computed(json_number, ("instrument__scale_max",), schema=SCALE_LIMIT)
    recorded_at = UTCMilliseconds(source="measured_at")
    notes = serializers.CharField(source="comment", allow_null=True)
    created_at = UTCMilliseconds()

    class Meta:
        model = Measurement
        fields = ["id", "patient_id", "gauge_type", "value", "scale_min", "scale_max", "recorded_at", "notes", "created_at"]


class GeneralGaugeIn(serializers.Serializer):
    """A value of a gauge, inside its wrapper. Without `recorded_at` it is of now."""

    gauge_type = Text(max_length=64, source="instrument")
    value = MeasuredValue()
    recorded_at = DateTime(required=False, allow_null=True, source="measured_at")
    notes = Text(required=False, allow_null=True, allow_blank=True, max_length=COMMENT_LENGTH, source="comment")


class GeneralGaugeFilterSet(StrictFilterSet):
    """Filters of the gauges of a patient."""

    gauge_type = InstrumentFilter()
    start_date = DayFilter("measured_at")
    end_date = DayFilter("measured_at", until=True)


@extend_schema_view(
    list=extend_schema(summary="List the gauges of a patient", operation_id="list_gauges"),
    create=extend_schema(summary="Record a value of a gauge", operation_id="record_gauge"),
)
class GaugeViewSet(PatientChildViewSet, general.ViewSet):
    """What a patient has measured on a scale."""

    model = Measurement
    wrapper = "gauge"
    permissions = {"create": Permission.MEASURE}
    filterset_class = GeneralGaugeFilterSet
    request_serializer_classes = {"create": GeneralGaugeIn}
    serializer_class = GeneralGaugeOut
    ordering = ("measured_at", "id")

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(NUMBERS)

    def perform_create(self, serializer: serializers.Serializer) -> int:
        return record_measurement(actor=self.actor, patient_id=self.patient_id, row=serializer.validated_data).pk
