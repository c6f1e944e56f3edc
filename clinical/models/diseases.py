"""Diseases and other problems of patients."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinical.models.catalogs import DiseaseDefinition
from config.core.orm import NOTE_LENGTH
from patients.models import ChartRecord


class ProblemStatus(models.TextChoices):
    """Whether a problem is present. Every transition is allowed: a problem may come back."""

    ACTIVE = "active", _("Active")
    RESOLVED = "resolved", _("Resolved")
    INACTIVE = "inactive", _("Inactive")


class FunctionStatus(models.TextChoices):
    """The kind of finding."""

    PROBLEM = "problem", _("Problem")
    COGNITIVE_RESULT = "cognitive_result", _("Cognitive Result")
    COGNITIVE_PROBLEM = "cognitive_problem", _("Cognitive Problem")
    FUNCTIONAL_RESULT = "functional_result", _("Functional Result")
    FUNCTIONAL_PROBLEM = "functional_problem", _("Functional Problem")


class Disease(ChartRecord):
    """A disease or other problem of a patient."""

    disease_definition = models.ForeignKey(DiseaseDefinition, models.PROTECT, related_name="+")
    problem_status = models.CharField(max_length=16, choices=ProblemStatus.choices, default=ProblemStatus.ACTIVE)
    function_status = models.CharField(max_length=24, choices=FunctionStatus.choices, default=FunctionStatus.PROBLEM)
    snomed_problem_type = models.CharField(max_length=18, null=True, blank=True)
    date_start = models.DateField(null=True, blank=True)
    date_stop = models.DateField(null=True, blank=True)
    patient_note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)

    class Meta(ChartRecord.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(date_start=None) | Q(date_stop=None) | Q(date_stop__gte=F("date_start")),
                name="disease_dates_in_order",
            )
        ]
