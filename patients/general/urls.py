from django.urls import path

from patients.general.views import PatientViewSet

urlpatterns = [
    path("patients", PatientViewSet.as_view({"get": "list", "post": "create"})),
    path("patients/<patient_id>", PatientViewSet.as_view({"get": "retrieve", "put": "update"})),
]
