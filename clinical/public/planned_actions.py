"""What is expected of a patient, in the public dialect: by the schedule of their protocol, and by themselves."""

from typing import Any

from django.db.models import DateTimeField
from rest_framework import serializers

from accounts.permissions import Task
from clinical.models import PlannedAction
from clinical.reading import InstrumentParameter
from clinical.services.monitoring import plan_own_action
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Query
from config.rest.fields import ContractSerializer, DateTime, Text
from config.rest.filters import DayParameter
from config.rest.public import CamelCase, CamelCaseParameters, LocalDateTime
from config.rest.responses import Answer
from patients.reading import OfPatient

BY_BEGIN = Keyset("not_before", DateTimeField())


class PublicPlannedActionOut(CamelCase, ContractSerializer):
    """A measurement that is expected between two moments, and when it came."""

    id = serializers.UUIDField(source="uuid")
    patient_id = serializers.UUIDField(source="patient.uuid")
    instrument_id = serializers.UUIDField(source="instrument.uuid")
    instrument = serializers.CharField(source="instrument.code")
    not_before = LocalDateTime("not_before", "timezone")
    expires_at = LocalDateTime("expires_at", "timezone")
    completed_at = LocalDateTime("completed_at", "timezone", nullable=True)
    created_at = LocalDateTime("created_at", "timezone")

    class Meta:
        model = PlannedAction
        fields = [
            "id", "patient_id", "instrument_id", "instrument", "planned_via", "self_planned", "not_before", "expires_at",
            "completed_at", "created_at",
        ]  # fmt: skip


class PublicPlannedActionIn(CamelCase, serializers.Serializer):
    """A measurement that the patient takes on. `instrument` is a code or a UUID."""

    instrument = Text(max_length=64)
    not_before = DateTime()
    expires_at = DateTime()


class PublicPlannedActionFilters(CamelCaseParameters):
    """Filters of what is expected of a patient, by the days on which it begins."""

    start_date = DayParameter("not_before")
    end_date = DayParameter("not_before", until=True)
    instrument = InstrumentParameter()


class PlannedActionViewSet(OfPatient, public.ViewSet):
    """What is expected of a patient."""

    model = PlannedAction
    tasks = {"create": Task.MEASURE}
    filterset_class = PublicPlannedActionFilters
    serializer_classes = {"create": PublicPlannedActionIn}
    constraint_wording = {"planned_action_once": (409, "This measurement is planned already", "notBefore")}

    def get_serializer_class(self):
        return PublicPlannedActionOut

    def list(self, request, *args, **kwargs) -> Answer:
        return self.cursor_page(Query(PlannedAction, [*self.in_scope(), *self.filters()]), BY_BEGIN)

    def create(self, request, *args, **kwargs) -> Answer:
        """Plan a measurement beside the schedule."""
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        return plan_own_action(actor=self.actor, patient_id=self.patient_id, **values).pk
