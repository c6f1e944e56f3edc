"""Measurements of patients."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from clinical.models.catalogs import Instrument
from config.core.databases import MomentField
from config.core.orm import COMMENT_LENGTH
from patients.models import BY_CHANGE, ChartEntry


class Measurement(ChartEntry):
    """One value of an instrument: a number on its scale, or one of its choices."""

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="+")
    value_number = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    value_choice = models.CharField(max_length=255, null=True, blank=True)
    measured_at = MomentField()
    comment = models.TextField(max_length=COMMENT_LENGTH, null=True, blank=True)
    external_id = models.CharField(max_length=255, null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartEntry.Meta):
        ordering = ["measured_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "external_id"], condition=Q(external_id__isnull=False), name="measurement_external_id_unique"
            ),
            models.CheckConstraint(
                condition=Q(value_number=None, value_choice__isnull=False) | Q(value_number__isnull=False, value_choice=None),
                name="measurement_one_value",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "patient", "measured_at", "id"], name="measurement_by_time"),
            models.Index(fields=["organization", "created_at", "id"], name="measurement_by_creation"),
            BY_CHANGE,
        ]
