"""What is expected of a patient, in the public dialect: by the schedule of their protocol, and by themselves."""

from django.db.models import DateTimeField, F, Q
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from accounts.permissions import Permission
from clinical.filters import InstrumentFilter
from clinical.models import PlannedAction
from clinical.services.monitoring import plan_own_action
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import Query, Where
from config.rest.fields import ContractSerializer, DateTime, Text
from config.rest.filters import DayFilter
from config.rest.public import CamelCase, CamelCaseFilterSet, LocalDateTime
from patients.models import FOLLOWED
from patients.views import PatientChildViewSet

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
            "id",
            "patient_id",
            "instrument_id",
            "instrument",
            "planned_via",
            "self_planned",
            "not_before",
            "expires_at",
            "completed_at",
            "created_at",
        ]


class PublicPlannedActionIn(CamelCase, serializers.Serializer):
    """A measurement that the patient takes on. `instrument` is a code or a UUID."""

    instrument = Text(max_length=64)
    not_before = DateTime()
    expires_at = DateTime()


# Of a patient who is not active, or who has died, nothing is expected any more; what was kept or missed before stays.
EXPECTED = Where(Q(completed_at__isnull=False) | FOLLOWED | Q(expires_at__lte=F("patient__stopped_at")))


class PublicPlannedActionFilterSet(CamelCaseFilterSet):
    """Filters of what is expected of a patient, by the days on which it begins."""

    start_date = DayFilter("not_before")
    end_date = DayFilter("not_before", until=True)
    instrument = InstrumentFilter()


@extend_schema_view(create=extend_schema(summary="Plan a measurement beside the schedule"))
class PlannedActionViewSet(PatientChildViewSet, public.ViewSet):
    """What is expected of a patient."""

    model = PlannedAction
    permissions = {"create": Permission.MEASURE}
    filterset_class = PublicPlannedActionFilterSet
    request_serializer_classes = {"create": PublicPlannedActionIn}
    constraint_errors = {"planned_action_once": (409, "This measurement is planned already", "notBefore")}
    serializer_class = PublicPlannedActionOut
    ordering = BY_BEGIN

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(EXPECTED)

    def perform_create(self, serializer: serializers.Serializer) -> int:
        return plan_own_action(actor=self.actor, patient_id=self.patient_id, **serializer.validated_data).pk
