"""Workers on PostgreSQL: several at once, killed at any moment, beside transactions that commit late."""

import threading

import pytest
from django.db import connections, transaction

from accounts.models import OutboxEvent
from exports.models import DeliveryStatus, OutboxPosition, WebhookDelivery
from exports.webhooks import leases
from exports.webhooks.outbox import OutboxReader
from exports.webhooks.transport import Outcome
from tests.concurrency.servers import database_url
from tests.concurrency.threads import PATIENCE, together
from tests.concurrency.webhook_kills import loses_nothing

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def make_deliveries(reader: OutboxReader) -> None:
    while reader.make_deliveries():
        pass


def told_of() -> list[int]:
    """Return the events of which deliveries have been made, in that order."""
    return list(WebhookDelivery.objects.order_by("pk").values_list("event_id", flat=True))


def new_patients() -> list[int]:
    """Return the events of new patients."""
    return list(OutboxEvent.objects.filter(type="patient.created").order_by("pk").values_list("pk", flat=True))


def test_two_workers_that_are_killed_over_and_over_lose_nothing_and_keep_the_order():
    loses_nothing(database_url(), kills=20, workers=2)


def test_an_event_that_is_committed_late_is_not_passed_by_newer_ones(clinic):
    clinic.endpoint(event_types=["patient.created"])
    before = new_patients()
    reader, written, go_on = OutboxReader(), threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                clinic.patient()
                written.set()
                assert go_on.wait(PATIENCE)
        finally:
            connections.close_all()

    def early() -> list[int]:
        assert written.wait(PATIENCE)
        clinic.patient()
        make_deliveries(reader)
        found = told_of()
        go_on.set()
        return found

    _, found = together(late, early)
    assert found == []
    while OutboxPosition.objects.get().event_id < OutboxEvent.objects.latest("pk").pk:
        reader.make_deliveries()
    assert told_of() == new_patients()[len(before) :]
    assert len(told_of()) == 2


def test_many_readers_at_once_make_each_delivery_once(clinic):
    clinic.endpoint(event_types=["patient.created"])
    before = len(new_patients())
    for _ in range(20):
        clinic.patient()
    OutboxPosition.objects.all().delete()
    together(*[lambda: make_deliveries(OutboxReader())] * 4)
    make_deliveries(OutboxReader())
    assert told_of() == new_patients()[before:]


def test_many_workers_at_once_take_each_message_once(clinic, monkeypatch):
    monkeypatch.setattr(leases, "BATCH", 3)
    row = clinic.endpoint(event_types=["patient.created"])
    for _ in range(20):
        clinic.patient()
    make_deliveries(OutboxReader())

    def work() -> list[int]:
        taken = []
        while True:
            with transaction.atomic():
                lease = leases.take(row.pk)
            if lease is None:
                return taken
            taken += [delivery.pk for delivery in lease.deliveries]
            with transaction.atomic():
                leases.lock_endpoints([row.pk])
                leases.record(lease, [Outcome(200, 1, "")] * len(lease.deliveries))

    taken = [pk for each in together(*[work] * 4) for pk in each] + work()
    assert len(taken) == len(set(taken)) == 20
    assert WebhookDelivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 20
