"""What /metrics tells of webhooks: what waits for a worker, how endpoints fare, and what became of attempts."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import OutboxEvent
from exports.metrics import webhook_metrics
from exports.models import WebhookDelivery, WebhookEndpoint, WebhookStatus
from exports.services import archive_endpoint, update_endpoint
from exports.webhooks.outbox import OutboxReader
from exports.webhooks.worker import Worker
from tests.factories import SYSTEM
from tests.receivers import receiving
from tests.test_metrics import counted


@pytest.fixture(autouse=True)
def no_older_events(db):
    OutboxEvent.objects.all().delete()


def told() -> dict[str, float]:
    """Return the values by name, with the label where there is one."""
    samples = [sample for metric in webhook_metrics() for sample in metric.samples]
    return {".".join([one.name.removeprefix("anamnesis_webhook_"), *one.labels.values()]): one.value for one in samples}


def test_an_event_waits_to_be_read_then_to_be_tried_then_for_nothing(clinic):
    with receiving() as receiver:
        clinic.endpoint(receiver.url, event_types=["patient.created"])
        clinic.patient()
        found = told()
        assert found["unread_seconds"] > 0
        assert (found["untried_seconds"], found["pending.no"], found["pending.yes"]) == (0, 0, 0)
        reader = OutboxReader()
        while reader.make_deliveries():
            pass
        found = told()
        assert (found["unread_seconds"], found["pending.no"], found["pending.yes"]) == (0, 1, 0)
        assert found["untried_seconds"] > 0
        Worker().run(once=True)
    found = told()
    assert (found["unread_seconds"], found["untried_seconds"], found["pending.no"], found["pending.yes"]) == (0, 0, 0, 0)


def test_what_happens_waits_for_nobody_where_nobody_is_to_be_told(clinic):
    clinic.patient()
    assert told()["unread_seconds"] == 0
    row = clinic.endpoint("https://hooks.example/in")
    assert told()["unread_seconds"] > 0
    archive_endpoint(actor=SYSTEM, endpoint=WebhookEndpoint.objects.get(pk=row.pk), base_version=1)
    assert told()["unread_seconds"] == 0


def test_endpoints_are_told_by_how_they_fare(clinic):
    rows = [clinic.endpoint(f"https://hooks.example/{number}") for number in range(4)]
    WebhookEndpoint.objects.filter(pk=rows[0].pk).update(failing_since=timezone.now() - datetime.timedelta(hours=1))
    for row, status in ((rows[1], WebhookStatus.PAUSED), (rows[2], WebhookStatus.DISABLED)):
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=1, changes={"status": status})
    found = told()
    assert [found[f"endpoints.{state}"] for state in ("working", "failing", "paused")] == [1, 1, 1]


def test_attempts_are_counted_by_outcome_and_arrivals_by_whether_it_was_the_first(clinic, monkeypatch):
    def numbers() -> list[float]:
        outcomes = [counted("anamnesis_webhook_deliveries_total", outcome=word) for word in ("delivered", "failed")]
        return outcomes + [counted("anamnesis_webhook_lag_seconds_count", first=word) for word in ("yes", "no")]

    before = numbers()
    with receiving() as receiver:
        clinic.endpoint(receiver.url, event_types=["patient.created"])
        clinic.patient()
        Worker().run(once=True)
        receiver.answer = lambda handler, message: 500
        clinic.patient()
        Worker().run(once=True)
        WebhookDelivery.objects.filter(attempts__gt=0, status="pending").update(
            due_at=timezone.now() - datetime.timedelta(hours=1)
        )
        assert (told()["pending.yes"], told()["untried_seconds"]) == (1, 0)
        receiver.answer = lambda handler, message: 200
        later = timezone.now() + datetime.timedelta(seconds=30)
        monkeypatch.setattr(timezone, "now", lambda: later)
        Worker().run(once=True)
    assert [after - count for after, count in zip(numbers(), before, strict=True)] == [2, 1, 1, 1]
