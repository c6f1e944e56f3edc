"""Appointments of patients."""

from django.db import models
from django.db.models import F, Q

from config.core.orm import NOTE_LENGTH
from patients.models import ChartRecord, Location, Provider


class AppointmentStatus(models.TextChoices):
    """The status of an appointment."""

    SCHEDULED = "scheduled"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class Appointment(ChartRecord):
    """An appointment of a patient."""

    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=AppointmentStatus.choices, default=AppointmentStatus.SCHEDULED)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)

    class Meta(ChartRecord.Meta):
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="appointment_ends_after_start",
                violation_error_message="An appointment ends after it has begun.",
            )
        ]
        indexes = [
            *ChartRecord.Meta.indexes,
            models.Index(fields=["organization", "starts_at", "id"], name="appointment_by_start"),
        ]
