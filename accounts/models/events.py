"""The outbox: events that are to be delivered to subscribers."""

from django.db import models

from accounts.scope import ScopePath
from config.core.orm import Identified


class OutboxEvent(Identified):
    """One event, written in the transaction of its change. It holds a type and ids, no patient data."""

    organization_id = models.BigIntegerField()
    type = models.CharField(max_length=64)
    subject_uuid = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization_id", "id"], name="outbox_organization")]
