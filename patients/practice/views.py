"""Patients in the practice dialect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import BigIntegerField, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.serializers import Serializer

from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scope import Actor, Role
from config.core.compiled_queries import parameter
from config.core.exceptions import RateLimited
from config.core.text import fold
from config.rest import practice, throttling
from config.rest.compiled.disclosures import Disclosure, found_with
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion
from config.rest.filters import StrictFilterSet
from config.rest.pagination import Envelope
from config.rest.query_parameters import IntegerParameter, TextParameter
from config.rest.responses import ApiResponse
from config.rest.views import Written
from patients.duplicates import number_found, possible_duplicates
from patients.families import family_of
from patients.filters import BY_UPDATE, ORDERINGS
from patients.models import Location, Patient, Status
from patients.practice.filters import PracticeCountFilterSet, PracticePatientFilterSet
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
from patients.services.lifecycle import archive_patient, restore_patient, transition_status
from patients.services.patients import create_patient, update_patient
from patients.typeahead import typeahead

CONSTRAINT_ERRORS = {
    "patient_chart_number_unique": (409, "duplicate chart number", "chart_number"),
    "patient_not_own_guarantor": (422, "A patient cannot be their own guarantor.", "responsible_party_uuid"),
}
SEARCH_TEXT = TextParameter("q", "What is typed: each word must begin a name, or the chart number.")
LIMIT = IntegerParameter("limit", default=20, least=1, most=100, description="How many patients to return at most.")


def count_number(actor: Actor, organization: Organization, values: Mapping[str, Any], exclude_id: int | None = None) -> None:
    """Count a number that is compared and found with nobody: whoever may guess without end learns it.

    Raises RateLimited over the limit, by a right number as by a wrong one. `exclude_id` is the patient that the values belong to.
    """
    found = number_found(actor, organization, values, exclude_id)
    if found is None:
        return
    subject, limit = f"number:{actor.user_id}", settings.IDENTITY_MISSES_PER_MINUTE
    throttling.check_misses(subject, limit)
    if not found:
        throttling.count(subject, limit).check()


class PatientItemsMixin:
    """For view sets that can show patients as light objects."""

    def get_items(self: Any, ids: list[int], action: str | None = None) -> list[dict]:
        """Return the patients with these ids as light objects, in this order, as far as the caller sees them.

        `action` is what the audit trail calls it, where that is not the action of the view.
        """
        plan = response_plan(PracticePatientItemOut)
        disclosure = Disclosure(plan, self.actor, self.read_event(action))
        rows = self.scoped_query(Patient).filter(NOT_ARCHIVED, id__anyof=ids).disclosed(disclosure).rows(plan.columns)
        rows.sort(key=lambda row: ids.index(row[0]))
        self.audit_read(rows, action)
        return plan.objects(rows, self.actor, found_with(rows))


class PatientViewSet(PatientItemsMixin, practice.ViewSet):
    """Patients of an organization."""

    model = Patient
    lookup_url_kwarg = "patient_uuid"
    filterset_class: ClassVar[type[StrictFilterSet] | None] = PracticePatientFilterSet
    permissions = {"create": Permission.WRITE_PATIENTS, "partial_update": Permission.WRITE_PATIENTS}
    request_serializer_classes = {"create": PracticePatientIn, "partial_update": PracticePatientPatchIn}
    idempotent_actions = frozenset({"create"})
    constraint_errors = CONSTRAINT_ERRORS
    ordering_fields = ORDERINGS
    default_sort = "last_name"
    default_sort_dir = "asc"

    def get_serializer_class(self):
        """Return the shape of responses: patients themselves get a reduced one."""
        return PracticePatientReducedOut if self.actor.role == Role.PATIENT else PracticePatientOut

    def perform_create(self, serializer: Serializer) -> Written:
        """Create a patient; the response also names who may be the same person."""
        values = serializer.validated_data
        organization = Organization.objects.get(pk=self.organization_id)
        patient = create_patient(actor=self.actor, organization=organization, values=values)
        duplicates = self._duplicates_of(patient, organization, values)
        return Written(patient.pk, {"potential_duplicates": self.get_items(duplicates, "match") if duplicates else []})

    def _duplicates_of(self, patient: Patient, organization: Organization, values: Mapping[str, Any]) -> list[int]:
        """Return who may be the same person as the new `patient`: not by their number, where too many have found nobody.

        The number is counted with the response, in its transaction: without one nothing is learned.
        """
        try:
            count_number(self.actor, organization, values, exclude_id=patient.pk)
        except RateLimited:
            values = {**values, "social_security_number": None}
        return possible_duplicates(self.actor, organization, values, exclude_id=patient.pk)

    def perform_update(self, serializer: Serializer) -> int:
        changes = serializer.validated_data
        base_version = changes.pop("base_version")
        update_patient(actor=self.actor, patient_id=self.object_id, base_version=base_version, changes=changes)
        return self.object_id


class PatientLifecycleViewSet(PatientViewSet):
    """Where a patient stands with the clinic."""

    permissions = dict.fromkeys(("archive", "restore", "transition"), Permission.WRITE_PATIENTS)
    request_serializer_classes = {"transition": PracticePatientTransitionIn}
    archived_actions = frozenset({"restore"})

    def archive(self, request, *args, **kwargs) -> ApiResponse:
        """Archive a patient."""
        return self.write(lambda serializer: self._perform(archive_patient))

    def restore(self, request, *args, **kwargs) -> ApiResponse:
        """Restore an archived patient."""
        return self.write(lambda serializer: self._perform(restore_patient))

    @extend_schema(operation_id="transition_patient_status")
    def transition(self, request, *args, **kwargs) -> ApiResponse:
        """Give a patient another status."""
        return self.write(lambda serializer: self._perform(transition_status, **serializer.validated_data))

    def _perform(self, service: Callable[..., None], **values: Any) -> int:
        service(actor=self.actor, patient_id=self.object_id, **values)
        return self.object_id


@extend_schema_view(list=extend_schema(summary="List patients by cursor", operation_id="list_patients_by_cursor"))
class PatientCursorViewSet(PatientViewSet):
    """The patient list by keyset: stable and fast at any depth."""

    pagination_class = practice.CursorPagination
    ordering_fields = {**ORDERINGS, "updated_at": BY_UPDATE}
    default_sort = "first_name"


class PatientSearchViewSet(PatientItemsMixin, practice.ViewSet):
    """Patients found by what is typed, or by what is known of a person."""

    model = Patient
    serializer_class = PracticePatientItemOut
    permissions = {"check_duplicates": Permission.READ}
    request_serializer_classes = {"check_duplicates": PracticeDuplicatesIn}
    envelopes: ClassVar[dict[str, type[Envelope]]] = {
        "list": practice.FoundItems,
        "check_duplicates": practice.FoundItems,
    }
    query_parameters = {"list": (SEARCH_TEXT, LIMIT)}

    @extend_schema(operation_id="search_patients")
    def list(self, request, *args, **kwargs) -> ApiResponse:
        """Search patients as one types."""
        text, limit = SEARCH_TEXT.read(request.GET), LIMIT.read(request.GET)
        if not fold(text):
            return ApiResponse({"items": [], "total": 0})
        ids, total = typeahead(text, self.actor, self.organization_id, limit)
        return ApiResponse({"items": self.get_items(ids), "total": total})

    @extend_schema(operation_id="check_duplicates")
    def check_duplicates(self, request, *args, **kwargs) -> ApiResponse:
        """Look for patients who may be the same person."""
        values = self.get_valid_serializer(request.data).validated_data
        organization = Organization.objects.get(pk=self.organization_id)
        count_number(self.actor, organization, values)
        items = self.get_items(possible_duplicates(self.actor, organization, values))
        return ApiResponse({"items": items, "total": len(items)})


@dataclass(frozen=True)
class FamilyMembers(Criterion):
    """The patients who have `guarantor` or are them, without `patient`."""

    guarantor: int = parameter(BigIntegerField())
    patient: int = parameter(BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(family_of(self.guarantor), ~Q(id=self.patient))


class PatientFamilyViewSet(PatientViewSet):
    """The others who share a patient's guarantor, as far as the caller sees them."""

    envelopes: ClassVar[dict[str, type[Envelope]]] = {"family": practice.PlainList}
    filterset_class = None
    ordering_fields = {}
    default_sort_dir = ""

    @extend_schema(operation_id="list_family_members")
    def family(self, request, *args, **kwargs) -> ApiResponse:
        """List the family of a patient."""
        named = self.lookup_criterion(Patient, self.lookup_url_kwarg)
        rows = self.get_queryset().filter(named).rows(("pk", "responsible_party_id"))
        if not rows:
            raise self.not_found()
        patient, guarantor = rows[0]
        family = self.disclosed(self.get_queryset().filter(NOT_ARCHIVED, FamilyMembers(guarantor or patient, patient)))
        return ApiResponse(self.to_representation(family.rows(self.response_plan.columns, ("last_name_key", "id"))))


class PatientCountsViewSet(practice.ViewSet):
    """Numbers of patients. No patient is shown."""

    model = Patient
    serializer_class = PracticeCountsOut
    filterset_class = PracticeCountFilterSet
    envelopes: ClassVar[dict[str, type[Envelope]]] = {"by_location": Envelope}

    @extend_schema(operation_id="count_patients_by_location")
    def by_location(self, request, *args, **kwargs) -> ApiResponse:
        """Count patients by location."""
        filterset = self.get_filterset(self.get_queryset())
        counts = filterset.qs.count_by("location_id")
        given = filterset.cleaned_data
        locations = Location.objects.filter(organization_id=self.organization_id, deleted_at=None, is_active=True)
        items: list[dict[str, Any]] = [
            {"location": practice.reference(str(uuid), name), "count": counts[pk]}
            for pk, uuid, name in locations.values_list("pk", "uuid", "name")
            if pk in counts
        ]
        total, located = sum(counts.values()), sum(item["count"] for item in items)
        return ApiResponse(
            {
                "date_from": given.get("date_from"),
                "date_to": given.get("date_to"),
                "excluded_count": total - located,
                "group_by": "location",
                "items": items,
                "status_set": given.get("status_set", [Status.ACTIVE]),
                "total": total,
            }
        )
