from django.urls import path

from patients.practice import catalogs
from patients.practice.bulk import PatientBulkViewSet
from patients.practice.changes import PracticeChangesViewSet
from patients.practice.field_values import CLEARED, FieldValueViewSet, PracticeFieldValueOut
from patients.practice.referrals import PracticeReferralAttributionOut, ReferralAttributionViewSet
from patients.practice.relationships import PracticeRelationshipOut, RelationshipViewSet
from patients.practice.serializers import PracticePatientOut
from patients.practice.tags import PatientTagViewSet, PracticeTagOut
from patients.practice.views import (
    PatientCountsViewSet,
    PatientCursorViewSet,
    PatientFamilyViewSet,
    PatientLifecycleViewSet,
    PatientSearchViewSet,
    PatientViewSet,
)

urlpatterns = [
    path("patients", PatientViewSet.as_view({"get": "list", "post": "create"})),
    path("patients/cursor", PatientCursorViewSet.as_view({"get": "list"})),
    path("patients/search", PatientSearchViewSet.as_view({"get": "list"})),
    path("patients/bulk", PatientBulkViewSet.as_view({"post": "bulk"})),
    path("patients/check-duplicates", PatientSearchViewSet.as_view({"post": "check_duplicates"})),
    path("patients/counts/by-location", PatientCountsViewSet.as_view({"get": "by_location"})),
    path("patients/<patient_uuid>", PatientViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    path("patients/<patient_uuid>/archive", PatientLifecycleViewSet.as_view({"post": "archive"})),
    path("patients/<patient_uuid>/restore", PatientLifecycleViewSet.as_view({"post": "restore"})),
    path("patients/<patient_uuid>/transition-status", PatientLifecycleViewSet.as_view({"post": "transition"})),
    path("patients/<patient_uuid>/family", PatientFamilyViewSet.as_view({"get": "family"})),
    *FieldValueViewSet.paths("field-values"),
    *ReferralAttributionViewSet.paths("referral-attributions"),
    *RelationshipViewSet.paths("relationships"),
    path("patients/<patient_uuid>/dependents", RelationshipViewSet.as_view({"get": "dependents"})),
    path("patients/<patient_uuid>/guardians", RelationshipViewSet.as_view({"get": "guardians"})),
    *PatientTagViewSet.paths("tags"),
    PracticeChangesViewSet.path("patients", PracticePatientOut),
    PracticeChangesViewSet.path("field-values", PracticeFieldValueOut, CLEARED),
    PracticeChangesViewSet.path("referral-attributions", PracticeReferralAttributionOut),
    PracticeChangesViewSet.path("relationships", PracticeRelationshipOut),
    PracticeChangesViewSet.path("tags", PracticeTagOut),
    *catalogs.BillingTypeViewSet.paths("billing-types"),
    *catalogs.EmployerViewSet.paths("employers"),
    *catalogs.FeeScheduleViewSet.paths("fee-schedules"),
    *catalogs.FieldDefinitionViewSet.paths("patient-field-definitions"),
    *catalogs.LocationViewSet.paths("locations"),
    *catalogs.ProgramViewSet.paths("programs"),
    *catalogs.ProviderViewSet.paths("providers"),
    *catalogs.ReferralPartnerViewSet.paths("referral-partners"),
    *catalogs.ReferralSourceViewSet.paths("referral-sources"),
    *catalogs.TagDefinitionViewSet.paths("patient-tag-definitions"),
]
