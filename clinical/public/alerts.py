"""Monitoring alerts in the public dialect."""

from django.db import models
from django.db.models import Q
from rest_framework import serializers

from accounts.models import CareGroup
from accounts.permissions import Permission
from clinical.models import Flag, Instrument, MonitoringAlert, MonitoringAlertStatus, RuleKind
from clinical.services.monitoring import process_alert
from config.core.orm import COMMENT_LENGTH
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.loaders import CatalogLoader
from config.rest.compiled.plans import LoadedField
from config.rest.compiled.queries import Query, Where
from config.rest.fields import Choice, ContractSerializer, JSONObject, Text
from config.rest.filters import ChoiceFilter, DayFilter
from config.rest.public import CamelCase, LocalDateTime, UpdatedSinceFilterSet
from config.rest.responses import ApiResponse
from patients.models import Program, Protocol

BY_CREATION = Keyset("created_at", models.DateTimeField(), by_creation=True)
OF_CURRENT_PATIENTS = Where(Q(patient__deleted_at=None))
# The statuses that staff give.
ACTED_ON = [MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED]


class CatalogId(LoadedField):
    """The UUID of a row of a catalog, null where there is none."""

    def __init__(self, model: type[models.Model], source: str, *, nullable: bool = True):
        schema = {"type": "string", "format": "uuid", "nullable": nullable}
        super().__init__(CatalogLoader(model, lambda uuid, name: uuid), schema=schema, source=source)


class PublicMonitoringAlertOut(CamelCase, ContractSerializer):
    """An alert. `cause` holds the rule, the threshold, the window and the values that raised it."""

    id = serializers.UUIDField(source="uuid")
    patient_id = serializers.UUIDField(source="patient.uuid")
    group_id = CatalogId(CareGroup, "care_group_id")
    program_id = CatalogId(Program, "program_id")
    protocol_id = CatalogId(Protocol, "protocol_id")
    measurement_id = serializers.UUIDField(source="measurement.uuid", allow_null=True)
    instrument_id = CatalogId(Instrument, "instrument_id")
    cause = JSONObject()
    processed_at = LocalDateTime("processed_at", "patient__timezone", nullable=True)
    processed_by = serializers.UUIDField(source="processed_by.uuid", allow_null=True)
    escalated_at = LocalDateTime("escalated_at", "patient__timezone", nullable=True)
    escalated_by = serializers.UUIDField(source="escalated_by.uuid", allow_null=True)
    created_at = LocalDateTime("created_at", "patient__timezone")
    updated_at = LocalDateTime("updated_at", "patient__timezone")

    class Meta:
        model = MonitoringAlert
        fields = [
            "id",
            "patient_id",
            "group_id",
            "program_id",
            "protocol_id",
            "measurement_id",
            "instrument_id",
            "type",
            "flag",
            "status",
            "cause",
            "processed_at",
            "processed_by",
            "escalated_at",
            "escalated_by",
            "created_at",
            "updated_at",
        ]


class PublicMonitoringAlertIn(CamelCase, ContractSerializer):
    """The body that escalates or processes an alert."""

    status = Choice(choices=ACTED_ON)
    action = Text(required=False, allow_null=True, allow_blank=True, max_length=COMMENT_LENGTH)
    additional_info = Text(required=False, allow_null=True, allow_blank=True, max_length=COMMENT_LENGTH)

    class Meta:
        model = MonitoringAlert
        fields = ["status", "processed_type", "action", "additional_info"]


class PublicMonitoringAlertFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of alerts. The days are those of the organization."""

    start_date = DayFilter("created_at")
    end_date = DayFilter("created_at", until=True)
    status = ChoiceFilter(MonitoringAlertStatus)
    flag = ChoiceFilter(Flag)
    type = ChoiceFilter(RuleKind)


class MonitoringAlertViewSet(public.ViewSet):
    """Alerts of the patients whom the caller sees; those of archived patients are left out."""

    model = MonitoringAlert
    lookup_url_kwarg = "alert_id"
    permissions = {"list": Permission.READ_STAFF_ONLY, "process": Permission.WRITE_PATIENTS}
    filterset_class = PublicMonitoringAlertFilterSet
    ordering = BY_CREATION
    request_serializer_classes = {"process": PublicMonitoringAlertIn}
    serializer_class = PublicMonitoringAlertOut

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(OF_CURRENT_PATIENTS)

    def process(self, request, *args, **kwargs) -> ApiResponse:
        """Escalate or process an alert."""
        return self.write(self.perform_process)

    def perform_process(self, serializer: serializers.Serializer) -> int:
        """Escalate or process the alert that the path names."""
        patient_id = MonitoringAlert.objects.values_list("patient_id", flat=True).get(pk=self.object_id)
        process_alert(actor=self.actor, patient_id=patient_id, alert_id=self.object_id, **serializer.validated_data)
        return self.object_id
