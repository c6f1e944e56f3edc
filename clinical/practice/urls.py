from django.urls import path

from clinical.practice import catalogs
from clinical.practice.alerts import AlertViewSet
from clinical.practice.allergies import AllergyViewSet
from clinical.practice.communications import CommunicationLogViewSet
from clinical.practice.diseases import DiseaseViewSet
from clinical.practice.medical_summary import MedicalSummaryViewSet
from clinical.practice.medications import MedicationViewSet
from clinical.practice.monitoring import MonitoringRulesViewSet
from clinical.practice.social_history import SocialHistoryViewSet
from clinical.practice.views import AppointmentViewSet
from clinical.practice.vital_signs import VitalSignsViewSet

urlpatterns = [
    path("appointments", AppointmentViewSet.as_view({"get": "list", "post": "create"})),
    path("appointments/<appointment_uuid>", AppointmentViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    path("patients/<patient_uuid>/alerts/bulk-dismiss", AlertViewSet.as_view({"post": "bulk_dismiss"})),
    path("patients/<patient_uuid>/alerts/<alert_uuid>/disable", AlertViewSet.as_view({"post": "disable"})),
    path("patients/<patient_uuid>/medical-summary", MedicalSummaryViewSet.as_view({"get": "medical_summary"})),
    *AlertViewSet.paths("alerts"),
    *AllergyViewSet.paths("allergies"),
    *CommunicationLogViewSet.paths("communication-logs"),
    *DiseaseViewSet.paths("diseases"),
    *MedicationViewSet.paths("medications"),
    *SocialHistoryViewSet.paths("social-history"),
    *VitalSignsViewSet.paths("vital-signs"),
    *MonitoringRulesViewSet.paths("monitoring-rules"),
    *catalogs.AlertDefinitionViewSet.paths("patient-alert-definitions"),
    *catalogs.AllergyDefinitionViewSet.paths("allergy-definitions"),
    *catalogs.CommunicationTypeViewSet.paths("communication-types"),
    *catalogs.DiseaseDefinitionViewSet.paths("disease-definitions"),
    *catalogs.InstrumentViewSet.paths("instruments"),
    *catalogs.MedicationDefinitionViewSet.paths("medication-definitions"),
    *catalogs.ProtocolViewSet.paths("protocols"),
    *catalogs.WorkflowViewSet.paths("workflows"),
]
