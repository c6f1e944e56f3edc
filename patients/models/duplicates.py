"""Pairs of records that may be of one person, and how far records have been compared."""

from django.db import models
from django.db.models import Q

from accounts.models import Organization, User
from accounts.scope import ScopePath
from config.core.databases import DatabaseNow
from patients.models.charts import OF_A_PATIENT
from patients.models.patients import Patient


class DuplicatePair(models.Model):
    """Two records that matched when they were last compared; `patient` has the lower id.

    Whoever reads pairs asks the records themselves whether they still match (patients/services/duplicates.py). `weight` is how
    much speaks for one person. A pair that was set aside keeps a digest of what was compared: it returns once that differs.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", db_index=False)
    other = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    weight = models.PositiveSmallIntegerField()
    found_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)
    set_aside_at = models.DateTimeField(null=True, editable=False)
    set_aside_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False, editable=False)
    compared_index = models.BinaryField(max_length=32, null=True)

    scope = OF_A_PATIENT

    class Meta:
        ordering = ["-weight", "id"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "other"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(patient__lt=models.F("other")), name="duplicate_pair_in_order"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-weight", "id"], condition=Q(set_aside_at=None), name="duplicate_pair_suspected"
            ),
            models.Index(fields=["organization", "-id"], condition=~Q(set_aside_at=None), name="duplicate_pair_set_aside"),
        ]

    def __str__(self) -> str:
        return f"Pair {self.pk}"

    def affected_patients(self) -> set[int]:
        """Return the ids of the patients whom this row is about, as the audit trail names them."""
        return {self.patient_id, self.other_id}


class DuplicateSearch(models.Model):
    """Up to which change the records of an organization have been compared, in the order of changes."""

    organization = models.OneToOneField(Organization, models.PROTECT, primary_key=True, related_name="+")
    changed_at = models.DateTimeField(null=True)
    patient_id = models.BigIntegerField(default=0)

    scope = ScopePath("organization_id")

    class Meta:
        ordering = ["organization"]

    def __str__(self) -> str:
        return f"Search for duplicates {self.pk}"
