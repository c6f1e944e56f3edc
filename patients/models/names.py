"""The search index of the typeahead."""

from django.db import models

from accounts.models import Organization
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from patients.models.patients import Patient


class NameKey(models.Model):
    """A folded text whose beginning finds a patient in the typeahead; archived patients have none.

    One row for each name, preferred name and chart number, and for each word in them. The table is narrow, so that finding
    and counting read only its index. `shared` is how many characters a key has in common with the one before it of the same
    patient. Of those that begin with a text of n characters, the first of each patient shares fewer than n: nobody has to be
    counted twice, or looked for among those who were found.
    """

    # The patient's: the database need not look it up for each of the rows.
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="name_keys")
    key = ByteOrderField(max_length=255)
    shared = models.PositiveSmallIntegerField()

    scope = ScopePath("organization_id", care_group="patient__care_group_id", patient_user="patient__user_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "key", "patient", "shared"], name="name_key_prefix")]

    def __str__(self) -> str:
        return f"Name key {self.pk}"
