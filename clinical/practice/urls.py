from django.urls import path

from clinical.practice import catalogs
from clinical.practice.alerts import ARCHIVED_ALERT, AlertChangesViewSet, AlertViewSet, PracticeAlertOut
from clinical.practice.allergies import AllergyViewSet, PracticeAllergyOut
from clinical.practice.communications import CommunicationLogViewSet, PracticeCommunicationLogOut
from clinical.practice.diseases import DiseaseViewSet, PracticeDiseaseOut
from clinical.practice.medical_summary import MedicalSummaryViewSet
from clinical.practice.medications import MedicationViewSet, PracticeMedicationOut
from clinical.practice.monitoring import MonitoringRulesViewSet, PracticeMonitoringRulesOut
from clinical.practice.serializers import PracticeAppointmentOut
from clinical.practice.social_history import PracticeSocialHistoryOut, SocialHistoryViewSet
from clinical.practice.views import AppointmentViewSet
from clinical.practice.vital_signs import PracticeVitalSignsOut, VitalSignsViewSet
from patients.practice.changes import PracticeChangesViewSet

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
    AlertChangesViewSet.path("alerts", PracticeAlertOut, ARCHIVED_ALERT),
    PracticeChangesViewSet.path("allergies", PracticeAllergyOut),
    PracticeChangesViewSet.path("appointments", PracticeAppointmentOut),
    PracticeChangesViewSet.path("communication-logs", PracticeCommunicationLogOut),
    PracticeChangesViewSet.path("diseases", PracticeDiseaseOut),
    PracticeChangesViewSet.path("medications", PracticeMedicationOut),
    PracticeChangesViewSet.path("monitoring-rules", PracticeMonitoringRulesOut),
    PracticeChangesViewSet.path("social-history", PracticeSocialHistoryOut),
    PracticeChangesViewSet.path("vital-signs", PracticeVitalSignsOut),
    *catalogs.AlertDefinitionViewSet.paths("patient-alert-definitions"),
    *catalogs.AllergyDefinitionViewSet.paths("allergy-definitions"),
    *catalogs.CommunicationTypeViewSet.paths("communication-types"),
    *catalogs.DiseaseDefinitionViewSet.paths("disease-definitions"),
    *catalogs.InstrumentViewSet.paths("instruments"),
    *catalogs.MedicationDefinitionViewSet.paths("medication-definitions"),
    *catalogs.ProtocolViewSet.paths("protocols"),
    *catalogs.WorkflowViewSet.paths("workflows"),
]
