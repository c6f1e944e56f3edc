"""Allergies of patients."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinical.models.catalogs import AllergyDefinition
from config.core.orm import NOTE_LENGTH
from patients.models import ChartRecord


class Allergy(ChartRecord):
    """An allergy or intolerance of a patient."""

    allergy_definition = models.ForeignKey(AllergyDefinition, models.PROTECT, related_name="+")
    reaction = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    severity = models.CharField(max_length=64, null=True, blank=True)
    snomed_reaction = models.CharField(max_length=18, null=True, blank=True)
    date_adverse_reaction = models.DateField(null=True, blank=True)
    status_is_active = models.BooleanField(default=True)

    class Meta(ChartRecord.Meta):
        verbose_name_plural = _("allergies")
