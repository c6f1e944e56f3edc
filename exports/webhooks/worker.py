"""The worker: makes deliveries of events, and sends them by a few threads that never touch the database."""

import datetime
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.scope import Actor
from config.core.bulk_writes import WriteTurns
from config.core.databases import seconds_since
from config.core.encryption import SealBroken
from config.core.exceptions import NotFound
from config.core.metrics import count_delivery
from exports.models import PAUSED_AFTER, WebhookEndpoint
from exports.services import pause_endpoint, secrets_of
from exports.webhooks import leases
from exports.webhooks.leases import Lease
from exports.webhooks.messages import bodies
from exports.webhooks.outbox import OutboxReader
from exports.webhooks.signatures import signature_headers
from exports.webhooks.transport import Outcome, Session

logger = logging.getLogger(__name__)

# Seconds between two looks at the outbox where nothing happens, and after a failure such as that the database is away.
IDLE_SECONDS, AWAY_SECONDS = 0.5, 2
# Connections to one endpoint; to one that is failing, or wants its messages in order, there is one.
CONNECTIONS_AN_ENDPOINT = 4
# An endpoint that fails is let alone for as long as a message that fails, but for no longer than so many seconds.
LONGEST_REST = 60
# After so many failures on end a success means that the endpoint has recovered, not that it dislikes single messages.
FAILURES_OF_AN_OUTAGE = 3


@dataclass
class Stop:
    """Whether the worker is to end. A signal handler may set it: unlike an Event it has no lock."""

    requested: bool = False


class _Batch(NamedTuple):
    """What a thread sends: (id, body) of each message, in order."""

    url: str
    secrets: list[str]
    messages: list[tuple[str, bytes]]


def send(batch: _Batch, stop: Stop) -> list[Outcome]:
    """Send messages one after another, until one fails, the time is over or the worker stops; return what came of them."""
    session, outcomes, end = Session(batch.url), list[Outcome](), time.monotonic() + leases.batch_seconds()
    try:
        for message_id, body in batch.messages:
            outcomes.append(session.post(body, signature_headers(batch.secrets, message_id, int(time.time()), body)))
            if outcomes[-1].error or stop.requested or time.monotonic() > end:
                break
    finally:
        session.close()
    return outcomes


def _not_readable() -> list[Outcome]:
    """Return what comes of messages that no secret signs."""
    return [Outcome(None, 0, "secret not readable")]


@dataclass
class _Pace:
    """How an endpoint has fared with this worker: failures since the last success, and until when it is let alone."""

    failures: int = 0
    rests_until: float = 0.0

    def note(self, *, failed: bool) -> None:
        """Note what came of the last message of a batch."""
        self.failures = self.failures + 1 if failed else 0
        rest = min(leases.delay(self.failures).total_seconds(), LONGEST_REST) if failed else 0.0
        self.rests_until = time.monotonic() + rest


class Worker:
    """Delivers until it is told to stop. Any number may run at once, on one machine or on several.

    The threads do nothing but send, and put what came of it into a queue; this object alone uses the database.
    """

    def __init__(self, stop: Stop | None = None):
        self._stop = stop or Stop()
        self._actor = Actor.system("deliver_webhooks")
        self._turns = WriteTurns()
        self._reader = OutboxReader()
        self._paces: dict[int, _Pace] = defaultdict(_Pace)
        self._under_way: Counter[int] = Counter()
        self._of_organization: Counter[int] = Counter()
        self._finished: SimpleQueue[tuple[Lease, list[Outcome]]] = SimpleQueue()
        self._unrecorded: list[tuple[Lease, list[Outcome]]] = []

    def run(self, *, once: bool = False, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Deliver until `Stop` is requested or `is_wanted` is false, or `once`: until there is nothing to send at the moment."""
        with ThreadPoolExecutor(settings.WEBHOOK_CONNECTIONS, "webhook") as pool:
            while not self._stop.requested and is_wanted():
                try:
                    has_worked = self._step(pool)
                except Exception as error:
                    if once:
                        raise
                    self._wait_after(error)
                    continue
                if once and not has_worked and not self._under_way.total():
                    break
                self._collect(0 if has_worked else IDLE_SECONDS)
            self._stop.requested = True
        self._collect(0)
        self._record()

    def _step(self, pool: ThreadPoolExecutor) -> bool:
        """Do what is to be done now; return whether there was anything."""
        has_recorded = self._record()
        has_read = self._reader.make_deliveries() > 0
        return self._begin(pool) or has_read or has_recorded

    def _wait_after(self, error: Exception) -> None:
        """Go on later on a new connection: a worker that ended would send nothing more."""
        if isinstance(error, Error):
            logger.warning("The database does not answer: %s", type(error).__name__)
        else:
            logger.error("The worker has failed", exc_info=error)
        connection.close()
        time.sleep(AWAY_SECONDS)

    # --- sending ----------------------------------------------------------------------------------
    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Give threads that are free something to send."""
        if self._under_way.total() >= settings.WEBHOOK_CONNECTIONS:
            return False
        has_begun = False
        # Whose organization has the fewest connections comes first, so that slow receivers leave room for those of others.
        due = leases.due_endpoints()
        for endpoint in sorted(due, key=lambda one: (self._of_organization[one.organization_id], self._under_way[one.pk])):
            if self._under_way.total() < settings.WEBHOOK_CONNECTIONS and self._has_room(endpoint):
                has_begun = self._begin_for(endpoint, pool) or has_begun
        return has_begun

    def _has_room(self, endpoint: WebhookEndpoint) -> bool:
        pace = self._paces[endpoint.pk]
        most = 1 if pace.failures or endpoint.ordered_by_patient else CONNECTIONS_AN_ENDPOINT
        return self._under_way[endpoint.pk] < most and time.monotonic() >= pace.rests_until

    def _begin_for(self, endpoint: WebhookEndpoint, pool: ThreadPoolExecutor) -> bool:
        with self._turns.turn():
            lease = leases.take(endpoint.pk)
        if lease is None:
            return False
        try:
            work: Callable[[], list[Outcome]] = partial(send, _batch(lease), self._stop)
        except SealBroken:
            work = _not_readable
        self._under_way[endpoint.pk] += 1
        self._of_organization[endpoint.organization_id] += 1
        pool.submit(work).add_done_callback(partial(self._finish, lease))
        return True

    def _finish(self, lease: Lease, future: Future[list[Outcome]]) -> None:
        """Hand over what a thread has finished; in that thread."""
        error = future.exception()
        if error is not None:
            logger.error("A thread has failed", exc_info=error)
        self._finished.put((lease, [Outcome(None, 0, gettext_noop("not sent"))] if error else future.result()))

    # --- recording --------------------------------------------------------------------------------
    def _collect(self, seconds: float) -> None:
        """Take what the threads have finished, waiting so long for the first."""
        with suppress(Empty):
            self._unrecorded.append(self._finished.get(timeout=seconds) if seconds else self._finished.get_nowait())
            while True:
                self._unrecorded.append(self._finished.get_nowait())

    def _record(self) -> bool:
        """Record what was finished; what could not be is tried again."""
        if not self._unrecorded:
            return False
        with self._turns.turn():
            endpoints = leases.lock_endpoints({lease.endpoint.pk for lease, _ in self._unrecorded})
            for lease, outcomes in self._unrecorded:
                leases.record(lease, outcomes)
                self._note(endpoints[lease.endpoint.pk], outcomes)
        for lease, outcomes in self._unrecorded:
            _count(lease, outcomes)
            self._under_way[lease.endpoint.pk] -= 1
            self._of_organization[lease.endpoint.organization_id] -= 1
            if outcomes:
                self._paces[lease.endpoint.pk].note(failed=bool(outcomes[-1].error))
        self._unrecorded.clear()
        return True

    def _note(self, endpoint: WebhookEndpoint, outcomes: list[Outcome]) -> None:
        """Note whether an endpoint works, and pause it where it has failed for too long."""
        if any(not outcome.error for outcome in outcomes):
            # Another worker, or this one before it was started again, may have seen the failures.
            long_ago = timezone.now() - datetime.timedelta(seconds=LONGEST_REST)
            failed_for_long = endpoint.failing_since is not None and endpoint.failing_since < long_ago
            has_failed_often = self._paces[endpoint.pk].failures >= FAILURES_OF_AN_OUTAGE
            leases.note_success(endpoint, recovered=failed_for_long or has_failed_often)
        if not outcomes or not outcomes[-1].error:
            return
        logger.warning("Webhook endpoint %s: %s", endpoint.uuid, outcomes[-1].error)
        if leases.note_failure(endpoint) <= timezone.now() - PAUSED_AFTER:
            with suppress(NotFound):
                pause_endpoint(actor=self._actor, endpoint=endpoint)


def _count(lease: Lease, outcomes: list[Outcome]) -> None:
    for delivery, outcome in zip(lease.deliveries, outcomes, strict=False):
        age = seconds_since(delivery.event.created_at)
        count_delivery(age, arrived=not outcome.error, first=delivery.attempts == 0)


def _batch(lease: Lease) -> _Batch:
    # The endpoint is loaded once, and not with each of its messages.
    for delivery in lease.deliveries:
        delivery.endpoint = lease.endpoint
    ids = [str(delivery.event.uuid) for delivery in lease.deliveries]
    return _Batch(lease.endpoint.url, secrets_of(lease.endpoint), list(zip(ids, bodies(lease.deliveries), strict=True)))
