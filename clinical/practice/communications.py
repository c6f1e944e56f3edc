"""Communication logs in the practice dialect."""

from accounts.models import User
from accounts.permissions import Permission
from clinical.models import (
    Appointment,
    CommunicationDirection,
    CommunicationLog,
    CommunicationMode,
    CommunicationSource,
    CommunicationType,
)
from clinical.services.communications import log_communication
from config.core.databases import contains_pattern
from config.core.orm import fold
from config.rest.compiled.queries import Query
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.filters import ChoiceFilter, DateTimeFilter, StrictFilter, StrictFilterSet
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
            "id",
            "patient",
            "communication_datetime",
            "communication_type",
            "communication_source",
            "mode",
            "direction",
            "appointment",
            "note",
            "created_by",
            "created_at",
        ]


class PracticeCommunicationLogIn(ContractSerializer):
    """The body that writes a contact down."""

    communication_type_uuid = ScopedRelation(CommunicationType, source="communication_type_id", required=False, allow_null=True)
    appointment_uuid = ScopedRelation(Appointment, source="appointment_id", required=False, allow_null=True)

    class Meta:
        model = CommunicationLog
        fields = ["communication_datetime", "communication_type_uuid", "mode", "direction", "appointment_uuid", "note"]


class NoteFilter(StrictFilter):
    """A part of the note, in any case and without regard to accents."""

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(note_key__matches=contains_pattern(fold(value)))


class CommunicationLogFilterSet(StrictFilterSet):
    """Filters of the list of communication logs; both moments are inclusive."""

    date_from = DateTimeFilter(field_name="communication_datetime", lookup_expr="gte")
    date_to = DateTimeFilter(field_name="communication_datetime", lookup_expr="lte")
    mode = ChoiceFilter(CommunicationMode)
    direction = ChoiceFilter(CommunicationDirection)
    communication_source = ChoiceFilter(CommunicationSource)
    q = NoteFilter()


class CommunicationLogViewSet(ChartViewSet):
    """Communication logs of a patient, for staff. They are added to and never changed."""

    model = CommunicationLog
    lookup_url_kwarg = "log_uuid"
    filterset_class = CommunicationLogFilterSet
    serializer_class = PracticeCommunicationLogOut
    permissions = {**ChartViewSet.permissions, "list": Permission.READ_STAFF_ONLY, "retrieve": Permission.READ_STAFF_ONLY}
    request_serializer_classes = {"create": PracticeCommunicationLogIn}
    idempotent_actions = frozenset({"create"})
    create_service = staticmethod(log_communication)
