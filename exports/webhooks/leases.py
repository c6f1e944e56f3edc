"""Which worker sends which messages, and what came of it.

A worker takes messages of one endpoint for a while, in a short transaction; it sends them without one, and records what came
of them in another. Whose lease has ended without a record, as after a kill, leaves the messages to others, who send them again.
"""

import datetime
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from config.core.bulk_writes import update_values
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint, WebhookStatus
from exports.webhooks.outbox import retried
from exports.webhooks.transport import Outcome

# Messages that are taken at once.
BATCH = 50
# A message is given up when its attempts go so far back.
GIVEN_UP_AFTER = datetime.timedelta(hours=48)
# Attempts are spread over so much of the time between them, so that not all come back at once.
JITTER = 0.2


@dataclass(frozen=True)
class Lease:
    """Messages of one endpoint, in the order in which they are sent, which are a worker's until a moment."""

    endpoint: WebhookEndpoint
    deliveries: list[WebhookDelivery]
    until: datetime.datetime


def batch_seconds() -> float:
    """Return after how many seconds no other message of a batch is begun."""
    return settings.WEBHOOK_ANSWER_SECONDS / 2


def lease_time() -> datetime.timedelta:
    """Return how long a lease lasts: several times what its messages may take, since nobody else may begin before its end.

    Whoever resolves names may take its time over it, which nothing limits.
    """
    return datetime.timedelta(seconds=4 * (settings.WEBHOOK_CONNECT_SECONDS + settings.WEBHOOK_ANSWER_SECONDS))


def due_endpoints() -> list[WebhookEndpoint]:
    """Return the active endpoints for which there is something to send now."""
    now = timezone.now()
    active = WebhookEndpoint.objects.filter(_free(now), status=WebhookStatus.ACTIVE, deleted_at=None)
    return list(active.filter(Exists(_due(now).filter(endpoint=OuterRef("pk")))).order_by("pk"))


def take(endpoint_id: int) -> Lease | None:
    """Lease the next messages to an endpoint, in the transaction that is open; None if there is nothing to send to it now."""
    now = timezone.now()
    until = now + lease_time()
    active = WebhookEndpoint.objects.filter(_free(now), pk=endpoint_id, status=WebhookStatus.ACTIVE, deleted_at=None)
    endpoint = active.first()
    due = _due(now).filter(endpoint=endpoint_id).order_by("due_at", "event_id")
    if endpoint is not None and endpoint.ordered_by_patient:
        # One worker at a time has such an endpoint, and nothing of a patient passes what has to be sent again.
        endpoint = active.select_for_update(no_key=True, skip_locked=True).first()
        before = retried(endpoint_id).filter(patient_id=OuterRef("patient_id"), event_id__lt=OuterRef("event_id"))
        due = due.filter(~Exists(before))
    if endpoint is None:
        return None
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return None
    WebhookDelivery.objects.filter(pk__anyof=ids).update(leased_until=until)
    if endpoint.ordered_by_patient:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(leased_until=until)
    deliveries = WebhookDelivery.objects.filter(pk__anyof=ids).select_related("event").order_by("due_at", "event_id")
    return Lease(endpoint, list(deliveries), until)


def lock_endpoints(ids: Collection[int]) -> dict[int, WebhookEndpoint]:
    """Lock endpoints, before their messages, as everybody does who locks both; return them by id."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def record(lease: Lease, outcomes: Sequence[Outcome]) -> None:
    """Record what came of the first messages of a lease, and give back the others, in the transaction that is open.

    What is not the worker's any more stays as it is.
    """
    now = timezone.now()
    if lease.endpoint.ordered_by_patient:
        WebhookEndpoint.objects.filter(pk=lease.endpoint.pk, leased_until=lease.until).update(leased_until=None)
    ids = [delivery.pk for delivery in lease.deliveries]
    own = WebhookDelivery.objects.filter(pk__anyof=ids, status=DeliveryStatus.PENDING, leased_until=lease.until)
    held = set(own.select_for_update().values_list("pk", flat=True))
    done = zip(lease.deliveries, outcomes, strict=False)
    written = {delivery.pk: _columns(delivery, outcome, now) for delivery, outcome in done if delivery.pk in held}
    update_values(WebhookDelivery, _WRITTEN, written)
    if left := sorted(held - written.keys()):
        WebhookDelivery.objects.filter(pk__anyof=left).update(leased_until=None)


def note_success(endpoint: WebhookEndpoint, *, recovered: bool) -> None:
    """Note that a locked endpoint has taken a message. If it has `recovered`, what failed meanwhile is due now."""
    if endpoint.failing_since is None:
        return
    endpoint.failing_since = None
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
    if recovered:
        now = timezone.now()
        retried(endpoint.pk).filter(due_at__gt=now).update(due_at=now)


def note_failure(endpoint: WebhookEndpoint) -> datetime.datetime:
    """Note that a locked endpoint has failed, and return since when it does."""
    if endpoint.failing_since is None:
        endpoint.failing_since = timezone.now()
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=endpoint.failing_since)
    return endpoint.failing_since


def _free(now: datetime.datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lt=now)


def _due(now: datetime.datetime) -> QuerySet:
    return WebhookDelivery.objects.filter(_free(now), status=DeliveryStatus.PENDING, due_at__lte=now)


_WRITTEN = (
    "status",
    "attempts",
    "due_at",
    "leased_until",
    "tried_since",
    "attempted_at",
    "response_status",
    "duration",
    "error",
)


def _columns(delivery: WebhookDelivery, outcome: Outcome, now: datetime.datetime) -> tuple[Any, ...]:
    since, attempts = delivery.tried_since or now, delivery.attempts + 1
    if not outcome.error:
        status, due_at = DeliveryStatus.DELIVERED, None
    elif now >= since + GIVEN_UP_AFTER:
        status, due_at = DeliveryStatus.DEAD, None
    else:
        # The last attempt is made when the time is up.
        status, due_at = DeliveryStatus.PENDING, min(now + delay(attempts), since + GIVEN_UP_AFTER)
    return (status, attempts, due_at, None, since, now, outcome.status, outcome.duration, outcome.error)


def delay(attempts: int) -> datetime.timedelta:
    """Return how long to wait after so many failed attempts, with jitter."""
    seconds = settings.WEBHOOK_RETRY_SECONDS
    mean = seconds[min(attempts, len(seconds)) - 1]
    return datetime.timedelta(seconds=mean * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
