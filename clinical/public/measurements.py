"""Measurements of patients in the public dialect."""

from collections import Counter
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.permissions import Task
from clinical.models import Measurement
from clinical.reading import BY_TIME, InstrumentParameter, value_shown
from clinical.serializer_fields import MeasuredValue
from clinical.services.measurements import MeasurementResult, record_measurement, record_measurements
from config.rest import public
from config.rest.bulk_reader import RowReader, UnreadRows
from config.rest.compiled.plans import Computed, Query
from config.rest.fields import ContractSerializer, DateTime, Text
from config.rest.filters import DayParameter
from config.rest.problems import problems_of
from config.rest.public import CamelCase, CamelCaseParameters, LocalDateTime
from config.rest.responses import Answer
from patients.reading import OfPatient

MAX_ROWS = 1_000
VALUE = {"anyOf": [{"type": "number"}, {"type": "string"}]}


class PublicMeasurementOut(CamelCase, ContractSerializer):
    """A measurement. `value` is a number or one of the instrument's choices."""

    id = serializers.UUIDField(source="uuid")
    patient_id = serializers.UUIDField(source="patient.uuid")
    instrument_id = serializers.UUIDField(source="instrument.uuid")
    instrument = serializers.CharField(source="instrument.code")
    value = Computed(value_shown, ("value_number", "value_choice"), schema=VALUE)
    measured_at = LocalDateTime("measured_at", "patient__timezone")
    created_at = LocalDateTime("created_at", "patient__timezone")

    class Meta:
        model = Measurement
        fields = [
            "id", "patient_id", "instrument_id", "instrument", "value", "measured_at", "comment", "external_id", "created_at",
        ]  # fmt: skip


class PublicMeasurementIn(CamelCase, serializers.Serializer):
    """One measurement. `instrument` is a code or a UUID; without `measuredAt` it is of now."""

    instrument = Text(max_length=64)
    value = MeasuredValue()
    measured_at = DateTime(required=False, allow_null=True)
    comment = Text(required=False, allow_null=True, allow_blank=True, max_length=10_000)
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


class PublicMeasurementFilters(CamelCaseParameters):
    """Filters of the measurements of a patient."""

    start_date = DayParameter("measured_at")
    end_date = DayParameter("measured_at", until=True)
    instrument = InstrumentParameter()


class MeasurementViewSet(OfPatient, public.ViewSet):
    """What a patient has measured."""

    model = Measurement
    pk_kwarg = "measurement_id"
    tasks = {"create": Task.MEASURE}
    filterset_class = PublicMeasurementFilters
    serializer_classes = {"create": PublicMeasurementIn}
    batch_classes = {"create": (PublicMeasurementBatchIn, PublicMeasurementBatchOut)}
    rows_key = "measurements"
    idempotent = frozenset({"create"})

    told: list[dict] | None = None
    """What became of the rows of a batch; None where one measurement was sent."""

    def get_serializer_class(self):
        return PublicMeasurementOut

    def create(self, request, *args, **kwargs) -> Answer:
        """Record a measurement, or up to 1,000 at once."""
        return self.write(request, self._create, status=201)

    def validated(self, payload: Any) -> dict[str, Any]:
        if self.rows_key not in payload:
            return super().validated(payload)
        batch = PublicMeasurementBatchIn(data=payload)
        batch.is_valid(raise_exception=True)
        return dict(batch.validated_data)

    def _create(self, values: dict[str, Any]) -> int:
        if "measurements" in values:
            return self._create_many(values["measurements"])
        return record_measurement(actor=self.actor, patient_id=self.patient_id, row=values).pk

    def _create_many(self, rows: list[Any]) -> int:
        reader = RowReader(PublicMeasurementIn)
        read = [_read(reader, row) for row in rows]
        good = [row for row in read if isinstance(row, dict)]
        recorded = iter(record_measurements(actor=self.actor, patient_id=self.patient_id, rows=good))
        results = [next(recorded) if isinstance(row, dict) else row for row in read]
        self.told = [self._tell(index, result, reader) for index, result in enumerate(results)]
        return 0

    def _tell(self, index: int, result: MeasurementResult | ValidationError, reader: RowReader) -> dict:
        error = result if isinstance(result, ValidationError) else result.error
        problems = [self.understood(problem) for problem in problems_of(error, reader.names)] if error else []
        stored = result.measurement if isinstance(result, MeasurementResult) else None
        status = (
            "failed" if stored is None else "created" if isinstance(result, MeasurementResult) and result.new else "duplicate"
        )
        errors = [{"attribute": None, **public.Errors.one(problem)} for problem in problems]
        return {"index": index, "status": status, "id": stored and str(stored.uuid), "errors": errors}

    def answer_of(self, pk: int, status: int) -> Answer:
        """Answer with the measurement, or with what became of each row."""
        if self.told is None:
            return super().answer_of(pk, status)
        numbers = Counter(one["status"] for one in self.told)
        counts = {name: numbers[name] for name in ("created", "duplicate", "failed")}
        return Answer({"data": self.told, "meta": {**counts, "total": len(self.told)}}, status)

    def shown_again(self, pk: int) -> None:
        """Let the answer leave once more: the patient, who is all that it tells of, has been found in scope."""
        self.shown([])

    def list(self, request, *args, **kwargs) -> Answer:
        return self.cursor_page(Query(Measurement, [*self.in_scope(), *self.filters()]), BY_TIME)


def _read(reader: RowReader, row: Any) -> dict[str, Any] | ValidationError:
    try:
        return reader.read(row, complete=True)
    except ValidationError as error:
        return error
