"""Appointments of patients."""

from collections.abc import Mapping

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.orm import COMMENT_LENGTH, NOTE_LENGTH
from patients.models import ChartRecord, Location, Provider


class AppointmentStatus(models.TextChoices):
    """The status of an appointment."""

    SCHEDULED = "scheduled", _("Scheduled")
    CONFIRMED = "confirmed", _("Confirmed")
    ARRIVED = "arrived", _("Arrived")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    NO_SHOW = "no_show", _("No-show")


# The statuses of appointments that take the provider's time.
BOOKED = (
    AppointmentStatus.SCHEDULED,
    AppointmentStatus.CONFIRMED,
    AppointmentStatus.ARRIVED,
    AppointmentStatus.IN_PROGRESS,
    AppointmentStatus.COMPLETED,
)

# Status -> the column that holds when it was given. `scheduled` is what an appointment is before anything happens.
MOMENTS: Mapping[str, str] = {
    AppointmentStatus.CONFIRMED: "confirmed_at",
    AppointmentStatus.ARRIVED: "arrived_at",
    AppointmentStatus.IN_PROGRESS: "started_at",
    AppointmentStatus.COMPLETED: "completed_at",
    AppointmentStatus.CANCELLED: "cancelled_at",
    AppointmentStatus.NO_SHOW: "no_show_at",
}


class Appointment(ChartRecord):
    """An appointment of a patient. Without `ends_at`, nobody said how long it takes."""

    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=AppointmentStatus.choices, default=AppointmentStatus.SCHEDULED)
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    arrived_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    no_show_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancellation_reason = models.TextField(max_length=COMMENT_LENGTH, null=True, blank=True)

    class Meta(ChartRecord.Meta):
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="appointment_ends_after_start",
                violation_error_message=_("An appointment ends after it has begun."),
            ),
            models.CheckConstraint(
                condition=Q(cancellation_reason=None) | Q(status=AppointmentStatus.CANCELLED),
                name="appointment_reason_if_cancelled",
                violation_error_message=_("Only a cancelled appointment has a reason for that."),
            ),
        ]
        indexes = [
            *ChartRecord.Meta.indexes,
            models.Index(fields=["organization", "starts_at", "id"], name="appointment_by_start"),
        ]
