"""The search index of the typeahead."""

from django.db import models

from accounts.models import Organization
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from patients.models.patients import Patient


class NameKey(models.Model):
    """A folded text whose beginning finds a patient in the typeahead; archived patients have none.

    One row for each name, preferred name and chart number, and for each word in them. The table is narrow, so that finding
    and counting read only its index.
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
