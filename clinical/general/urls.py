from django.urls import path

from clinical.general.gauges import GaugeViewSet

urlpatterns = [
    path("patients/<patient_id>/gauges", GaugeViewSet.as_view({"get": "list", "post": "create"})),
]
