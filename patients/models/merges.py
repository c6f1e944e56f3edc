"""Merges of two records of one person, and what they changed, so that they can be undone."""

from django.db import models
from django.db.models import Q

from accounts.models import Organization, User
from accounts.scope import ScopePath
from config.core.orm import Identified, Timestamped
from patients.models.charts import OF_A_PATIENT
from patients.models.patients import Patient


class PatientMerge(Identified, Timestamped):
    """The merge of the record `other` into `patient`, two records of one person. It stands until `undone_at`."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    undone_at = models.DateTimeField(null=True, editable=False)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    scope = OF_A_PATIENT

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["other"], condition=Q(undone_at=None), name="patient_merge_one_standing"),
            models.CheckConstraint(condition=~Q(patient=models.F("other")), name="patient_merge_not_with_self"),
        ]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="patient_merge_by_creation")]

    def affected_patients(self) -> set[int]:
        """Return the ids of the patients whom this row is about, as the audit trail names them."""
        return {self.patient_id, self.other_id}


class MergedRow(models.Model):
    """A row that a merge changed: the columns that it wrote, as they were before and after, in JSON.

    `table` is the label of the row's model, such as "clinical.allergy", and `column` the one whose rule said so, empty for the
    two records themselves. `manage.py prune` removes these rows once the merge can no longer be undone.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    merge = models.ForeignKey(PatientMerge, models.CASCADE, related_name="rows")
    table = models.CharField(max_length=64)
    column = models.CharField(max_length=64, default="", blank=True)
    row_id = models.BigIntegerField()
    before = models.JSONField()
    after = models.JSONField()

    scope = ScopePath("organization_id", care_group="merge__patient__care_group_id", patient_user="merge__patient__user_id")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Merged row {self.pk}"
