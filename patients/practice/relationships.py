"""Who patients are to each other, in the practice dialect."""

from typing import ClassVar

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from config.rest import practice
from config.rest.compiled.queries import NOT_ARCHIVED, Query, Where, in_scope
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.pagination import Envelope
from config.rest.practice import ReferenceField, ReferenceNameField
from config.rest.responses import ApiResponse
from patients.models import Patient, Relationship
from patients.practice.charts import ChartRecordViewSet

GUARDIAN = Where(Q(is_guardian=True))
NAME = ("first_name", "last_name")


class PracticeRelationshipOut(ContractSerializer):
    """A relationship, from the patient on whose chart it stands to another."""

    id = serializers.UUIDField(source="uuid")
    from_patient = ReferenceField(Patient, NAME, source="patient_id")
    from_patient_name = ReferenceNameField(Patient, NAME, source="patient_id")
    to_patient = ReferenceField(Patient, NAME, source="to_patient_id")
    to_patient_name = ReferenceNameField(Patient, NAME, source="to_patient_id")

    class Meta:
        model = Relationship
        fields = [
            "id",
            "from_patient",
            "from_patient_name",
            "to_patient",
            "to_patient_name",
            "relationship_type",
            "is_guardian",
            "note",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeRelationshipIn(ContractSerializer):
    """The body that records a relationship to another patient."""

    to_patient_uuid = ScopedRelation(Patient, source="to_patient_id")

    class Meta:
        model = Relationship
        fields = ["to_patient_uuid", "relationship_type", "is_guardian", "note"]


class PracticeRelationshipPatchIn(ChangeSerializer):
    """The body that corrects a relationship, which stays one between the same two."""

    class Meta:
        model = Relationship
        fields = ["base_version", "relationship_type", "is_guardian", "note"]


class RelationshipViewSet(ChartRecordViewSet):
    """Relationships of a patient to others."""

    model = Relationship
    lookup_url_kwarg = "relationship_uuid"
    serializer_class = PracticeRelationshipOut
    request_serializer_classes = {"create": PracticeRelationshipIn, "partial_update": PracticeRelationshipPatchIn}
    envelopes: ClassVar[dict[str, type[Envelope]]] = {"guardians": practice.PlainList, "dependents": practice.PlainList}
    idempotent_actions = frozenset({"create"})
    constraint_errors = {
        "relationship_not_to_self": (422, "A patient has no relationship to themselves.", "to_patient_uuid"),
    }

    @extend_schema(operation_id="list_guardians")
    def guardians(self, request, *args, **kwargs) -> ApiResponse:
        """List the guardians of a patient."""
        return self._guardianships(self.scoped_query(Relationship).filter(to_patient_id=self.patient_id), "patient")

    @extend_schema(operation_id="list_dependents")
    def dependents(self, request, *args, **kwargs) -> ApiResponse:
        """List whose guardian a patient is."""
        return self._guardianships(self.get_queryset(), "to_patient")

    def _guardianships(self, query: Query, other: str) -> ApiResponse:
        """Respond with those of the rows that make a guardian, where the caller sees the `other` patient, who is not archived."""
        visible_other = in_scope(self.actor, Patient, f"{other}__")
        current_other = Where(Q(**{f"{other}__deleted_at": None}))
        query = self.disclosed(self.get_filterset(query).qs.filter(NOT_ARCHIVED, GUARDIAN, visible_other, current_other))
        return ApiResponse(self.to_representation(query.rows(self.response_plan.columns, ("id",))))
