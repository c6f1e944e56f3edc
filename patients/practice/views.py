"""Patients in the practice dialect."""

from collections.abc import Callable
from typing import Any

from django.db.models import BigIntegerField

from accounts.models import Organization
from accounts.permissions import Task
from accounts.scope import Role
from config.databases import Param
from config.orm import fold
from config.rest import practice
from config.rest.parameters import NumberArgument, TextArgument
from config.rest.reading import Criterion, Query
from config.rest.rendering import Answer
from patients.models import Patient
from patients.practice.filters import PracticePatientFilters
from patients.practice.serializers import (
    PracticePatientIn,
    PracticePatientItemOut,
    PracticePatientOut,
    PracticePatientPatchIn,
    PracticePatientReducedOut,
    PracticePatientTransitionIn,
)
from patients.reading import CHANGES, NOT_ARCHIVED, SORTS, typeahead
from patients.services.lifecycle import archive_patient, restore_patient, transition_status
from patients.services.patients import create_patient, update_patient

CONSTRAINTS = {
    "patient_chart_number_unique": (409, "duplicate chart number", "chart_number"),
    "patient_not_own_guarantor": (422, "A patient can not be their own guarantor.", "responsible_party_uuid"),
}


TYPED = TextArgument("q")
LIMIT = NumberArgument("limit", default=20, least=1, most=100)


class PatientViewSet(practice.ViewSet):
    """Patients of an organization."""

    model = Patient
    pk_kwarg = "patient_uuid"
    filterset_class = PracticePatientFilters
    tasks = {"create": Task.WRITE_PATIENTS, "partial_update": Task.WRITE_PATIENTS}
    serializer_classes = {"create": PracticePatientIn, "partial_update": PracticePatientPatchIn}
    idempotent = frozenset({"create"})
    constraint_wording = CONSTRAINTS
    sorts = SORTS
    default_sort = "last_name"

    def get_serializer_class(self):
        """Return the shape of answers: patients themselves get a reduced one."""
        return PracticePatientReducedOut if self.actor.role == Role.PATIENT else PracticePatientOut

    def query(self) -> Query:
        """Return the query that the filters ask for."""
        criteria = PracticePatientFilters.criteria(self.request.GET, self.actor, self.organization_id)
        return Query(Patient, [*self.in_scope(), *criteria])

    def list(self, request, *args, **kwargs) -> Answer:
        by, direction = self.sorting()
        sign = "-" if direction == "desc" else ""
        return self.numbered_page(self.query(), (f"{sign}{SORTS[by].column}", f"{sign}id"))

    def retrieve(self, request, *args, **kwargs) -> Answer:
        row, patient = self.read_one(self.named_object())
        self.shown([row])
        return Answer(patient)

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        organization = Organization.objects.get(pk=self.organization_id)
        return create_patient(actor=self.actor, organization=organization, values=values).pk

    def partial_update(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._change)

    def _change(self, changes: dict[str, Any]) -> int:
        base_version = changes.pop("base_version")
        update_patient(actor=self.actor, patient_id=self.object_id, base_version=base_version, changes=changes)
        return self.object_id


class PatientLifecycleViewSet(PatientViewSet):
    """Where a patient stands with the clinic."""

    tasks = dict.fromkeys(("archive", "restore", "transition"), Task.WRITE_PATIENTS)
    serializer_classes = {"transition": PracticePatientTransitionIn}
    reaches_archived = frozenset({"restore"})

    def archive(self, request, *args, **kwargs) -> Answer:
        """Archive a patient."""
        return self.write(request, lambda values: self._done(archive_patient))

    def restore(self, request, *args, **kwargs) -> Answer:
        """Restore an archived patient."""
        return self.write(request, lambda values: self._done(restore_patient))

    def transition(self, request, *args, **kwargs) -> Answer:
        """Give a patient another status."""
        return self.write(request, lambda values: self._done(transition_status, **values))

    def _done(self, service: Callable[..., None], **values: Any) -> int:
        service(actor=self.actor, patient_id=self.object_id, **values)
        return self.object_id


class PatientCursorViewSet(PatientViewSet):
    """The patient list by keyset: stable and fast at any depth."""

    envelopes = {"list": "keyset_page"}
    sorts = {**SORTS, "updated_at": CHANGES}
    default_sort = "first_name"

    def list(self, request, *args, **kwargs) -> Answer:
        """List patients by cursor."""
        by, direction = self.sorting()
        keyset = self.sorts[by].turned(descending=direction == "desc")
        return self.keyset_page(self.query(), keyset)


class PatientSearchViewSet(practice.ViewSet):
    """The typeahead: patients whose name, preferred name or chart number begins with what is typed."""

    model = Patient
    envelopes = {"list": "found_items"}
    arguments = {"list": (TYPED, LIMIT)}

    def get_serializer_class(self):
        return PracticePatientItemOut

    def list(self, request, *args, **kwargs) -> Answer:
        """Search patients as one types."""
        text, limit = TYPED.read(request.GET), LIMIT.read(request.GET)
        if not fold(text):
            return Answer({"items": [], "total": 0})
        plan = self.answer_plan()
        ids, total = typeahead(text, self.actor, self.organization_id, limit)
        found = Criterion("found", lambda rows: rows.filter(id__anyof=Param("found", BigIntegerField())), {"found": ids})
        rows = Query(Patient, [*self.in_scope(), NOT_ARCHIVED, found]).rows(plan.columns)
        rows.sort(key=lambda row: ids.index(row[0]))
        self.shown(rows)
        return Answer({"items": plan.objects(rows, self.actor), "total": total})
