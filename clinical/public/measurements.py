"""Measurements of patients in the public dialect."""

from collections import Counter
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.permissions import Permission
from clinical.filters import BY_TIME, InstrumentFilter
from clinical.models import Measurement
from clinical.serializer_fields import MeasuredValue, measured_value
from clinical.services.measurements import MeasurementResult, record_measurement, record_measurements
from config.core.orm import COMMENT_LENGTH
from config.rest import public
from config.rest.bulk_reader import BulkReader, UnreadRows
from config.rest.compiled.plans import Computed
from config.rest.fields import ContractSerializer, DateTime, Text, request_serializer
from config.rest.filters import DayFilter
from config.rest.problems import problems_of
from config.rest.public import CamelCase, LocalDateTime, UpdatedSinceFilterSet
from config.rest.responses import ApiResponse
from patients.views import PatientChildViewSet

MAX_ROWS = 1_000
VALUE = {"type": ["number", "string"]}


class PublicMeasurementOut(CamelCase, ContractSerializer):
    """A measurement. `value` is a number or one of the instrument's choices."""

    id = serializers.UUIDField(source="uuid")
    patient_id = serializers.UUIDField(source="patient.uuid")
    instrument_id = serializers.UUIDField(source="instrument.uuid")
    instrument = serializers.CharField(source="instrument.code")
    value = Computed(measured_value, ("value_number", "value_choice"), schema=VALUE)
    measured_at = LocalDateTime("measured_at", "patient__timezone")
    created_at = LocalDateTime("created_at", "patient__timezone")

    class Meta:
        model = Measurement
        fields = [
            "id",
            "patient_id",
            "instrument_id",
            "instrument",
            "value",
            "measured_at",
            "comment",
            "external_id",
            "created_at",
        ]


class PublicMeasurementIn(CamelCase, serializers.Serializer):
    """One measurement. `instrument` is a code or a UUID; without `measuredAt` it is of now."""

    instrument = Text(max_length=64)
    value = MeasuredValue()
    measured_at = DateTime(required=False, allow_null=True)
    comment = Text(required=False, allow_null=True, allow_blank=True, max_length=COMMENT_LENGTH)
    external_id = Text(required=False, allow_null=True, max_length=255)


class PublicMeasurementBatchIn(serializers.Serializer):
    """Many measurements of one patient. A row that is wrong does not stop the others."""

    measurements = UnreadRows(child=PublicMeasurementIn(), max_length=MAX_ROWS)


class PublicErrorOut(serializers.Serializer):
    """What is wrong with a value."""

    code = serializers.CharField()
    message = serializers.CharField()
    attribute = serializers.CharField(allow_null=True)


class PublicRecordedOut(serializers.Serializer):
    """What became of one row: `id` is that of the measurement that holds it, null where it failed."""

    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["created", "duplicate", "failed"])
    id = serializers.UUIDField(allow_null=True)
    errors = PublicErrorOut(many=True)  # type: ignore[assignment]  # a field here, an attribute there


class PublicRecordedCountsOut(serializers.Serializer):
    """How many rows became what."""

    created = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    failed = serializers.IntegerField()
    total = serializers.IntegerField()


class PublicMeasurementBatchOut(serializers.Serializer):
    """What became of each row of a batch."""

    data = PublicRecordedOut(many=True)  # type: ignore[assignment]
    meta = PublicRecordedCountsOut()


class PublicMeasurementFilterSet(UpdatedSinceFilterSet):
    """Filters of the measurements of a patient."""

    start_date = DayFilter("measured_at")
    end_date = DayFilter("measured_at", until=True)
    instrument = InstrumentFilter()


@extend_schema_view(
    create=extend_schema(summary="Record a measurement, or up to 1,000 at once", operation_id="record_measurements")
)
class MeasurementViewSet(PatientChildViewSet, public.ViewSet):
    """What a patient has measured."""

    model = Measurement
    lookup_url_kwarg = "measurement_id"
    permissions = {"create": Permission.MEASURE}
    filterset_class = PublicMeasurementFilterSet
    serializer_class = PublicMeasurementOut
    request_serializer_classes = {"create": PublicMeasurementIn}
    batch_serializer_classes = {"create": (PublicMeasurementBatchIn, PublicMeasurementBatchOut)}
    batch_key = "measurements"
    idempotent_actions = frozenset({"create"})
    ordering = BY_TIME

    def get_request_serializer(self, payload: Any = None) -> serializers.Serializer:
        """Return the serializer of the body, which may hold a batch."""
        is_batch = payload is not None and self.batch_key in payload
        return request_serializer(PublicMeasurementBatchIn, payload) if is_batch else super().get_request_serializer(payload)

    def perform_create(self, serializer: serializers.Serializer) -> int | ApiResponse:
        values = serializer.validated_data
        if self.batch_key in values:
            return self._create_many(values[self.batch_key])
        return record_measurement(actor=self.actor, patient_id=self.patient_id, row=values).pk

    def _create_many(self, rows: list[Any]) -> ApiResponse:
        """Record what can be recorded of `rows`, and respond with what became of each."""
        reader = BulkReader(PublicMeasurementIn)
        read = [_read(reader, row) for row in rows]
        valid = [row for row in read if isinstance(row, dict)]
        recorded = iter(record_measurements(actor=self.actor, patient_id=self.patient_id, rows=valid))
        results = [next(recorded) if isinstance(row, dict) else row for row in read]
        data = [self._row_result(index, result, reader) for index, result in enumerate(results)]
        numbers = Counter(row["status"] for row in data)
        counts = {name: numbers[name] for name in ("created", "duplicate", "failed")}
        return ApiResponse({"data": data, "meta": {**counts, "total": len(data)}}, status=201)

    def _row_result(self, index: int, result: MeasurementResult | ValidationError, reader: BulkReader) -> dict:
        error = result if isinstance(result, ValidationError) else result.error
        problems = [self.translate_problem(problem) for problem in problems_of(error, reader.names)] if error else []
        stored = result.measurement if isinstance(result, MeasurementResult) else None
        new = isinstance(result, MeasurementResult) and result.new
        status = "failed" if stored is None else "created" if new else "duplicate"
        errors = [{"attribute": None, **public.Errors.item(problem)} for problem in problems]
        return {"index": index, "status": status, "id": stored and str(stored.uuid), "errors": errors}


def _read(reader: BulkReader, row: Any) -> dict[str, Any] | ValidationError:
    try:
        return reader.read(row, complete=True)
    except ValidationError as error:
        return error
