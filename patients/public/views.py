"""Patients in the public dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.serializers import Serializer

from accounts.models import Organization
from accounts.permissions import Permission
from config.core.exceptions import Invalid
from config.rest import public
from config.rest.compiled.queries import NOT_ARCHIVED, Query
from config.rest.fields import resolve_references
from config.rest.pagination import Envelope
from config.rest.responses import ApiResponse
from patients.filters import ORDERINGS
from patients.models import Patient, Program, Protocol
from patients.public.serializers import PublicPatientIn, PublicPatientOut
from patients.services.patients import create_patient

CONSTRAINT_ERRORS = {
    "patient_chart_number_unique": (422, "This value cannot be used.", "patientNumber"),
    # Unique over all organizations: the response must not tell whose it is.
    "patients_patient_account_name_key_key": (422, "This value cannot be used.", "accountName"),
    "patients_patient.account_name_key": (422, "This value cannot be used.", "accountName"),
}


class PatientViewSet(public.ViewSet):
    """Patients in the caller's scope."""

    model = Patient
    lookup_url_kwarg = "patient_id"
    serializer_class = PublicPatientOut
    request_serializer_classes = {"create": PublicPatientIn}
    permissions = {"create": Permission.WRITE_PATIENTS}
    envelopes: ClassVar[dict[str, type[Envelope]]] = {"create": public.Creation}
    filterset_class = public.UpdatedSinceFilterSet
    ordering = ORDERINGS["created_at"]
    constraint_errors = CONSTRAINT_ERRORS
    error_fields = {"program": "programId", "protocol": "protocolId", "care_group": "groupId", "organization": "organizationId"}

    def get_queryset(self) -> Query:
        query = super().get_queryset()
        return query.filter(NOT_ARCHIVED) if self.action == "list" else query

    def resolve_references(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Find the organization in the caller's scope, then all other references inside it."""
        organization = resolve_references({"organization_id": values["organization_id"]}, self.actor, None)["organization_id"]
        others = {name: value for name, value in values.items() if name != "organization_id"}
        return {"organization_id": organization, **resolve_references(others, self.actor, organization)}

    def respond(self, data: Any, status: int = 200, extra: Mapping[str, Any] | None = None) -> ApiResponse:
        if self.action != "create":
            return super().respond(data, status, extra)
        return ApiResponse(public.Creation().body({**data, **extra} if extra else data), status)

    def perform_create(self, serializer: Serializer) -> int:
        values = serializer.validated_data
        organization = Organization.objects.get(pk=values.pop("organization_id"))
        _check_group(organization, values)
        program = Program.objects.get(pk=values.pop("program_id"))
        protocol = Protocol.objects.get(pk=values.pop("protocol_id"))
        return create_patient(actor=self.actor, organization=organization, values=values, enrolment=(program, protocol)).pk


def _check_group(organization: Organization, values: dict[str, Any]) -> None:
    """A group is required, or with care networks prohibited."""
    given = values.get("care_group_id") is not None
    if organization.care_networks_enabled and given:
        raise Invalid("Prohibited: the organization has care networks enabled.", "care_group", "prohibited")
    if not organization.care_networks_enabled and not given:
        raise Invalid("This field is required.", "care_group", "required")
