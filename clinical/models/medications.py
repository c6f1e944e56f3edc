"""Medications of patients."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinical.models.catalogs import MedicationDefinition
from config.core.orm import NOTE_LENGTH
from patients.models import ChartRecord, Provider

RX_CUI_LENGTH = 16


class MedicationStatus(models.TextChoices):
    """Whether a patient takes a medication."""

    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    DISCONTINUED = "discontinued", _("Discontinued")
    ON_HOLD = "on_hold", _("On Hold")


class Medication(ChartRecord):
    """A medication that a patient takes or took: one of the catalog, or one described in words."""

    medication_definition = models.ForeignKey(MedicationDefinition, models.PROTECT, null=True, blank=True, related_name="+")
    med_descript = models.CharField(max_length=500, null=True, blank=True)
    rx_cui = models.CharField(max_length=RX_CUI_LENGTH, null=True, blank=True)
    status = models.CharField(max_length=16, choices=MedicationStatus.choices, default=MedicationStatus.ACTIVE)
    dosage = models.CharField(max_length=255, null=True, blank=True)
    frequency = models.CharField(max_length=255, null=True, blank=True)
    route = models.CharField(max_length=255, null=True, blank=True)
    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, related_name="+")
    date_start = models.DateField(null=True, blank=True)
    date_stop = models.DateField(null=True, blank=True)
    discontinuation_reason = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    patient_note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    is_cpoe = models.BooleanField(default=False)

    @property
    def name(self) -> str:
        """What the medication is called: by its definition, or in the words that describe it."""
        definition = self.medication_definition
        return definition.name if definition else self.med_descript or ""

    class Meta(ChartRecord.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(medication_definition__isnull=False) | (Q(med_descript__isnull=False) & ~Q(med_descript="")),
                name="medication_is_named",
            ),
            models.CheckConstraint(
                condition=Q(date_start=None) | Q(date_stop=None) | Q(date_stop__gte=models.F("date_start")),
                name="medication_dates_in_order",
            ),
        ]
