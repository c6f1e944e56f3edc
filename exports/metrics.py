"""How far behind the outbox and the webhooks are, for /metrics."""

import datetime
from collections.abc import Iterator

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import OutboxEvent
from config.core.databases import horizon, seconds_since
from exports.models import DeliveryStatus, OutboxPosition, WebhookDelivery, WebhookEndpoint, WebhookStatus


def outbox_metrics() -> Iterator[Metric]:
    """Yield how long events have been held back from those who read the stream."""
    help_text = "Age of the oldest event that an open transaction still holds back from readers, 0 without one."
    held_back = OutboxEvent.objects.filter(created_at__gte=horizon()).order_by("created_at")
    yield _age("anamnesis_outbox_held_back_seconds", help_text, held_back.values_list("created_at", flat=True).first())


def webhook_metrics() -> Iterator[Metric]:
    """Yield what waits for the worker of webhooks, and how the endpoints fare."""
    enabled = WebhookEndpoint.objects.filter(deleted_at=None).exclude(status=WebhookStatus.DISABLED)
    help_text = "Age of the oldest event that no worker has looked at, 0 without one or without endpoints."
    yield _age("anamnesis_webhook_unread_seconds", help_text, _oldest_unread() if enabled.exists() else None)
    pending = WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING)
    new = pending.filter(attempts=0, due_at__lte=timezone.now(), endpoint__status=WebhookStatus.ACTIVE, endpoint__deleted_at=None)
    help_text = "Age of the oldest message that is due and has not been tried, to an active endpoint, 0 without one."
    oldest = new.order_by("due_at").values_list("due_at", flat=True).first()
    yield _age("anamnesis_webhook_untried_seconds", help_text, oldest)
    retried = pending.filter(attempts__gt=0).count()
    waiting = GaugeMetricFamily("anamnesis_webhook_pending", "Messages that have not arrived.", labels=["tried"])
    waiting.add_metric(["no"], pending.count() - retried)
    waiting.add_metric(["yes"], retried)
    yield waiting
    yield _endpoints(enabled)


def _oldest_unread() -> datetime.datetime | None:
    position = OutboxPosition.objects.values_list("event_id", flat=True).first() or 0
    return OutboxEvent.objects.filter(pk__gt=position).order_by("pk").values_list("created_at", flat=True).first()


def _endpoints(enabled: QuerySet) -> Metric:
    active, failing = Q(status=WebhookStatus.ACTIVE), Q(failing_since__isnull=False)
    numbers = enabled.aggregate(
        working=Count("pk", filter=active & ~failing),
        failing=Count("pk", filter=active & failing),
        paused=Count("pk", filter=Q(status=WebhookStatus.PAUSED)),
    )
    metric = GaugeMetricFamily("anamnesis_webhook_endpoints", "Endpoints of webhooks that are not disabled.", labels=["state"])
    for state, number in numbers.items():
        metric.add_metric([state], number)
    return metric


def _age(name: str, help_text: str, moment: datetime.datetime | None) -> Metric:
    return GaugeMetricFamily(name, help_text, value=seconds_since(moment))
