from django.urls import path

from patients.public.changes import PublicChangesViewSet
from patients.public.serializers import PublicPatientOut
from patients.public.views import PatientViewSet

urlpatterns = [
    path("patients", PatientViewSet.as_view({"get": "list", "post": "create"})),
    path("patients/<patient_id>", PatientViewSet.as_view({"get": "retrieve"})),
    PublicChangesViewSet.path("patients", PublicPatientOut),
]
