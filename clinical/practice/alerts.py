"""Alerts on charts in the practice dialect."""

import datetime
from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.permissions import Permission
from accounts.scope import Role
from clinical.filters import ALERTS_BY_CHANGE, ChangedSince, OnChart, WithChangedAt, alerts_on_chart, alerts_with_status
from clinical.models import Alert, AlertDefinition, AlertStatus
from clinical.serializer_fields import EffectiveStatus
from clinical.services.alerts import archive_alert, archive_alerts, create_alert, disable_alert, update_alert
from config.core.dates import today_at
from config.rest.compiled.plans import Computed
from config.rest.compiled.queries import Query
from config.rest.fields import BaseVersion, BoundedList, ChangeSerializer, ContractSerializer, Integer, ScopedRelation, UUIDText
from config.rest.filters import BooleanFilter, ChoiceFilter, UpdatedSinceFilter, UpdatedSinceFilterSet
from config.rest.openapi import BOOLEAN
from config.rest.practice import ReferenceField, SortFilter
from config.rest.responses import ApiResponse
from patients.practice.changes import ChartChangesFilterSet, PracticeChangesViewSet
from patients.practice.charts import ChartEntryOut, ChartViewSet

MAX_DISMISSED = 50
ARCHIVED_ALERT = Computed(lambda actor, status: status == AlertStatus.ARCHIVED, ("status",), schema=BOOLEAN)


class PracticeAlertOut(ChartEntryOut):
    """An alert. Its status is the one that it has today."""

    alert_definition = ReferenceField(AlertDefinition, source="alert_definition_id")
    status = EffectiveStatus()
    created_by = Integer(source="created_by_id")

    class Meta:
        model = Alert
        fields = [
            "id",
            "patient",
            "alert_definition",
            "alert_scope",
            "is_urgent",
            "status",
            "note",
            "disable_on",
            "date_disabled",
            "created_by",
            "version",
            "created_at",
            "updated_at",
        ]


class PracticeAlertReducedOut(ChartEntryOut):
    """An alert as the patient sees it: what it is about and until when it holds, without the note of staff and its author."""

    alert_definition = ReferenceField(AlertDefinition, source="alert_definition_id")
    status = EffectiveStatus()

    class Meta:
        model = Alert
        fields = [
            "id",
            "patient",
            "alert_definition",
            "alert_scope",
            "is_urgent",
            "status",
            "disable_on",
            "date_disabled",
            "created_at",
            "updated_at",
        ]


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

    alert_uuids = BoundedList(child=UUIDText(), max_length=MAX_DISMISSED)


class PracticeAlertDismissOut(serializers.Serializer):
    """How many alerts a dismissal has archived, and how many it found archived."""

    archived = Integer()
    skipped = Integer()


class FamilyFilter(BooleanFilter):
    """Whether the family-scope alerts of the patient's family are listed too."""

    schema = {**BooleanFilter.schema, "default": False}


class AlertFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of alerts. What they do depends on the patient: see `AlertViewSet.filter_queryset`."""

    status = ChoiceFilter(AlertStatus)
    include_family = FamilyFilter()


class AlertChangedSinceFilter(UpdatedSinceFilter):
    """Only those that have changed since this moment, RFC 3339 with its offset; those that their day has disabled, too."""

    def filter(self, qs: Query, value: datetime.datetime) -> Query:
        return qs.filter(ChangedSince(value))


class AlertChangesFilterSet(ChartChangesFilterSet):
    """Filters of the changes of alerts."""

    updated_since = AlertChangedSinceFilter()


class AlertChangesViewSet(PracticeChangesViewSet):
    """What has changed of alerts: a day that disables one changes it, too."""

    ordering = ALERTS_BY_CHANGE
    chart_filterset_class = AlertChangesFilterSet

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(WithChangedAt())


class AlertViewSet(ChartViewSet):
    """Alerts of a patient. Patients read their own, in a reduced shape."""

    model = Alert
    lookup_url_kwarg = "alert_uuid"
    default_sort_dir = "desc"
    filterset_class = AlertFilterSet
    serializer_class = PracticeAlertOut
    permissions = {
        **ChartViewSet.permissions,
        **dict.fromkeys(("disable", "bulk_dismiss"), Permission.WRITE_PATIENTS),
    }
    request_serializer_classes = {
        "create": PracticeAlertIn,
        "partial_update": PracticeAlertPatchIn,
        "disable": PracticeAlertDisableIn,
        "bulk_dismiss": PracticeAlertDismissIn,
    }
    idempotent_actions = frozenset({"create"})

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        one = f"patients/<patient_uuid>/{name}/<{cls.lookup_url_kwarg}>"
        return [
            *super().paths(name)[:1],
            path(one, cls.as_view({"get": "retrieve", "patch": "partial_update"})),
            path(f"{one}/archive", cls.as_view({"post": "archive"})),
        ]

    def get_serializer_class(self):
        if self.action == "bulk_dismiss":
            return PracticeAlertDismissOut
        return PracticeAlertReducedOut if self.actor.role == Role.PATIENT else PracticeAlertOut

    def filter_queryset(self, queryset: Query) -> Query:
        queryset = SortFilter().filter_queryset(self.request, queryset, self)
        given = self.get_filterset(queryset).clean()
        if given.get("include_family"):
            # The rows of a family are other patients' too, but nobody's whom the caller may not see.
            family = self.scoped_query(Alert).filter(OnChart(alerts_on_chart, self.patient_id))
            queryset = family.order_by(queryset.ordering)
        if since := given.get("updated_since"):
            queryset = queryset.filter(updated_at__gte=since)
        return queryset.filter(alerts_with_status(given.get("status"), today_at(self.timezone)))

    def perform_create(self, serializer: serializers.Serializer) -> int:
        return create_alert(actor=self.actor, patient_id=self.patient_id, **serializer.validated_data).pk

    def perform_update(self, serializer: serializers.Serializer) -> int:
        changes = serializer.validated_data
        update_alert(**self._named(), base_version=changes.pop("base_version"), changes=changes)
        return self.object_id

    def archive(self, request, *args, **kwargs) -> ApiResponse:
        return self.write(self.perform_archive)

    def perform_archive(self, serializer: serializers.Serializer) -> int:
        """Archive the alert that the path names."""
        archive_alert(**self._named())
        return self.object_id

    def disable(self, request, *args, **kwargs) -> ApiResponse:
        """Disable an alert."""
        return self.write(self.perform_disable)

    def perform_disable(self, serializer: serializers.Serializer) -> int:
        """Disable the alert that the path names."""
        disable_alert(**self._named(), **serializer.validated_data)
        return self.object_id

    def _named(self) -> dict[str, Any]:
        return {"actor": self.actor, "patient_id": self.patient_id, "alert_id": self.object_id}

    @extend_schema(operation_id="dismiss_alerts")
    def bulk_dismiss(self, request, *args, **kwargs) -> ApiResponse:
        """Archive several alerts, all or none."""
        uuids = self.get_valid_serializer(request.data).validated_data["alert_uuids"]
        archived, skipped = archive_alerts(actor=self.actor, patient_id=self.patient_id, uuids=uuids)
        return ApiResponse({"archived": archived, "skipped": skipped})
