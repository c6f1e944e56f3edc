"""The outbox: what has changed, for those who want to be told."""

import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scope import ScopePath
from config.core.databases import DatabaseNow
from config.core.orm import Identified

# How long events are there for those who have not read them yet, and when they are removed: cursors must have ended by then.
KEPT = datetime.timedelta(days=30)
REMOVED_AFTER = datetime.timedelta(days=32)


class OutboxEvent(Identified):
    """One change, written in its transaction: ids, a type such as "patient.created" and moments, no data about a patient.

    Whose patient an event is about narrows what caregivers see: exports/practice/filters.py, as patients are of a later app.
    Ids are no foreign keys, so that writing an event looks nothing up.
    """

    organization_id = models.BigIntegerField()
    type = models.CharField(max_length=64)
    subject_uuid = models.UUIDField()
    patient_id = models.BigIntegerField(null=True, help_text="The patient whose row has changed; null where it is of none.")
    version = models.PositiveIntegerField(null=True, help_text="The version after the change; null where the row has none.")
    key_id = models.CharField(max_length=16, blank=True, help_text="The API key that changed it, empty for people and commands.")
    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    scope = ScopePath(organization="organization_id")

    class Meta:
        verbose_name = _("event")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["organization_id", "created_at", "id"], name="outbox_organization"),
            models.Index(
                fields=["patient_id", "created_at", "id"], name="outbox_patient", condition=models.Q(patient_id__isnull=False)
            ),
            models.Index(fields=["created_at"], name="outbox_created_at"),
        ]
