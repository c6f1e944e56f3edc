"""Patients in the general dialect."""

from rest_framework.serializers import Serializer

from accounts.models import Organization
from accounts.permissions import Permission
from config.core.exceptions import Invalid
from config.rest import general
from config.rest.responses import ApiResponse
from patients.general.filters import GeneralPatientFilterSet
from patients.general.serializers import GeneralPatientIn, GeneralPatientOut
from patients.models import Patient
from patients.services.patients import create_patient, update_patient


class PatientViewSet(general.ViewSet):
    """Patients in the caller's scope."""

    model = Patient
    lookup_url_kwarg = "patient_id"
    wrapper = "patient"
    serializer_class = GeneralPatientOut
    request_serializer_classes = {"create": GeneralPatientIn, "update": GeneralPatientIn}
    filterset_class = GeneralPatientFilterSet
    ordering = ("last_name_key", "id")
    permissions = {"create": Permission.WRITE_PATIENTS, "update": Permission.WRITE_PATIENTS}

    def update(self, request, *args, **kwargs) -> ApiResponse:
        return self.write(self.perform_update)

    def perform_create(self, serializer: Serializer) -> int:
        organization = Organization.objects.filter(pk=self.actor.organization_id).first()
        if organization is None:
            raise Invalid("The key belongs to no organization in which to create a patient.")
        return create_patient(actor=self.actor, organization=organization, values=serializer.validated_data).pk

    def perform_update(self, serializer: Serializer) -> int:
        update_patient(actor=self.actor, patient_id=self.object_id, base_version=None, changes=serializer.validated_data)
        return self.object_id
