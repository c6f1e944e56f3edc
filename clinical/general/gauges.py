"""Gauges of patients in the general dialect: their numeric measurements."""

from typing import Any

from rest_framework import serializers

from accounts.permissions import Task
from accounts.scope import Actor
from clinical.models import Measurement
from clinical.reading import InstrumentParameter, value_shown
from clinical.serializer_fields import MeasuredValue
from clinical.services.measurements import record_measurement
from config.rest import general
from config.rest.compiled.plans import Computed, Criterion, Query
from config.rest.fields import ContractSerializer, DateTime, Text
from config.rest.filters import DayParameter, Parameters
from config.rest.general import UTCMilliseconds
from config.rest.responses import Answer
from patients.reading import OfPatient

NUMBERS = Criterion("numbers", lambda rows: rows.filter(value_number__isnull=False))
NUMBER = {"type": "number"}
LIMIT = {"type": "number", "nullable": True}


def number_shown(actor: Actor, number: Any) -> Any:
    """Return a number as JSON has it, null for none."""
    return value_shown(actor, number, None)


class GeneralGaugeOut(ContractSerializer):
    """A value of a gauge, with its scale."""

    patient_id = serializers.IntegerField()
    gauge_type = serializers.CharField(source="instrument.code")
    value = Computed(number_shown, ("value_number",), schema=NUMBER)
    scale_min = Computed(number_shown, ("instrument__scale_min",), schema=LIMIT)
    scale_max = Computed(number_shown, ("instrument__scale_max",), schema=LIMIT)
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
    notes = Text(required=False, allow_null=True, allow_blank=True, max_length=10_000, source="comment")


class GeneralGaugeFilters(Parameters):
    """Filters of the gauges of a patient."""

    gauge_type = InstrumentParameter()
    start_date = DayParameter("measured_at")
    end_date = DayParameter("measured_at", until=True)


class GaugeViewSet(OfPatient, general.ViewSet):
    """What a patient has measured on a scale."""

    model = Measurement
    wrapper = "gauge"
    tasks = {"create": Task.MEASURE}
    filterset_class = GeneralGaugeFilters
    serializer_classes = {"create": GeneralGaugeIn}

    def get_serializer_class(self):
        return GeneralGaugeOut

    def list(self, request, *args, **kwargs) -> Answer:
        """List the gauges of a patient."""
        return self.plain_list(Query(Measurement, [*self.in_scope(), NUMBERS, *self.filters()]), ("measured_at", "id"))

    def create(self, request, *args, **kwargs) -> Answer:
        """Record a value of a gauge."""
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        return record_measurement(actor=self.actor, patient_id=self.patient_id, row=values).pk
