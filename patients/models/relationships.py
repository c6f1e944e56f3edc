"""Relationships between patients."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.core.orm import NOTE_LENGTH
from patients.models.charts import ChartRecord
from patients.models.patients import Patient


class RelationshipType(models.TextChoices):
    """What the other patient is to this one."""

    CAREGIVER = "caregiver", pgettext_lazy("relationship", "Caregiver")
    CHILD = "child", _("Child")
    CLONE = "clone", pgettext_lazy("relationship", "Clone")
    FOSTER_CHILD = "foster_child", _("Foster Child")
    GRANDCHILD = "grandchild", _("Grandchild")
    GRANDPARENT = "grandparent", _("Grandparent")
    GUARDIAN = "guardian", _("Guardian")
    LIFE_PARTNER = "life_partner", _("Life Partner")
    MERGE = "merge", pgettext_lazy("relationship", "Merge")
    OTHER_FAMILY = "other_family", _("Other Family")
    PARENT = "parent", _("Parent")
    SIBLING = "sibling", _("Sibling")
    SPOUSE = "spouse", _("Spouse")
    STEPCHILD = "stepchild", _("Stepchild")
    STEPPARENT = "stepparent", _("Stepparent")


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
