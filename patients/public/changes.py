"""Changes of patients, and of what is measured, in the public dialect."""

from django.db import models
from django.urls import URLPattern, path
from rest_framework import serializers

from config.rest import public
from patients.changes import OfPatientFilter, PatientChangesViewSet
from patients.models import Patient


class PublicChartChangesFilterSet(public.UpdatedSinceFilterSet):
    """Filters of the changes of what belongs to patients."""

    patient_id = OfPatientFilter()


class PublicChangesViewSet(PatientChangesViewSet, public.ViewSet):
    """What has changed, of all patients whom the caller sees."""

    pagination_class = public.ChangesPagination

    @classmethod
    def path(cls, name: str, shown: type[serializers.ModelSerializer]) -> URLPattern:
        """Return the line of a table of contents for the changes of the rows that `shown` shows."""
        filters = public.UpdatedSinceFilterSet if shown.Meta.model is Patient else PublicChartChangesFilterSet
        return path(f"changes/{name}", cls.of(shown, filterset_class=filters).as_view({"get": "list"}))

    @classmethod
    def envelope_of(cls, model: type[models.Model]) -> dict[str, serializers.Field]:
        whose, zone = ("uuid", "timezone") if model is Patient else ("patient.uuid", "patient__timezone")
        return {
            "id": serializers.UUIDField(source="uuid"),
            "patientId": serializers.UUIDField(source=whose),
            "updatedAt": public.LocalDateTime("updated_at", zone),
        }
