"""Patients in the general dialect."""

from typing import Any

from accounts.models import Organization
from accounts.permissions import Task
from config.core.exceptions import Invalid
from config.rest import general
from config.rest.compiled.plans import Query
from config.rest.responses import Answer
from patients.general.filters import GeneralPatientFilters
from patients.general.serializers import GeneralPatientIn, GeneralPatientOut
from patients.models import Patient
from patients.reading import NOT_ARCHIVED
from patients.services.patients import create_patient, update_patient


class PatientViewSet(general.ViewSet):
    """Patients in the caller's scope."""

    model = Patient
    pk_kwarg = "patient_id"
    wrapper = "patient"
    filterset_class = GeneralPatientFilters
    tasks = {"create": Task.WRITE_PATIENTS, "update": Task.WRITE_PATIENTS}
    serializer_classes = {"create": GeneralPatientIn, "update": GeneralPatientIn}

    def get_serializer_class(self):
        return GeneralPatientOut

    def list(self, request, *args, **kwargs) -> Answer:
        return self.plain_list(Query(Patient, [*self.in_scope(), NOT_ARCHIVED, *self.filters()]), ("last_name_key", "id"))

    def retrieve(self, request, *args, **kwargs) -> Answer:
        row, patient = self.read_one(self.named_object())
        self.shown([row])
        return Answer(patient)

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        organization = Organization.objects.filter(pk=self.actor.organization_id).first()
        if organization is None:
            raise Invalid("The key belongs to no organization in which to create a patient.")
        return create_patient(actor=self.actor, organization=organization, values=values).pk

    def update(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._change)

    def _change(self, changes: dict[str, Any]) -> int:
        update_patient(actor=self.actor, patient_id=self.object_id, base_version=None, changes=changes)
        return self.object_id
