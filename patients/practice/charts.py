"""Charts in the practice dialect: one view set, of which each kind of entry declares what is its own."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.urls import URLPattern, path
from rest_framework import serializers

from accounts.permissions import Permission
from config.rest import practice
from config.rest.fields import ContractSerializer
from config.rest.filters import StrictFilterSet, UpdatedSinceFilterSet
from config.rest.responses import ApiResponse
from patients.models import ChartEntry, ChartRecord, Patient
from patients.services.charts import archive_entry, create_entry, update_entry
from patients.views import PatientChildViewSet


class ChartEntryOut(ContractSerializer):
    """Base of the responses that show an entry."""

    id = serializers.UUIDField(source="uuid")
    patient = practice.ReferenceField(Patient, ("first_name", "last_name"), source="patient_id")


class ChartViewSet(PatientChildViewSet, practice.ViewSet):
    """Entries of the chart of the patient whom the path names."""

    model: ClassVar[type[ChartEntry]]
    permissions = dict.fromkeys(("create", "partial_update", "archive"), Permission.WRITE_PATIENTS)

    filterset_class: ClassVar[type[StrictFilterSet] | None] = UpdatedSinceFilterSet
    patient_url_kwarg = "patient_uuid"
    create_service: ClassVar[Callable[..., ChartEntry] | None] = None
    """What creates an entry, where that is more than a row (as `create_entry`, without `model`)."""

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        """Return the lines of a table of contents for these entries, whose list is found under `name` of a patient."""
        many = f"patients/<patient_uuid>/{name}"
        return [
            path(many, cls.as_view({"get": "list", "post": "create"})),
            path(f"{many}/<{cls.lookup_url_kwarg}>", cls.as_view({"get": "retrieve"})),
        ]

    def patient_columns(self) -> tuple[int, ...]:
        """Return the columns with the patient of an entry and all others whom it is about."""
        return (*super().patient_columns(), *map(self.response_plan.columns.index, self.model.others))

    def perform_create(self, serializer: serializers.Serializer) -> int:
        create = self.create_service or partial(create_entry, model=self.model)
        return create(actor=self.actor, patient_id=self.patient_id, **serializer.validated_data).pk


class ArchivableChartViewSet(ChartViewSet):
    """Entries that can be archived."""

    archive_service: ClassVar[Callable[..., Any] | None] = None
    """What archives an entry, where that is more than a date (as `archive_entry`, without `model`)."""

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        one = f"patients/<patient_uuid>/{name}/<{cls.lookup_url_kwarg}>"
        return [*super().paths(name), path(f"{one}/archive", cls.as_view({"post": "archive"}))]

    def archive(self, request, *args, **kwargs) -> ApiResponse:
        return self.write(self.perform_archive)

    def perform_archive(self, serializer: serializers.Serializer) -> int:
        """Archive the entry that the path names."""
        archive = self.archive_service or partial(archive_entry, model=self.model)
        archive(actor=self.actor, patient_id=self.patient_id, entry_id=self.object_id)
        return self.object_id


class ChartRecordViewSet(ArchivableChartViewSet):
    """Entries that are corrected by version, and archived."""

    model: ClassVar[type[ChartRecord]]
    update_service: ClassVar[Callable[..., Any] | None] = None
    """What changes an entry, where that is more than its columns (as `update_entry`, without `model`)."""

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        many, _, archive = super().paths(name)
        one = f"patients/<patient_uuid>/{name}/<{cls.lookup_url_kwarg}>"
        return [many, path(one, cls.as_view({"get": "retrieve", "patch": "partial_update"})), archive]

    def perform_update(self, serializer: serializers.Serializer) -> int:
        changes = serializer.validated_data
        update = self.update_service or partial(update_entry, model=self.model)
        update(
            actor=self.actor,
            patient_id=self.patient_id,
            entry_id=self.object_id,
            base_version=changes.pop("base_version"),
            changes=changes,
        )
        return self.object_id
