"""How far behind the outbox is, for /metrics."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import OutboxEvent
from config.core.databases import horizon, seconds_since


def outbox_metrics() -> Iterator[Metric]:
    """Yield how long events have been held back from those who read the stream."""
    help_text = "Age of the oldest event that an open transaction still holds back from readers, 0 without one."
    held_back = OutboxEvent.objects.filter(created_at__gte=horizon()).order_by("created_at")
    oldest = held_back.values_list("created_at", flat=True).first()
    yield GaugeMetricFamily("anamnesis_outbox_held_back_seconds", help_text, value=seconds_since(oldest))
