"""Contacts with patients."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from clinical.models.appointments import Appointment
from clinical.models.catalogs import CommunicationType
from config.core.databases import MomentField
from config.core.orm import NOTE_LENGTH
from config.core.text import fold
from patients.models import BY_CHANGE, ChartEntry


class CommunicationMode(models.TextChoices):
    """The channel of a contact."""

    PHONE = "phone", _("Phone")
    EMAIL = "email", _("Email")
    MAIL = "mail", _("Mail")
    IN_PERSON = "in_person", _("In Person")
    TEXT = "text", pgettext_lazy("way of contact", "Text")
    FAX = "fax", _("Fax")


class CommunicationDirection(models.TextChoices):
    """The direction of a contact."""

    SENT = "sent", _("Sent")
    RECEIVED = "received", _("Received")
    NEITHER = "neither", _("Neither")


class CommunicationSource(models.TextChoices):
    """The origin of an entry."""

    USER = "user", _("User")
    AUTOMATED = "automated", _("Automated")
    INTEGRATION = "integration", _("Integration")


class CommunicationLog(ChartEntry):
    """A contact with a patient. Append-only: the database refuses both update and delete."""

    communication_datetime = MomentField()
    communication_type = models.ForeignKey(CommunicationType, models.PROTECT, null=True, blank=True, related_name="+")
    communication_source = models.CharField(
        max_length=16, choices=CommunicationSource.choices, default=CommunicationSource.USER, editable=False
    )
    mode = models.CharField(max_length=16, choices=CommunicationMode.choices, null=True, blank=True)
    direction = models.CharField(max_length=16, choices=CommunicationDirection.choices, null=True, blank=True)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    note_key = models.TextField(default="", editable=False, help_text="The folded note, in which is searched.")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartEntry.Meta):
        ordering = ["communication_datetime", "id"]
        indexes = [
            models.Index(fields=["organization", "patient", "communication_datetime", "id"], name="communication_log_by_time"),
            BY_CHANGE,
        ]

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError("Communication logs are added and never changed")
        self.note_key = fold(self.note)
        super().save(*args, **kwargs)
