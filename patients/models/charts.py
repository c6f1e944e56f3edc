"""Base models of the entries of a patient's chart."""

from typing import ClassVar

from django.db import models

from accounts.models import Organization
from accounts.scope import ScopePath
from config.core.orm import Identified, SoftDeleted, Timestamped, Versioned
from patients.models.patients import Patient

# The order of changes: an index of each model whose changes are listed.
BY_CHANGE = models.Index(fields=["organization", "updated_at", "id"], name="%(class)s_by_change")
OF_A_PATIENT = ScopePath("organization_id", care_group="patient__care_group_id", patient_user="patient__user_id")


class ChartEntry(Identified, Timestamped):
    """Base of every row that belongs to a patient. Its organization is the patient's.

    `others` are the columns that refer to further patients.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")

    scope = OF_A_PATIENT
    others: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "patient", "id"], name="%(class)s_of_patient")]

    def affected_patients(self) -> set[int]:
        """Return the ids of the patients whom this row is about, as the audit trail names them."""
        return {self.patient_id, *(pk for column in self.others if (pk := getattr(self, column)) is not None)}


class ChartRecord(ChartEntry, Versioned, SoftDeleted):
    """Base of entries that are versioned and soft-deleted."""

    class Meta(ChartEntry.Meta):
        abstract = True
        indexes = [*ChartEntry.Meta.indexes, BY_CHANGE]
