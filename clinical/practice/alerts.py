"""Alerts on charts in the practice dialect."""

from typing import Any

from django.urls import URLPattern, path
from rest_framework import serializers

from accounts.permissions import Task
from clinical.models import Alert, AlertDefinition, AlertStatus
from clinical.reading import EffectiveStatus, alerts_of_family, alerts_with_status
from clinical.services.alerts import archive_alert, archive_alerts, create_alert, disable_alert, update_alert
from config.core.dates import today_at
from config.rest.compiled.plans import Query
from config.rest.fields import BaseVersion, ChangeSerializer, ContractSerializer, Integer, ScopedRelation, UUIDText
from config.rest.filters import BooleanParameter, Parameters, WordParameter
from config.rest.practice import ReferenceField
from config.rest.request_body import read_json
from config.rest.responses import Answer
from patients.practice.charts import ChartEntryOut, ChartViewSet

MAX_DISMISSED = 50


class PracticeAlertOut(ChartEntryOut):
    """An alert. Its status is the one that it has today."""

    alert_definition = ReferenceField(AlertDefinition, source="alert_definition_id")
    status = EffectiveStatus()
    created_by = Integer(source="created_by_id")

    class Meta:
        model = Alert
        fields = [
            "id", "patient", "alert_definition", "alert_scope", "is_urgent", "status", "note", "disable_on", "date_disabled",
            "created_by", "version", "created_at", "updated_at",
        ]  # fmt: skip


class PracticeAlertIn(ContractSerializer):
    """The body that puts an alert on a chart."""

    alert_definition_uuid = ScopedRelation(AlertDefinition, source="alert_definition_id")

    class Meta:
        model = Alert
        fields = ["alert_definition_uuid", "alert_scope", "is_urgent", "note", "disable_on"]


class PracticeAlertPatchIn(ChangeSerializer):
    """The body that changes an alert."""

    class Meta:
        model = Alert
        fields = ["base_version", "alert_scope", "is_urgent", "status", "note", "disable_on", "date_disabled"]


class PracticeAlertDisableIn(serializers.Serializer):
    """The body that disables an alert."""

    base_version = BaseVersion()


class PracticeAlertDismissIn(serializers.Serializer):
    """The body that archives several alerts."""

    alert_uuids = serializers.ListField(child=UUIDText(), max_length=MAX_DISMISSED)


class PracticeAlertDismissOut(serializers.Serializer):
    """How many alerts a dismissal has archived, and how many it found archived."""

    archived = Integer()
    skipped = Integer()


class FamilyParameter(BooleanParameter):
    """Whether the family-scope alerts of the patient's family are listed too."""

    schema = {**BooleanParameter.schema, "default": False}


class AlertFilters(Parameters):
    """Filters of the list of alerts."""

    status = WordParameter(AlertStatus)
    include_family = FamilyParameter()


class AlertViewSet(ChartViewSet):
    """Alerts of a patient, for staff."""

    model = Alert
    pk_kwarg = "alert_uuid"
    filterset_class = AlertFilters
    answer_class = PracticeAlertOut
    tasks = {
        **ChartViewSet.tasks,
        **dict.fromkeys(("list", "retrieve"), Task.READ_AS_STAFF),
        **dict.fromkeys(("disable", "bulk_dismiss"), Task.WRITE_PATIENTS),
    }
    serializer_classes = {
        "create": PracticeAlertIn,
        "partial_update": PracticeAlertPatchIn,
        "disable": PracticeAlertDisableIn,
        "bulk_dismiss": PracticeAlertDismissIn,
    }
    idempotent = frozenset({"create"})

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        one = f"patients/<patient_uuid>/{name}/<{cls.pk_kwarg}>"
        return [
            *super().paths(name)[:1],
            path(one, cls.as_view({"get": "retrieve", "patch": "partial_update"})),
            path(f"{one}/archive", cls.as_view({"post": "archive"})),
        ]

    def get_serializer_class(self):
        return PracticeAlertDismissOut if self.action == "bulk_dismiss" else self.answer_class

    def listed(self) -> Query:
        given = AlertFilters.read(self.request.GET)
        # The rows of a family are other patients' too, but nobody's whom the caller may not see.
        family = [*self.scope_of_rows(Alert), alerts_of_family(self.patient_id)]
        charts = family if given.get("include_family") else self.in_scope()
        return Query(Alert, [*charts, alerts_with_status(given.get("status"), today_at(self.zone))])

    def _create(self, values: dict[str, Any]) -> int:
        return create_alert(actor=self.actor, patient_id=self.patient_id, **values).pk

    def partial_update(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._change)

    def _change(self, changes: dict[str, Any]) -> int:
        update_alert(**self._named(), base_version=changes.pop("base_version"), changes=changes)
        return self.object_id

    def archive(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._archive)

    def _archive(self, values: dict[str, Any]) -> int:
        archive_alert(**self._named())
        return self.object_id

    def disable(self, request, *args, **kwargs) -> Answer:
        """Disable an alert."""
        return self.write(request, self._disable)

    def _disable(self, values: dict[str, Any]) -> int:
        disable_alert(**self._named(), **values)
        return self.object_id

    def _named(self) -> dict[str, Any]:
        return {"actor": self.actor, "patient_id": self.patient_id, "alert_id": self.object_id}

    def bulk_dismiss(self, request, *args, **kwargs) -> Answer:
        """Archive several alerts, all or none."""
        uuids = self.validated(read_json(request._request))["alert_uuids"]
        archived, skipped = archive_alerts(actor=self.actor, patient_id=self.patient_id, uuids=uuids)
        return Answer({"archived": archived, "skipped": skipped})
