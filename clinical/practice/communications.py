"""Communication logs in the practice dialect."""

from typing import Any

from accounts.models import User
from accounts.permissions import Task
from clinical.models import (
    Appointment,
    CommunicationDirection,
    CommunicationLog,
    CommunicationMode,
    CommunicationSource,
    CommunicationType,
)
from clinical.services.communications import log_communication
from config.core.databases import Param, contains_pattern
from config.core.orm import fold
from config.rest.compiled.plans import Criterion
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.filters import DateTimeParameter, Parameter, Parameters, WordParameter
from config.rest.practice import ReferenceField
from patients.practice.charts import ChartEntryOut, ChartViewSet


class PracticeCommunicationLogOut(ChartEntryOut):
    """A contact with a patient. Appointments have no name: their reference shows null there."""

    appointment = ReferenceField(Appointment, (), source="appointment_id")
    communication_type = ReferenceField(CommunicationType, source="communication_type_id")
    created_by = ReferenceField(User, source="created_by_id")

    class Meta:
        model = CommunicationLog
        fields = [
            "id", "patient", "communication_datetime", "communication_type", "communication_source", "mode", "direction",
            "appointment", "note", "created_by", "created_at",
        ]  # fmt: skip


class PracticeCommunicationLogIn(ContractSerializer):
    """The body that writes a contact down."""

    communication_type_uuid = ScopedRelation(CommunicationType, source="communication_type_id", required=False, allow_null=True)
    appointment_uuid = ScopedRelation(Appointment, source="appointment_id", required=False, allow_null=True)

    class Meta:
        model = CommunicationLog
        fields = ["communication_datetime", "communication_type_uuid", "mode", "direction", "appointment_uuid", "note"]


class NoteParameter(Parameter):
    """A part of the note, in any case and without regard to accents."""

    def criterion(self, name: str, value: str) -> Criterion:
        pattern = contains_pattern(fold(value))
        return Criterion(name, lambda rows: rows.filter(note_key__matches=Param(name)), {name: pattern})


class CommunicationLogFilters(Parameters):
    """Filters of the list of communication logs; both moments are inclusive."""

    date_from = DateTimeParameter(field_name="communication_datetime", lookup_expr="gte")
    date_to = DateTimeParameter(field_name="communication_datetime", lookup_expr="lte")
    mode = WordParameter(CommunicationMode)
    direction = WordParameter(CommunicationDirection)
    communication_source = WordParameter(CommunicationSource)
    q = NoteParameter()


class CommunicationLogViewSet(ChartViewSet):
    """Communication logs of a patient, for staff. They are added to and never changed."""

    model = CommunicationLog
    pk_kwarg = "log_uuid"
    filterset_class = CommunicationLogFilters
    answer_class = PracticeCommunicationLogOut
    tasks = {**ChartViewSet.tasks, "list": Task.READ_AS_STAFF, "retrieve": Task.READ_AS_STAFF}
    serializer_classes = {"create": PracticeCommunicationLogIn}
    idempotent = frozenset({"create"})

    def _create(self, values: dict[str, Any]) -> int:
        return log_communication(actor=self.actor, patient_id=self.patient_id, **values).pk
