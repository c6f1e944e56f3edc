"""Patients in the practice dialect."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import BigIntegerField, Q, QuerySet

from accounts.models import Organization
from accounts.permissions import Task
from accounts.scope import Role
from config.core.databases import Param
from config.core.orm import fold
from config.rest import practice
from config.rest.compiled.plans import Criterion, Query, plan_of
from config.rest.filters import NumberArgument, Parameters, TextArgument
from config.rest.request_body import read_json
from config.rest.responses import Answer
from config.rest.views import equal_to
from patients.duplicates import possible_duplicates
from patients.models import Location, Patient, Status
from patients.practice.filters import PracticeCountFilters, PracticePatientFilters
from patients.practice.serializers import (
    PracticeCountsOut,
    PracticeDuplicatesIn,
    PracticePatientIn,
    PracticePatientItemOut,
    PracticePatientOut,
    PracticePatientPatchIn,
    PracticePatientReducedOut,
    PracticePatientTransitionIn,
)
from patients.reading import CHANGES, NOT_ARCHIVED, SORTS, family_of, typeahead
from patients.services.lifecycle import archive_patient, restore_patient, transition_status
from patients.services.patients import create_patient, update_patient

CONSTRAINTS = {
    "patient_chart_number_unique": (409, "duplicate chart number", "chart_number"),
    "patient_not_own_guarantor": (422, "A patient can not be their own guarantor.", "responsible_party_uuid"),
}


TYPED = TextArgument("q")
LIMIT = NumberArgument("limit", default=20, least=1, most=100)


class LightPatients(practice.ViewSet):
    """A view set that can show patients as light objects."""

    model = Patient

    def items(self, ids: list[int]) -> list[dict]:
        """Return the patients with these ids as light objects, in this order, as far as the caller sees them."""
        plan = plan_of(PracticePatientItemOut)
        rows = Query(Patient, [*self.in_scope(), NOT_ARCHIVED, with_ids(ids)]).rows(plan.columns)
        rows.sort(key=lambda row: ids.index(row[0]))
        self.shown(rows)
        return plan.objects(rows, self.actor)


class PatientViewSet(LightPatients):
    """Patients of an organization."""

    pk_kwarg = "patient_uuid"
    filterset_class: ClassVar[type[Parameters] | None] = PracticePatientFilters
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
        return Query(Patient, [*self.in_scope(), *self.filters()])

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
        patient = create_patient(actor=self.actor, organization=organization, values=values)
        self.duplicates = possible_duplicates(self.actor, organization, values, exclude_id=patient.pk)
        return patient.pk

    def answer_of(self, pk: int, status: int) -> Answer:
        """Answer with the patient; a create also tells who may be the same person."""
        patient = self.read_one(equal_to("id", pk, BigIntegerField()))[1]
        if self.action == "create":
            patient["potential_duplicates"] = self.items(self.duplicates) if self.duplicates else []
        return Answer(patient, status)

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


class PatientSearchViewSet(LightPatients):
    """Patients found by what is typed, or by what is known of a person."""

    serializer_classes = {"check_duplicates": PracticeDuplicatesIn}
    envelopes = {"list": "found_items", "check_duplicates": "found_items"}
    arguments = {"list": (TYPED, LIMIT)}

    def get_serializer_class(self):
        return PracticePatientItemOut

    def list(self, request, *args, **kwargs) -> Answer:
        """Search patients as one types."""
        text, limit = TYPED.read(request.GET), LIMIT.read(request.GET)
        if not fold(text):
            return Answer({"items": [], "total": 0})
        ids, total = typeahead(text, self.actor, self.organization_id, limit)
        return Answer({"items": self.items(ids), "total": total})

    def check_duplicates(self, request, *args, **kwargs) -> Answer:
        """Look for patients who may be the same person."""
        values = self.validated(read_json(request._request))
        organization = Organization.objects.get(pk=self.organization_id)
        items = self.items(possible_duplicates(self.actor, organization, values))
        return Answer({"items": items, "total": len(items)})


class PatientFamilyViewSet(PatientViewSet):
    """The others who share a patient's guarantor, as far as the caller sees them."""

    envelopes = {"family": "plain_list"}
    filterset_class = None
    sorts = {}

    def family(self, request, *args, **kwargs) -> Answer:
        """List the family of a patient."""
        rows = Query(Patient, [*self.in_scope(), self.named_object()]).rows(("pk", "responsible_party_id"))
        if not rows:
            raise self.missing()
        patient, guarantor = rows[0]
        plan = self.answer_plan()
        family = Query(Patient, [*self.in_scope(), NOT_ARCHIVED, sharing(guarantor or patient, patient)])
        found = family.rows(plan.columns, ("last_name_key", "id"))
        self.shown(found)
        return Answer(plan.objects(found, self.actor))


class PatientCountsViewSet(practice.ViewSet):
    """Numbers of patients. No patient is shown."""

    model = Patient
    filterset_class = PracticeCountFilters
    envelopes = {"by_location": "bare"}

    def get_serializer_class(self):
        return PracticeCountsOut

    def by_location(self, request, *args, **kwargs) -> Answer:
        """Count patients by location."""
        given = PracticeCountFilters.read(request.GET)
        counts = Query(Patient, [*self.in_scope(), *self.filters()]).count_by("location_id")
        places = Location.objects.filter(organization_id=self.organization_id, deleted_at=None, is_active=True)
        items: list[dict[str, Any]] = [
            {"location": practice.reference(str(uuid), name), "count": counts[pk]}
            for pk, uuid, name in places.values_list("pk", "uuid", "name")
            if pk in counts
        ]
        total, placed = sum(counts.values()), sum(item["count"] for item in items)
        return Answer(
            {
                "date_from": given.get("date_from"),
                "date_to": given.get("date_to"),
                "excluded_count": total - placed,
                "group_by": "location",
                "items": items,
                "status_set": given.get("status_set", [Status.ACTIVE]),
                "total": total,
            }
        )


def with_ids(ids: list[int]) -> Criterion:
    """Return the condition that a row is one of `ids`."""
    return Criterion("with ids", lambda rows: rows.filter(id__anyof=Param("ids", BigIntegerField())), {"ids": ids})


def sharing(guarantor: int, besides: int) -> Criterion:
    """Return the condition that a patient is `guarantor` or has them, `besides` one."""
    big = BigIntegerField()

    def apply(rows: QuerySet) -> QuerySet:
        return rows.filter(family_of(Param("guarantor", big)), ~Q(id=Param("besides", big)))

    return Criterion("sharing", apply, {"guarantor": guarantor, "besides": besides})
