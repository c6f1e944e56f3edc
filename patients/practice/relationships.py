"""Who patients are to each other, in the practice dialect."""

from django.db.models import BigIntegerField
from rest_framework import serializers

from accounts.scope import visible
from config.rest.compiled.plans import Criterion, Query, marked, values_of
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.practice import ReferenceField, ReferenceNameField
from config.rest.responses import Answer
from config.rest.views import equal_to
from patients.models import Patient, Relationship
from patients.practice.charts import ChartRecordViewSet

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
            "id", "from_patient", "from_patient_name", "to_patient", "to_patient_name", "relationship_type", "is_guardian",
            "note", "version", "created_at", "updated_at", "deleted_at",
        ]  # fmt: skip


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
    pk_kwarg = "relationship_uuid"
    answer_class = PracticeRelationshipOut
    serializer_classes = {"create": PracticeRelationshipIn, "partial_update": PracticeRelationshipPatchIn}
    envelopes = {**ChartRecordViewSet.envelopes, "guardians": "plain_list", "dependents": "plain_list"}
    idempotent = frozenset({"create"})
    constraint_wording = {
        "relationship_not_to_self": (422, "A patient has no relationship to themselves.", "to_patient_uuid"),
    }

    def guardians(self, request, *args, **kwargs) -> Answer:
        """List the guardians of a patient."""
        ward = equal_to("to_patient_id", self.patient_id, BigIntegerField())
        return self._guardianships([*self.scope_of_rows(Relationship, archived=False), ward], "patient")

    def dependents(self, request, *args, **kwargs) -> Answer:
        """List whose guardian a patient is."""
        return self._guardianships(self.in_scope(archived=False), "to_patient")

    def _guardianships(self, criteria: list[Criterion], other: str) -> Answer:
        """Answer with those of the rows that make a guardian, where the caller sees the `other` patient, who is not archived."""
        plan = self.answer_plan()
        rows = Query(Relationship, [*criteria, GUARDIAN, self._living(other)]).rows(plan.columns, ("id",))
        self.shown(rows)
        return Answer(plan.objects(rows, self.actor))

    def _living(self, patient: str) -> Criterion:
        """Return the condition that the caller sees the patient in the column `patient`, and that they are not archived."""
        actor = self.actor
        return Criterion(
            ("living", patient, actor.role, actor.organization_id is None),
            lambda rows: rows.filter(visible(marked(actor), Patient, f"{patient}__"), **{f"{patient}__deleted_at": None}),
            values_of(actor),
        )


GUARDIAN = Criterion("guardian", lambda rows: rows.filter(is_guardian=True))
