"""The index that the typeahead reads."""

from django.db import models

from accounts.models import Organization
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from patients.models.patients import Patient


class NameKey(models.Model):
    """A folded beginning by which a patient who is not archived is found as one types.

    One row for each name, preferred name and chart number and for each word in them. A narrow
    table, so that finding and counting read its index only.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="name_keys")
    key = ByteOrderField(max_length=255)

    scope = ScopePath("organization_id", care_group="patient__care_group_id", patient_user="patient__user_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "key", "patient"], name="name_key_prefix")]

    def __str__(self) -> str:
        return f"Name key {self.pk}"
