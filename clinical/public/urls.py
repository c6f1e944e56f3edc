from django.urls import path

from clinical.public.alerts import MonitoringAlertViewSet
from clinical.public.measurements import MeasurementViewSet
from clinical.public.planned_actions import PlannedActionViewSet
from clinical.public.ratings import RatingViewSet

urlpatterns = [
    path("alerts", MonitoringAlertViewSet.as_view({"get": "list"})),
    path("alerts/<alert_id>", MonitoringAlertViewSet.as_view({"patch": "process"})),
    path("patients/<patient_id>/plannedActions", PlannedActionViewSet.as_view({"get": "list", "post": "create"})),
    path("patients/<patient_id>/ratings", RatingViewSet.as_view({"post": "create"})),
    path("patients/<patient_id>/measurements", MeasurementViewSet.as_view({"get": "list", "post": "create"})),
]
