"""Changes of patients and their charts in the practice dialect."""

from typing import ClassVar

from django.db import models
from django.urls import URLPattern, path
from rest_framework import serializers

from config.rest import practice
from config.rest.compiled.plans import Computed
from config.rest.fields import DateTime
from config.rest.filters import StrictFilterSet, UpdatedSinceFilterSet
from patients.changes import OfPatientFilter, PatientChangesViewSet
from patients.models import Patient


class ChartChangesFilterSet(UpdatedSinceFilterSet):
    """Filters of the changes of what is on charts."""

    patient_uuid = OfPatientFilter()


class PracticeChangesViewSet(PatientChangesViewSet, practice.ViewSet):
    """What has changed, of all patients whom the caller sees."""

    pagination_class = practice.CursorPagination
    chart_filterset_class: ClassVar[type[StrictFilterSet]] = ChartChangesFilterSet
    """The filters of the changes of what is on charts."""

    @classmethod
    def path(cls, name: str, shown: type[serializers.ModelSerializer], deleted: Computed | None = None) -> URLPattern:
        """Return the line of a table of contents for the changes of the rows that `shown` shows; see `of`."""
        filters = UpdatedSinceFilterSet if shown.Meta.model is Patient else cls.chart_filterset_class
        return path(f"changes/{name}", cls.of(shown, deleted, filterset_class=filters).as_view({"get": "list"}))

    @classmethod
    def envelope_of(cls, model: type[models.Model]) -> dict[str, serializers.Field]:
        whose = "uuid" if model is Patient else "patient.uuid"
        return {
            "id": serializers.UUIDField(source="uuid"),
            "patient_uuid": serializers.UUIDField(source=whose),
            "updated_at": DateTime(),
        }
