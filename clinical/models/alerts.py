"""Alerts on charts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from clinical.models.catalogs import AlertDefinition, AlertScope
from config.core.orm import NOTE_LENGTH, Versioned
from patients.models import BY_CHANGE, ChartEntry


class AlertStatus(models.TextChoices):
    """The stored status of an alert. An alert past its `disable_on` is still stored as active."""

    ACTIVE = "active", _("Active")
    DISABLED = "disabled", _("Disabled")
    ARCHIVED = "archived", _("Archived")


class Alert(ChartEntry, Versioned):
    """A warning on a patient's chart, or on those of a whole family.

    From the day `disable_on` on, in the organization's time zone, it counts as disabled without being written.
    """

    alert_definition = models.ForeignKey(AlertDefinition, models.PROTECT, related_name="+")
    alert_scope = models.CharField(max_length=16, choices=AlertScope.choices, default=AlertScope.PATIENT)
    is_urgent = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=AlertStatus.choices, default=AlertStatus.ACTIVE)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    disable_on = models.DateField(null=True, blank=True)
    date_disabled = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartEntry.Meta):
        indexes = [
            *ChartEntry.Meta.indexes,
            BY_CHANGE,
            models.Index(
                fields=["organization", "disable_on"],
                condition=Q(status=AlertStatus.ACTIVE, disable_on__isnull=False),
                name="alert_by_day",
            ),
        ]
