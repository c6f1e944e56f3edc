"""Monitoring alerts in the public dialect."""

from typing import Any

from django.db import models
from rest_framework import serializers

from accounts.models import CareGroup
from accounts.permissions import Task
from clinical.models import Flag, Instrument, MonitoringAlert, MonitoringAlertStatus, RuleKind
from clinical.services.monitoring import process_alert
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.lookups import CatalogLookup
from config.rest.compiled.plans import Criterion, LookedUp, Query
from config.rest.fields import Choice, ContractSerializer, JSONObject, Text
from config.rest.filters import DayParameter, WordParameter
from config.rest.public import CamelCase, CamelCaseParameters, LocalDateTime
from config.rest.responses import Answer
from patients.models import Program, Protocol

BY_CREATION = Keyset("created_at", models.DateTimeField(), by_creation=True)
OF_CURRENT_PATIENTS = Criterion("of current patients", lambda rows: rows.filter(patient__deleted_at=None))
ACTED_ON = [MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED]
"""The statuses that staff give."""


class CatalogId(LookedUp):
    """The UUID of a row of a catalog, null where there is none."""

    def __init__(self, model: type[models.Model], source: str, *, nullable: bool = True):
        schema = {"type": "string", "format": "uuid", "nullable": nullable}
        super().__init__(CatalogLookup(model, lambda uuid, name: uuid), schema=schema, source=source)


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
            "id", "patient_id", "group_id", "program_id", "protocol_id", "measurement_id", "instrument_id", "type", "flag",
            "status", "cause", "processed_at", "processed_by", "escalated_at", "escalated_by", "created_at", "updated_at",
        ]  # fmt: skip


class PublicMonitoringAlertIn(CamelCase, ContractSerializer):
    """The body that escalates or processes an alert."""

    status = Choice(choices=ACTED_ON)
    action = Text(required=False, allow_null=True, allow_blank=True, max_length=10_000)
    additional_info = Text(required=False, allow_null=True, allow_blank=True, max_length=10_000)

    class Meta:
        model = MonitoringAlert
        fields = ["status", "processed_type", "action", "additional_info"]


class PublicMonitoringAlertFilters(CamelCaseParameters):
    """Filters of the list of alerts. The days are those of the organization."""

    start_date = DayParameter("created_at")
    end_date = DayParameter("created_at", until=True)
    status = WordParameter(MonitoringAlertStatus)
    flag = WordParameter(Flag)
    type = WordParameter(RuleKind)


class MonitoringAlertViewSet(public.ViewSet):
    """Alerts of the patients whom the caller sees; those of archived patients are left out."""

    model = MonitoringAlert
    pk_kwarg = "alert_id"
    tasks = {"list": Task.READ_AS_STAFF, "process": Task.WRITE_PATIENTS}
    filterset_class = PublicMonitoringAlertFilters
    serializer_classes = {"process": PublicMonitoringAlertIn}

    def get_serializer_class(self):
        return PublicMonitoringAlertOut

    def in_scope(self, *, archived: bool = True) -> list[Criterion]:
        return [*super().in_scope(archived=archived), OF_CURRENT_PATIENTS]

    def list(self, request, *args, **kwargs) -> Answer:
        return self.cursor_page(Query(MonitoringAlert, [*self.in_scope(), *self.filters()]), BY_CREATION)

    def process(self, request, *args, **kwargs) -> Answer:
        """Escalate or process an alert."""
        return self.write(request, self._process)

    def _process(self, values: dict[str, Any]) -> int:
        patient_id = MonitoringAlert.objects.values_list("patient_id", flat=True).get(pk=self.object_id)
        process_alert(actor=self.actor, patient_id=patient_id, alert_id=self.object_id, **values)
        return self.object_id
