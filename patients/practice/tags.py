"""Tags of patients in the practice dialect."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from accounts.models import User
from accounts.permissions import Permission
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.practice import ReferenceField
from config.rest.views import Written
from patients.models import PatientTag, TagDefinition
from patients.practice.charts import ArchivableChartViewSet, ChartEntryOut


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


@extend_schema_view(
    list=extend_schema(summary="List the tags of a patient"),
    create=extend_schema(summary="Put a tag on a patient", operation_id="assign_tag"),
)
class PatientTagViewSet(ArchivableChartViewSet):
    """Tags of a patient, for staff."""

    model = PatientTag
    lookup_url_kwarg = "assignment_uuid"
    serializer_class = PracticeTagOut
    permissions = {
        **ArchivableChartViewSet.permissions,
        "list": Permission.READ_STAFF_ONLY,
        "retrieve": Permission.READ_STAFF_ONLY,
    }
    request_serializer_classes = {"create": PracticeTagIn}
    constraint_errors = {"patient_tag_unique": (409, "The patient has this tag already.", "tag_definition_uuid")}

    def perform_create(self, serializer: serializers.Serializer) -> int | Written:
        serializer.validated_data["assigned_by_id"] = self.actor.user_id
        return super().perform_create(serializer)
