from django.urls import path

from clinical.practice import catalogs
from clinical.practice.views import AppointmentViewSet

urlpatterns = [
    path("appointments", AppointmentViewSet.as_view({"get": "list", "post": "create"})),
    path("appointments/<appointment_uuid>", AppointmentViewSet.as_view({"get": "retrieve"})),
    *catalogs.AlertDefinitionViewSet.paths("patient-alert-definitions"),
    *catalogs.AllergyDefinitionViewSet.paths("allergy-definitions"),
    *catalogs.CommunicationTypeViewSet.paths("communication-types"),
    *catalogs.DiseaseDefinitionViewSet.paths("disease-definitions"),
    *catalogs.InstrumentViewSet.paths("instruments"),
    *catalogs.MedicationDefinitionViewSet.paths("medication-definitions"),
]
