"""Vital signs of patients."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from clinical.vitals import POSSIBLE
from config.core.orm import NOTE_LENGTH
from patients.models import BY_CHANGE, ChartRecord, Provider


def _count(name: str) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(null=True, blank=True, validators=_bounds(name))


def _measure(name: str, digits: int, places: int) -> models.DecimalField:
    return models.DecimalField(max_digits=digits, decimal_places=places, null=True, blank=True, validators=_bounds(name))


def _bounds(name: str) -> list[MinValueValidator | MaxValueValidator]:
    least, most = POSSIBLE[name]
    return [MinValueValidator(least), MaxValueValidator(most)]


class VitalSigns(ChartRecord):
    """Vital signs taken at one time: pressures in mmHg, rates per minute, saturation in %, °F, inches, pounds.

    `abnormal_flags` and `is_procedure_blocking` are computed when the values are written (clinical/vitals.py).
    """

    date_taken = models.DateField()
    time_taken = models.TimeField(null=True, blank=True)
    bp_systolic = _count("bp_systolic")
    bp_diastolic = _count("bp_diastolic")
    pulse = _count("pulse")
    respiration_rate = _count("respiration_rate")
    oxygen_saturation = _count("oxygen_saturation")
    temperature_f = _measure("temperature_f", 4, 1)
    height_inches = _measure("height_inches", 5, 2)
    weight_lbs = _measure("weight_lbs", 6, 2)
    weight_code = models.CharField(max_length=64, null=True, blank=True)
    bmi = _measure("bmi", 5, 2)
    bmi_percentile = _count("bmi_percentile")
    has_followup_plan = models.BooleanField(default=False)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    abnormal_flags = models.JSONField(default=list, editable=False)
    is_procedure_blocking = models.BooleanField(default=False, editable=False)

    class Meta(ChartRecord.Meta):
        verbose_name = verbose_name_plural = _("vital signs")
        ordering = ["date_taken", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(bp_systolic=None) | Q(bp_diastolic=None) | Q(bp_diastolic__lte=F("bp_systolic")),
                name="vital_signs_pressures_in_order",
            ),
            models.CheckConstraint(condition=~Q(**dict.fromkeys(POSSIBLE)), name="vital_signs_not_empty"),
        ]
        indexes = [models.Index(fields=["organization", "patient", "date_taken", "id"], name="vital_signs_by_date"), BY_CHANGE]
