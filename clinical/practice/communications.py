"""Communication logs in the practice dialect."""

from accounts.models import User
from accounts.scope import Actor, Role
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
from config.core.text import fold
from config.rest.compiled.queries import Query
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.filters import ChoiceFilter, MomentFilter, StrictFilter, UpdatedSinceFilterSet
from config.rest.practice import ReferenceField
from config.rest.query_parameters import refused
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


class PracticeCommunicationLogReducedOut(ChartEntryOut):
    """A contact as the patient sees it: when and how, without the note of staff and its author."""

    appointment = ReferenceField(Appointment, (), source="appointment_id")
    communication_type = ReferenceField(CommunicationType, source="communication_type_id")

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
    """A part of the note, in any case and without regard to accents. Patients, who do not see notes, cannot ask for them."""

    def resolve(self, value: str, name: str, actor: Actor, organization_id: int | None) -> str:
        if actor.role == Role.PATIENT:
            raise refused(name, "not_permitted", "Patients cannot search in notes")
        return value

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(note_key__matches=contains_pattern(fold(value)))


class CommunicationLogFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of communication logs; both moments, or days, are inclusive."""

    date_from = MomentFilter("communication_datetime")
    date_to = MomentFilter("communication_datetime", until=True)
    mode = ChoiceFilter(CommunicationMode)
    direction = ChoiceFilter(CommunicationDirection)
    communication_source = ChoiceFilter(CommunicationSource)
    q = NoteFilter()


class CommunicationLogViewSet(ChartViewSet):
    """Communication logs of a patient, added to and never changed. Patients read their own, in a reduced shape."""

    model = CommunicationLog
    lookup_url_kwarg = "log_uuid"
    default_sort_dir = "desc"
    filterset_class = CommunicationLogFilterSet
    request_serializer_classes = {"create": PracticeCommunicationLogIn}
    idempotent_actions = frozenset({"create"})
    create_service = staticmethod(log_communication)

    def get_serializer_class(self):
        """Return the shape of responses: patients get a reduced one."""
        return PracticeCommunicationLogReducedOut if self.actor.role == Role.PATIENT else PracticeCommunicationLogOut
