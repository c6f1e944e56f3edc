"""Merging two records of one person in the practice dialect, for administrators. The operations are our own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.permissions import Permission
from config.rest.fields import BaseVersion, Boolean, Choice, ScopedRelation
from config.rest.responses import ApiResponse
from patients.models import Patient
from patients.practice.views import PatientViewSet
from patients.services.merging import merge_patients, preview_merge, unmerge_patients
from patients.services.merging.choices import NAMES, MergeSide


class PracticeMergeChoicesIn(serializers.Serializer):
    """Whose value stands, for each of what the two records may differ in. Null is no choice."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return a field for every choice."""
        return {name: Choice(choices=MergeSide.choices, required=False, allow_null=True) for name in NAMES}


class PracticeMergeIn(serializers.Serializer):
    """The body that merges another record of the same person into the patient."""

    other_patient_uuid = ScopedRelation(Patient, source="other_id")
    base_version = BaseVersion()
    other_base_version = BaseVersion()
    choices = PracticeMergeChoicesIn(required=False, allow_null=True)
    dry_run = Boolean(default=False, allow_null=True)


class PracticeMergedRowsOut(serializers.Serializer):
    """What a merge does with the rows of one kind that the other record has."""

    kind = serializers.CharField()
    moved = serializers.IntegerField()
    settled = serializers.IntegerField()
    stayed = serializers.IntegerField()


class PracticeMergeOut(serializers.Serializer):
    """What a merge has done, or would do."""

    dry_run = serializers.BooleanField()
    differences = serializers.ListField(child=serializers.CharField())
    rows = PracticeMergedRowsOut(many=True)


class PatientMergeViewSet(PatientViewSet):
    """Merging records of one person, and undoing it."""

    permissions = dict.fromkeys(("merge", "unmerge"), Permission.ADMINISTER)
    request_serializer_classes = {"merge": PracticeMergeIn}
    archived_actions = frozenset({"unmerge"})

    def get_serializer_class(self):
        return PracticeMergeOut if self.action == "merge" else super().get_serializer_class()

    @extend_schema(operation_id="merge_patient")
    def merge(self, request, *args, **kwargs) -> ApiResponse:
        """Merge another record of the same person into this one."""
        return self.write(self.perform_merge)

    def perform_merge(self, serializer: serializers.Serializer) -> ApiResponse:
        """Merge, or tell what a merge would do."""
        values: dict[str, Any] = {**serializer.validated_data}
        dry_run = bool(values.pop("dry_run"))
        choices = {name: side for name, side in (values.pop("choices", None) or {}).items() if side}
        merge = preview_merge if dry_run else merge_patients
        report = merge(actor=self.actor, survivor_id=self.object_id, choices=choices, **values)
        rows = [vars(count) for count in report.rows.values()]
        return ApiResponse({"dry_run": dry_run, "differences": report.differences, "rows": rows})

    @extend_schema(operation_id="unmerge_patient")
    def unmerge(self, request, *args, **kwargs) -> ApiResponse:
        """Undo the merge of this record into another one."""
        return self.write(self.perform_unmerge)

    def perform_unmerge(self, serializer: serializers.Serializer) -> int:
        """Undo the merge of the record that the path names."""
        unmerge_patients(actor=self.actor, patient_id=self.object_id)
        return self.object_id
