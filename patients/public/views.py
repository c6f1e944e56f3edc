"""Patients in the public dialect."""

from typing import Any

from accounts.models import Organization
from accounts.permissions import Task
from config.core.exceptions import Invalid
from config.rest import public
from config.rest.compiled.plans import Query
from config.rest.fields import resolve
from config.rest.responses import Answer
from patients.models import Patient, Program, Protocol
from patients.public.serializers import PublicPatientIn, PublicPatientOut
from patients.reading import NOT_ARCHIVED, SORTS
from patients.services.patients import create_patient

CONSTRAINTS = {
    "patient_chart_number_unique": (422, "This value can not be used.", "patientNumber"),
    # Unique over all organizations: the answer must not tell whose it is.
    "patients_patient_account_name_key_key": (422, "This value can not be used.", "accountName"),
    "patients_patient.account_name_key": (422, "This value can not be used.", "accountName"),
}


class PatientViewSet(public.ViewSet):
    """Patients in the caller's scope."""

    model = Patient
    pk_kwarg = "patient_id"
    tasks = {"create": Task.WRITE_PATIENTS}
    serializer_classes = {"create": PublicPatientIn}
    serializer_class = PublicPatientOut
    constraint_wording = CONSTRAINTS
    error_fields = {"program": "programId", "protocol": "protocolId", "care_group": "groupId", "organization": "organizationId"}

    def get_serializer_class(self):
        return PublicPatientOut

    def list(self, request, *args, **kwargs) -> Answer:
        return self.cursor_page(Query(Patient, [*self.in_scope(), NOT_ARCHIVED]), SORTS["created_at"])

    def retrieve(self, request, *args, **kwargs) -> Answer:
        row, patient = self.read_one(self.named_object())
        self.shown([row])
        return Answer({"data": patient, "meta": {}})

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def resolved(self, values: dict[str, Any]) -> dict[str, Any]:
        """Find the organization in the caller's scope, then all other references inside it."""
        organization = resolve({"organization_id": values.pop("organization_id")}, self.actor, None)["organization_id"]
        return {"organization_id": organization, **resolve(values, self.actor, organization)}

    def _create(self, values: dict[str, Any]) -> int:
        organization = Organization.objects.get(pk=values.pop("organization_id"))
        _check_group(organization, values)
        program = Program.objects.get(pk=values.pop("program_id"))
        protocol = Protocol.objects.get(pk=values.pop("protocol_id"))
        return create_patient(actor=self.actor, organization=organization, values=values, enrolment=(program, protocol)).pk


def _check_group(organization: Organization, values: dict[str, Any]) -> None:
    """A group is required, or with care networks prohibited."""
    given = "care_group_id" in values
    if organization.care_networks_enabled and given:
        raise Invalid("Prohibited: the organization has care networks enabled.", "care_group", "prohibited")
    if not organization.care_networks_enabled and not given:
        raise Invalid("This field is required.", "care_group", "required")
