"""Social history of patients."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinical.fields import validate_snomed
from config.core.orm import NOTE_LENGTH
from patients.models import ChartRecord


class SocialHistoryCategory(models.TextChoices):
    """The category of an entry."""

    TOBACCO = "tobacco", _("Tobacco")
    ALCOHOL = "alcohol", _("Alcohol")
    DRUGS = "drugs", _("Drugs")
    EXERCISE = "exercise", _("Exercise")
    DIET = "diet", _("Diet")
    OCCUPATION = "occupation", _("Occupation")
    HOUSING = "housing", _("Housing")
    OTHER = "other", _("Other")


class SocialHistory(ChartRecord):
    """One aspect of a patient's life: at most one entry per category."""

    category = models.CharField(max_length=16, choices=SocialHistoryCategory.choices)
    value = models.CharField(max_length=255)
    snomed_code = models.CharField(max_length=18, null=True, blank=True, validators=[validate_snomed])
    date_start = models.DateField(null=True, blank=True)
    date_stop = models.DateField(null=True, blank=True)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)

    class Meta(ChartRecord.Meta):
        verbose_name = _("social history entry")
        verbose_name_plural = _("social history")
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "category"], condition=Q(deleted_at=None), name="social_history_one_a_category"
            ),
            models.CheckConstraint(
                condition=Q(date_start=None) | Q(date_stop=None) | Q(date_stop__gte=F("date_start")),
                name="social_history_dates_in_order",
            ),
        ]
