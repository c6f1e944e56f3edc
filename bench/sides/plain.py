"""The plain side: Django REST framework as everyone writes it, on the same tables.

Reads are a ModelSerializer, select_related, DRF's own pages and SearchFilter; they answer the same 67 fields, check the same key
through the ORM and keep to the key's organization. They have no rate limit, no audit trail and no masking. Writes keep the
product's rules (`plain_writes`), audit trail and outbox included.
"""

import hashlib

from django.urls import path
from rest_framework import filters, generics, pagination, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response

from accounts.models import ApiKey, CareGroup
from accounts.services.key_texts import split_key
from bench.sides.plain_writes import PlainPatientWrite, create, update
from patients.models import BillingType, Employer, FeeSchedule, Location, Patient, Provider
from patients.practice.serializers import PracticePatientItemOut, PracticePatientOut


class KeyAuthentication(BaseAuthentication):
    """An API key, looked up as anyone would."""

    def authenticate(self, request):
        key_id, secret, _ = split_key(request.headers.get("Authorization", "").removeprefix("Bearer "))
        key = ApiKey.objects.select_related("user__organization").filter(key_id=key_id).first()
        if key is None or bytes(key.secret_hash) != hashlib.sha256(secret.encode()).digest() or key.revoked_at:
            raise AuthenticationFailed
        return key.user, key


def named(of: type) -> type[serializers.ModelSerializer]:
    """Return the serializer of a reference."""

    class Named(serializers.ModelSerializer):
        class Meta:
            model = of
            fields = ["uuid", "name"]

    return Named


class LinkedPatient(serializers.ModelSerializer):
    """A linked patient."""

    name = serializers.CharField(source="full_name")

    class Meta:
        model = Patient
        fields = ["uuid", "name"]


class PlainPatient(serializers.ModelSerializer):
    """A patient with all its fields."""

    id = serializers.UUIDField(source="uuid")
    billing_type = named(BillingType)()
    care_group = named(CareGroup)()
    employer = named(Employer)()
    fee_schedule = named(FeeSchedule)()
    location = named(Location)()
    primary_provider = named(Provider)()
    secondary_provider = named(Provider)()
    responsible_party = LinkedPatient()
    merged_into = LinkedPatient()
    medicaid_id = serializers.CharField(source="medicaid_id_sealed")
    social_security_number = serializers.CharField(source="social_security_number_sealed")
    potential_duplicates = serializers.SerializerMethodField()
    scheduling_restricted = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = PracticePatientOut.Meta.fields

    def get_potential_duplicates(self, patient) -> None:
        return None

    def get_scheduling_restricted(self, patient) -> bool:
        return patient.status == "inactive" or patient.balance_total > 500


class PlainItem(serializers.ModelSerializer):
    """A patient in the typeahead."""

    id = serializers.UUIDField(source="uuid")

    class Meta:
        model = Patient
        fields = PracticePatientItemOut.Meta.fields


class Page(pagination.PageNumberPagination):
    page_size = 50


class Plain:
    authentication_classes = [KeyAuthentication]


LINKED = (
    "billing_type",
    "care_group",
    "employer",
    "fee_schedule",
    "location",
    "primary_provider",
    "secondary_provider",
    "responsible_party",
    "merged_into",
)


class PlainPatients(Plain):
    serializer_class = PlainPatient
    lookup_field = "uuid"

    def get_queryset(self):
        patients = Patient.objects.filter(organization=self.request.user.organization, deleted_at=None)
        return patients.select_related(*LINKED).order_by("last_name_key", "id")


class PlainList(PlainPatients, generics.ListCreateAPIView):
    pagination_class = Page

    def get_serializer_class(self):
        return PlainPatientWrite if self.request.method == "POST" else PlainPatient

    def create(self, request, *args, **kwargs) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        patient, duplicates = create(request, serializer)
        answer = PlainPatient(self.get_queryset().get(pk=patient.pk)).data
        return Response({**answer, "potential_duplicates": PlainItem(duplicates, many=True).data}, 201)


class PlainCursor(pagination.CursorPagination):
    page_size = 50
    ordering = ("last_name_key", "id")


class PlainCursorList(PlainPatients, generics.ListAPIView):
    pagination_class = PlainCursor


class PlainOne(PlainPatients, generics.RetrieveUpdateAPIView):
    def get_serializer_class(self):
        return PlainPatientWrite if self.request.method == "PATCH" else PlainPatient

    def partial_update(self, request, *args, **kwargs) -> Response:
        patient = self.get_object()
        serializer = self.get_serializer(patient, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        update(request, serializer)
        return Response(PlainPatient(self.get_queryset().get(pk=patient.pk)).data)


class PlainSearch(Plain, generics.ListAPIView):
    serializer_class = PlainItem
    pagination_class = Page
    filter_backends = [filters.SearchFilter]
    search_fields = ["first_name", "last_name", "preferred_name", "chart_number"]

    def get_queryset(self):
        patients = Patient.objects.filter(organization=self.request.user.organization, deleted_at=None)
        return patients.order_by("last_name_key", "id")


urlpatterns = [
    path("api/v1/<org_id>/patients", PlainList.as_view()),
    path("api/v1/<org_id>/patients/cursor", PlainCursorList.as_view()),
    path("api/v1/<org_id>/patients/search", PlainSearch.as_view()),
    path("api/v1/<org_id>/patients/<uuid:uuid>", PlainOne.as_view()),
]
