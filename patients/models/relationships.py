"""Relationships between patients."""

from django.db import models
from django.db.models import F, Q

from config.core.orm import NOTE_LENGTH
from patients.models.charts import ChartRecord
from patients.models.patients import Patient


class RelationshipType(models.TextChoices):
    """What the other patient is to this one."""

    CAREGIVER = "caregiver"
    CHILD = "child"
    CLONE = "clone"
    FOSTER_CHILD = "foster_child"
    GRANDCHILD = "grandchild"
    GRANDPARENT = "grandparent"
    GUARDIAN = "guardian"
    LIFE_PARTNER = "life_partner"
    MERGE = "merge"
    OTHER_FAMILY = "other_family"
    PARENT = "parent"
    SIBLING = "sibling"
    SPOUSE = "spouse"
    STEPCHILD = "stepchild"
    STEPPARENT = "stepparent"


class Relationship(ChartRecord):
    """A relationship from one patient to another; the other direction is a row of its own.

    With `is_guardian` this patient is the legal guardian of the other.
    """

    to_patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    relationship_type = models.CharField(max_length=16, choices=RelationshipType.choices)
    is_guardian = models.BooleanField(default=False)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)

    others = ("to_patient_id",)

    class Meta(ChartRecord.Meta):
        constraints = [models.CheckConstraint(condition=~Q(patient=F("to_patient")), name="relationship_not_to_self")]
        indexes = [
            *ChartRecord.Meta.indexes,
            models.Index(fields=["organization", "to_patient", "id"], name="relationship_to_patient"),
        ]
