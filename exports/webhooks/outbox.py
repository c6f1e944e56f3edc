"""Making deliveries of what is in the outbox: each event once for each endpoint that wants it, in the order of commit.

One position is kept for all organizations, the id of an event. Ids are given in the order in which events are written; where
one was written by a transaction that is still open, the position stays before it.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import Case, Max, Q, QuerySet, When
from django.utils import timezone

from accounts.models import OutboxEvent
from config.core.bulk_writes import WriteTurns, insert_values
from config.core.databases import database_clock, horizon
from config.core.orm import uuid7
from exports.models import DeliveryStatus, OutboxPosition, WebhookDelivery, WebhookEndpoint, WebhookFormat, WebhookStatus
from exports.webhooks.messages import luscii_types

# The event of a test.
TESTED = "webhook_endpoint.tested"
# Events for which deliveries are made in one transaction.
BATCH = 500
# Events that one request replays.
REPLAYED_AT_ONCE = 10_000


class _Mark(NamedTuple):
    """The last event that there was, and a moment after that."""

    event_id: int
    moment: datetime.datetime


class OutboxReader:
    """Reads the outbox from the position on. Several may do so: one of them at a time makes deliveries."""

    def __init__(self) -> None:
        self._turns = WriteTurns()
        self._mark: _Mark | None = None
        self._settled = 0
        OutboxPosition.objects.get_or_create(pk=1)

    def make_deliveries(self) -> int:
        """Make the deliveries of the next events; return how many events these are."""
        settled = self._last_settled()
        if OutboxPosition.objects.filter(event_id__gte=settled).exists():
            return 0
        with self._turns.turn():
            position = OutboxPosition.objects.select_for_update(skip_locked=True).first()
            if position is None:
                return 0
            waiting = OutboxEvent.objects.filter(pk__gt=position.event_id, pk__lte=settled)
            events = list(waiting.order_by("pk")[:BATCH])
            insert_deliveries(wanted(events))
            reached = events[-1].pk if len(events) == BATCH else settled
            OutboxPosition.objects.filter(event_id__lt=reached).update(event_id=reached)
        return len(events)

    def _last_settled(self) -> int:
        """Return the id of an event up to which none will appear any more.

        The transactions that were open when the mark was set may still add events before it. When the horizon has passed
        that moment they have ended.
        """
        if self._mark is not None and self._mark.moment < horizon():
            self._settled, self._mark = self._mark.event_id, None
        if self._mark is None:
            mark = _Mark(OutboxEvent.objects.aggregate(last=Max("pk"))["last"] or 0, database_clock())
            if mark.moment < horizon():
                self._settled = mark.event_id
            else:
                self._mark = mark
        return self._settled


def wanted(events: Collection[OutboxEvent]) -> Iterator[tuple[WebhookEndpoint, OutboxEvent]]:
    """Yield each of `events` with each endpoint of its organization that is to be told of it."""
    found = defaultdict(list)
    enabled = WebhookEndpoint.objects.filter(organization_id__in={event.organization_id for event in events}, deleted_at=None)
    for endpoint in enabled.exclude(status=WebhookStatus.DISABLED).order_by("pk"):
        found[endpoint.organization_id].append(endpoint)
    return ((endpoint, event) for event in events for endpoint in found[event.organization_id] if wants(endpoint, event))


def wants(endpoint: WebhookEndpoint, event: OutboxEvent) -> bool:
    """Tell whether `endpoint` is to be told of `event`: one of its types, since it was made. Its test is for itself alone."""
    if event.type == TESTED:
        return event.subject_uuid == endpoint.uuid
    if event.created_at < endpoint.created_at:
        return False
    if endpoint.format == WebhookFormat.LUSCII and event.type not in luscii_types():
        return False
    return endpoint.event_types is None or event.type in endpoint.event_types


def insert_deliveries(pairs: Iterable[tuple[WebhookEndpoint, OutboxEvent]], due_at: datetime.datetime | None = None) -> None:
    """Insert a delivery of each event for the endpoint beside it, due since the event happened or from `due_at` on.

    What is due first is sent first. The moments of the events are of one clock, which those of several workers are not.
    """
    given = {"status": DeliveryStatus.PENDING, "attempts": 0, "error": "", "created_at": timezone.now()}
    names = ("uuid", "organization_id", "endpoint_id", "event_id", "patient_id", "due_at", *given)
    rows = [
        (uuid7(), event.organization_id, endpoint.pk, event.pk, event.patient_id, due_at or event.created_at, *given.values())
        for endpoint, event in pairs
    ]
    insert_values(WebhookDelivery, names, rows)


class Replayed(NamedTuple):
    """How many messages are sent again, and from which moment on there are more; None where there are none."""

    messages: int
    more_since: datetime.datetime | None


def replay(endpoint: WebhookEndpoint, since: datetime.datetime) -> Replayed:
    """Let `endpoint` be told again of what has happened since a moment, and of what it has not been told, the oldest first.

    That is done up to the position, at which the worker goes on; nobody moves that meanwhile.
    """
    OutboxPosition.objects.get_or_create(pk=1)
    with transaction.atomic():
        position = OutboxPosition.objects.select_for_update().get()
        since = max(since, endpoint.created_at)
        rows = OutboxEvent.objects.filter(
            organization_id=endpoint.organization_id, created_at__gte=since, pk__lte=position.event_id
        )
        events = list(rows.order_by("created_at", "pk")[: REPLAYED_AT_ONCE + 1])
        more = events[-1].created_at if len(events) > REPLAYED_AT_ONCE else None
        return Replayed(_replay(endpoint, [event for event in events[:REPLAYED_AT_ONCE] if wants(endpoint, event)]), more)


def _replay(endpoint: WebhookEndpoint, events: list[OutboxEvent]) -> int:
    # One moment for all: what is due at the same moment is sent in the order of the events.
    told, now = set[int](), timezone.now()
    for start in range(0, len(events), BATCH):
        ids = [event.pk for event in events[start : start + BATCH]]
        known = WebhookDelivery.objects.filter(endpoint=endpoint, event_id__anyof=ids)
        told |= set(known.values_list("event_id", flat=True))
        make_pending(known, now)
    insert_deliveries(((endpoint, event) for event in events if event.pk not in told), now)
    return len(events)


def make_pending(deliveries: QuerySet, now: datetime.datetime) -> int:
    """Let `deliveries` be sent from now on as if they had never been; return how many. Those on their way stay there.

    What has failed counts one attempt on: it still holds back what follows of the same patient (`leases.take`).
    """
    idle = deliveries.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    attempts = Case(When(status=DeliveryStatus.PENDING, attempts__gt=0, then=1), default=0)
    return idle.update(status=DeliveryStatus.PENDING, attempts=attempts, tried_since=None, due_at=now, leased_until=None)


def retried(endpoint_id: int) -> QuerySet:
    """Return the messages to an endpoint that have failed and are to be sent again."""
    return WebhookDelivery.objects.filter(endpoint_id=endpoint_id, status=DeliveryStatus.PENDING, attempts__gt=0)
