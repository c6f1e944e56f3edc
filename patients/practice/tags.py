"""Tags of patients in the practice dialect."""

from typing import Any

from accounts.models import User
from accounts.permissions import Task
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.practice import ReferenceField
from patients.models import PatientTag, TagDefinition
from patients.practice.charts import ArchivedChartViewSet, ChartEntryOut
from patients.services.charts import create_entry


class PracticeTagOut(ChartEntryOut):
    """A tag on a patient, and who put it there."""

    tag_definition = ReferenceField(TagDefinition, source="tag_definition_id")
    assigned_by = ReferenceField(User, source="assigned_by_id")

    class Meta:
        model = PatientTag
        fields = ["id", "patient", "tag_definition", "assigned_by", "created_at", "deleted_at"]


class PracticeTagIn(ContractSerializer):
    """The body that puts a tag on a patient."""

    tag_definition_uuid = ScopedRelation(TagDefinition, source="tag_definition_id")

    class Meta:
        model = PatientTag
        fields = ["tag_definition_uuid"]


class PatientTagViewSet(ArchivedChartViewSet):
    """Tags of a patient, for staff."""

    model = PatientTag
    pk_kwarg = "assignment_uuid"
    answer_class = PracticeTagOut
    tasks = {**ArchivedChartViewSet.tasks, "list": Task.READ_AS_STAFF, "retrieve": Task.READ_AS_STAFF}
    serializer_classes = {"create": PracticeTagIn}
    constraint_wording = {"patient_tag_unique": (409, "The patient has this tag already.", "tag_definition_uuid")}

    def _create(self, values: dict[str, Any]) -> int:
        values["assigned_by_id"] = self.actor.user_id
        return create_entry(actor=self.actor, model=PatientTag, patient_id=self.patient_id, **values).pk
