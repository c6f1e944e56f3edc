"""Webhooks: the addresses that are told of events, and what each of them has been told."""

import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OutboxEvent, User
from accounts.scope import ScopePath
from config.core.databases import MomentField
from config.core.orm import Identified, SoftDeleted, TextListField, Timestamped, Versioned, validate_visible

# How long the secret before the last rotation still signs.
SECRET_OVERLAP = datetime.timedelta(days=1)
# An endpoint that has failed for so long is paused.
PAUSED_AFTER = datetime.timedelta(days=1)


class WebhookFormat(models.TextChoices):
    """What a message looks like."""

    STANDARD = "standard", _("Standard Webhooks")
    LUSCII = "luscii", _("Luscii")


class WebhookStatus(models.TextChoices):
    """Whether messages are sent. What happens while an endpoint is paused waits for it; of a disabled one it does not."""

    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    DISABLED = "disabled", _("Disabled")


class WebhookEndpoint(Identified, Timestamped, Versioned, SoftDeleted):
    """An address of an integrator that is told of an organization's events.

    `failing_since`, the first failure since the last success, and `leased_until`, until when a worker has the messages of an
    endpoint that wants them in order, are notes of the workers: they raise no version.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    url = models.CharField("URL", max_length=2000, validators=[validate_visible])
    description = models.CharField(max_length=255)
    event_types = TextListField(null=True, blank=True, help_text=_("Empty: all types."))
    ordered_by_patient = models.BooleanField(
        default=False, help_text=_("The next event of a patient is sent only when the one before it has arrived or is given up.")
    )
    format = models.CharField(max_length=16, choices=WebhookFormat.choices, default=WebhookFormat.STANDARD)
    status = models.CharField(max_length=16, choices=WebhookStatus.choices, default=WebhookStatus.ACTIVE)
    secret_sealed = models.BinaryField(editable=False)
    previous_secret_sealed = models.BinaryField(null=True, editable=False)
    rotated_at = MomentField(null=True, editable=False)
    failing_since = MomentField(null=True, editable=False)
    leased_until = MomentField(null=True, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "id"], name="webhook_endpoint_by_id")]


class DeliveryStatus(models.TextChoices):
    """What has become of a message: pending -> delivered or dead, and pending again by a replay."""

    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Dead")


class WebhookDelivery(Identified):
    """One event for one endpoint, and the attempts to deliver it.

    It is sent from `due_at` on, unless a worker has it until `leased_until`. The first attempt was at `tried_since`;
    `attempted_at`, `response_status`, `duration` (milliseconds) and `error` are of the last one. It is removed with its event.
    """

    organization_id = models.BigIntegerField()
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(OutboxEvent, models.CASCADE, related_name="+", db_constraint=False)
    patient_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=16, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = MomentField(null=True, help_text=_("When it is tried next; null where it is not."))
    leased_until = MomentField(null=True)
    tried_since = MomentField(null=True)
    attempted_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True, help_text=_("The HTTP status; null without an answer."))
    duration = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=64, blank=True, help_text=_("Why the last attempt failed, in one of a few phrases."))
    created_at = MomentField()

    scope = ScopePath(organization="organization_id")

    class Meta:
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["organization_id", "endpoint", "created_at", "id"], name="webhook_delivery_by_creation"),
            models.Index(fields=["endpoint", "due_at", "event"], name="webhook_delivery_due", condition=Q(status="pending")),
            models.Index(
                fields=["endpoint", "patient_id"],
                name="webhook_delivery_retried",
                condition=Q(status="pending", attempts__gt=0),
            ),
        ]


class OutboxPosition(models.Model):
    """The one row that tells up to which event of the outbox deliveries have been made."""

    event_id = models.BigIntegerField(default=0)

    scope = ScopePath(organization=None)

    def __str__(self) -> str:
        return f"Position {self.event_id}"
