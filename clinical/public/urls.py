from django.urls import path

from clinical.public.alerts import MonitoringAlertViewSet, PublicMonitoringAlertOut
from clinical.public.measurements import MeasurementViewSet, PublicMeasurementOut
from clinical.public.planned_actions import PlannedActionViewSet
from clinical.public.ratings import RatingViewSet
from patients.public.changes import PublicChangesViewSet

urlpatterns = [
    path("alerts", MonitoringAlertViewSet.as_view({"get": "list"})),
    path("alerts/<alert_id>", MonitoringAlertViewSet.as_view({"patch": "process"})),
    path("patients/<patient_id>/plannedActions", PlannedActionViewSet.as_view({"get": "list", "post": "create"})),
    path("patients/<patient_id>/ratings", RatingViewSet.as_view({"post": "create"})),
    path("patients/<patient_id>/measurements", MeasurementViewSet.as_view({"get": "list", "post": "create"})),
    PublicChangesViewSet.path("alerts", PublicMonitoringAlertOut),
    PublicChangesViewSet.path("measurements", PublicMeasurementOut),
]
