"""The worker: each event reaches each endpoint that wants it, whatever becomes of single attempts."""

import datetime
import io
import time
from concurrent.futures import Future
from itertools import pairwise
from unittest.mock import Mock

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent
from accounts.models.events import REMOVED_AFTER
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint, WebhookStatus
from exports.services import archive_endpoint, replay_delivery, replay_since, send_test, update_endpoint
from exports.webhooks import leases, worker
from exports.webhooks.outbox import OutboxReader
from exports.webhooks.transport import Outcome
from exports.webhooks.worker import Worker
from patients.services.lifecycle import transition_status
from tests.clock import wait_for_the_next_moment
from tests.concurrency.servers import free_port
from tests.factories import SYSTEM
from tests.receivers import allowed, receiving

PATIENCE = 20
PATIENTS = ["patient.created", "patient.updated", "patient.active", "patient.inactive"]


@pytest.fixture(autouse=True)
def no_older_events(db):
    OutboxEvent.objects.all().delete()


@pytest.fixture
def endpoint(clinic):
    """Return what makes an endpoint for patients at an address."""

    def make(url, *, of=clinic, **values) -> WebhookEndpoint:
        return of.endpoint(url, **{"event_types": PATIENTS} | values)

    return make


class Pool:
    """Threads that finish when a test says so."""

    def __init__(self):
        self.futures: list[Future] = []

    def submit(self, work) -> Future:
        self.futures.append(Future())
        return self.futures[-1]


def deliver() -> None:
    """Send everything that is due; a worker that does not come to an end is stopped."""
    given_up = time.monotonic() + PATIENCE
    Worker().run(once=True, is_wanted=lambda: time.monotonic() < given_up)


def later(monkeypatch, **time: float) -> None:
    """Move the program's clock."""
    now = timezone.now() + datetime.timedelta(**time)
    monkeypatch.setattr(timezone, "now", lambda: now)


def deliveries(row: WebhookEndpoint) -> list[tuple]:
    found = WebhookDelivery.objects.filter(endpoint=row).order_by("event_id")
    return list(found.values_list("status", "attempts", "response_status", "error"))


def test_what_happens_is_sent_to_each_endpoint_that_wants_it_and_to_no_other_clinic(clinic, neighbour, endpoint):
    with receiving() as one, receiving() as foreign, receiving() as many:
        clinic.patient()
        wait_for_the_next_moment()
        told_all, told_some = endpoint(many.url, event_types=None), endpoint(one.url)
        endpoint(foreign.url, of=neighbour)
        patient, other = clinic.patient(), neighbour.patient()
        deliver()
    told = [message.json["data"]["patient_uuid"] for message in one.messages]
    assert told == [str(patient.uuid)], "nothing from before it was made, nothing of types that it has not chosen"
    assert [message.json["data"]["patient_uuid"] for message in foreign.messages] == [str(other.uuid)]
    types = [message.json["type"] for message in many.messages]
    assert types == ["webhook_endpoint.created", "webhook_endpoint.created", "patient.created"]
    assert len(deliveries(told_all)) == 3
    assert deliveries(told_some) == [(DeliveryStatus.DELIVERED, 1, 204, "")]


def test_slow_receivers_of_one_organization_leave_room_for_those_of_another(clinic, neighbour, endpoint, settings):
    settings.WEBHOOK_CONNECTIONS = 4
    for number in range(6):
        endpoint(f"https://slow{number}.clinic.example/")
    other = endpoint("https://hooks.elsewhere.example/", of=neighbour)
    for _ in range(2):
        clinic.patient()
    neighbour.patient()
    pool, slow = Pool(), Worker()
    OutboxReader().make_deliveries()
    slow._begin(pool)
    pool.futures[0].set_result([Outcome(200, 9_900, "")])
    slow._collect(0)
    slow._record()
    slow._begin(pool)
    assert (slow._under_way[other.pk], slow._under_way.total()) == (1, 4)


@pytest.mark.parametrize("again", ["resumed", "replayed"])
def test_what_is_sent_again_is_still_in_order(clinic, endpoint, monkeypatch, again):
    row = endpoint("https://hooks.clinic.example/", ordered_by_patient=True)
    patient = clinic.patient()
    OutboxReader().make_deliveries()
    leases.record(leases.take(row.pk), [Outcome(500, 1, "answered 500")])
    transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=1, new_status="inactive")
    OutboxReader().make_deliveries()
    if again == "resumed":
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=1, changes={"status": "paused"})
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=2, changes={"status": "active"})
    else:
        replay_delivery(actor=SYSTEM, delivery=WebhookDelivery.objects.order_by("event_id").first())
    later(monkeypatch, seconds=10)
    assert leases.take(row.pk).deliveries[0].event.type == "patient.created"


def test_a_worker_that_did_not_see_the_outage_sends_what_waits_when_it_is_over(clinic, endpoint):
    row, now = endpoint("https://hooks.clinic.example/"), timezone.now()
    clinic.patient()
    OutboxReader().make_deliveries()
    since = now - datetime.timedelta(minutes=50)
    WebhookDelivery.objects.update(attempts=6, tried_since=since, due_at=now + datetime.timedelta(hours=8))
    WebhookEndpoint.objects.filter(pk=row.pk).update(failing_since=since)
    clinic.patient()
    OutboxReader().make_deliveries()
    pool, fresh = Pool(), Worker()
    fresh._begin(pool)
    pool.futures[0].set_result([Outcome(200, 1, "")])
    fresh._collect(0)
    fresh._record()
    assert WebhookDelivery.objects.get(attempts=6).due_at < now + datetime.timedelta(minutes=1)


def test_nothing_is_sent_twice_by_two_workers_that_take_turns(clinic, endpoint):
    with receiving() as receiver:
        endpoint(receiver.url)
        clinic.patient()
        first, second = Worker(), Worker()
        first.run(once=True)
        second.run(once=True)
    assert len(receiver.messages) == 1


def test_messages_of_one_batch_come_over_one_connection(clinic, endpoint):
    with receiving() as receiver:
        endpoint(receiver.url)
        for _ in range(5):
            clinic.patient()
        deliver()
    assert len(receiver.messages) == 5
    assert len({message.connection for message in receiver.messages}) == 1


def test_a_receiver_that_closes_its_connections_gets_every_message_once(clinic, endpoint):
    def answer(handler, message):
        handler.close_connection = True
        return 200

    with receiving(answer) as receiver:
        endpoint(receiver.url)
        for _ in range(3):
            clinic.patient()
        deliver()
    assert len(receiver.ids) == len(set(receiver.ids)) == 3


@pytest.mark.parametrize("status", [300, 302, 404, 410, 500, 503])
def test_everything_but_2xx_is_a_failure_and_is_tried_again_later(clinic, endpoint, monkeypatch, status):
    with receiving(lambda handler, message: status) as receiver:
        row = endpoint(receiver.url)
        clinic.patient()
        deliver()
        deliver()
        assert len(receiver.messages) == 1, "it is not yet time"
        ((state, attempts, answered, error),) = deliveries(row)
        assert (state, attempts, answered) == (DeliveryStatus.PENDING, 1, status)
        assert error == ("redirect not followed" if status < 400 else f"answered {status}")
        receiver.answer = lambda handler, message: 202
        later(monkeypatch, seconds=7)
        deliver()
    assert deliveries(row) == [(DeliveryStatus.DELIVERED, 2, 202, "")]
    assert len(set(receiver.ids)) == 1


def test_a_redirect_leads_nowhere(clinic, endpoint):
    with receiving() as elsewhere, receiving(lambda handler, message: None) as receiver:
        receiver.answer = lambda handler, message: handler.answer(307, Location=elsewhere.url)
        row = endpoint(receiver.url)
        clinic.patient()
        deliver()
    assert elsewhere.messages == []
    assert deliveries(row) == [(DeliveryStatus.PENDING, 1, 307, "redirect not followed")]


def test_retries_go_on_for_two_days_in_growing_steps_and_then_the_message_is_dead(clinic, endpoint, monkeypatch):
    with receiving(lambda handler, message: 500) as receiver:
        row = endpoint(receiver.url)
        clinic.patient()
        start, moments = timezone.now(), []
        monkeypatch.setattr(worker, "PAUSED_AFTER", datetime.timedelta(days=9))
        while not moments or WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING).exists():
            deliver()
            moments.append(timezone.now())
            assert len(moments) < 50, "it never ends"
            if due := WebhookDelivery.objects.values_list("due_at", flat=True).get():
                monkeypatch.setattr(timezone, "now", lambda due=due: due)
        assert deliveries(row) == [(DeliveryStatus.DEAD, len(moments), 500, "answered 500")]
    waits = [after - before for before, after in pairwise(moments)]
    assert datetime.timedelta(hours=48) <= moments[-1] - start < datetime.timedelta(hours=48, minutes=1)
    assert waits[0] < datetime.timedelta(seconds=7)
    assert all(wait < 1.2 * datetime.timedelta(hours=8) for wait in waits)
    assert 12 <= len(receiver.messages) == len(moments) <= 16


def test_an_endpoint_that_fails_for_a_day_is_paused_and_told_of_and_goes_on_when_it_is_active_again(
    clinic, endpoint, monkeypatch
):
    with receiving(lambda handler, message: 500) as receiver:
        row = endpoint(receiver.url)
        clinic.patient()
        deliver()
        row.refresh_from_db()
        assert row.status == WebhookStatus.ACTIVE
        assert row.failing_since
        later(monkeypatch, hours=24, seconds=1)
        deliver()
        row.refresh_from_db()
        assert (row.status, row.version) == (WebhookStatus.PAUSED, 2)
        event = OutboxEvent.objects.get(type="webhook_endpoint.paused")
        assert (event.subject_uuid, event.version) == (row.uuid, 2)
        assert AuditEvent.objects.filter(action="webhook_endpoint.pause", organization_id=clinic.organization.pk).count() == 1
        receiver.answer = lambda handler, message: 200
        clinic.patient()
        later(monkeypatch, hours=30)
        deliver()
        assert len(receiver.messages) == 2, "nothing is sent while it is paused"
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=2, changes={"status": WebhookStatus.ACTIVE})
        deliver()
    row.refresh_from_db()
    assert (row.failing_since, len(set(receiver.ids))) == (None, 2)
    assert {state for state, *_ in deliveries(row)} == {DeliveryStatus.DELIVERED}


def test_a_success_ends_the_day_after_which_it_would_be_paused(clinic, endpoint, monkeypatch):
    with receiving(lambda handler, message: 500) as receiver:
        row = endpoint(receiver.url)
        clinic.patient()
        deliver()
        later(monkeypatch, hours=23)
        receiver.answer = lambda handler, message: 200
        deliver()
        receiver.answer = lambda handler, message: 500
        clinic.patient()
        later(monkeypatch, hours=2)
        deliver()
    row.refresh_from_db()
    assert row.status == WebhookStatus.ACTIVE


def test_what_failed_is_sent_at_once_when_an_endpoint_has_recovered(clinic, endpoint, monkeypatch):
    row = endpoint("https://hooks.clinic.example/")
    clinic.patient()
    OutboxReader().make_deliveries()
    WebhookDelivery.objects.update(attempts=9, due_at=timezone.now() + datetime.timedelta(hours=8))
    WebhookEndpoint.objects.update(failing_since=timezone.now())
    row.refresh_from_db()
    leases.note_success(row, recovered=False)
    assert leases.due_endpoints() == []
    WebhookEndpoint.objects.update(failing_since=timezone.now())
    row.refresh_from_db()
    leases.note_success(row, recovered=True)
    assert leases.due_endpoints() == [row]


def test_a_message_that_an_endpoint_dislikes_keeps_no_other_from_it(clinic, endpoint, monkeypatch):
    patients = []

    def answer(handler, message):
        return 500 if message.json["data"]["patient_uuid"] == str(patients[0].uuid) else 200

    with receiving(answer, WEBHOOK_RETRY_SECONDS=[0.01]) as receiver:
        row = endpoint(receiver.url)
        patients += [clinic.patient() for _ in range(4)]
        active = Worker()
        while sum(state == DeliveryStatus.DELIVERED for state, *_ in deliveries(row)) < 3:
            active._stop.requested = False
            active.run(once=True)
    assert next(state for state, *_ in deliveries(row)) == DeliveryStatus.PENDING
    assert {message.json["data"]["patient_uuid"] for message in receiver.messages} == {str(one.uuid) for one in patients}


def test_the_events_of_a_patient_wait_for_one_that_failed_where_order_is_asked_for(clinic, endpoint, monkeypatch):
    with receiving(lambda handler, message: 500) as receiver:
        row = endpoint(receiver.url, ordered_by_patient=True)
        first = clinic.patient()
        deliver()
        transition_status(actor=SYSTEM, patient_id=first.pk, base_version=1, new_status="inactive")
        other = clinic.patient()
        receiver.answer = lambda handler, message: 200
        deliver()
        assert [message.json["data"]["patient_uuid"] for message in receiver.messages[1:]] == [str(other.uuid)]
        later(monkeypatch, seconds=7)
        deliver()
    told = [message.json["type"] for message in receiver.messages if message.json["data"]["patient_uuid"] == str(first.uuid)]
    assert told == ["patient.created", "patient.created", "patient.inactive"]
    assert {state for state, *_ in deliveries(row)} == {DeliveryStatus.DELIVERED}


def test_one_worker_at_a_time_has_an_endpoint_that_wants_order(clinic, endpoint):
    row = endpoint("https://hooks.clinic.example/", ordered_by_patient=True)
    clinic.patient()
    OutboxReader().make_deliveries()
    lease = leases.take(row.pk)
    clinic.patient()
    OutboxReader().make_deliveries()
    assert (len(lease.deliveries), leases.due_endpoints(), leases.take(row.pk)) == (1, [], None)
    leases.record(lease, [])
    assert len(leases.take(row.pk).deliveries) == 2


def test_a_lease_that_has_ended_leaves_its_messages_to_others_and_records_nothing(clinic, endpoint, monkeypatch):
    row = endpoint("https://hooks.clinic.example/")
    clinic.patient()
    OutboxReader().make_deliveries()
    lost = leases.take(row.pk)
    assert leases.take(row.pk) is None
    later(monkeypatch, seconds=leases.lease_time().total_seconds() + 1)
    found = leases.take(row.pk)
    assert [delivery.pk for delivery in found.deliveries] == [delivery.pk for delivery in lost.deliveries]
    leases.record(lost, [leases.Outcome(500, 1, "answered 500")])
    assert deliveries(row) == [(DeliveryStatus.PENDING, 0, None, "")]
    leases.record(found, [leases.Outcome(200, 1, "")])
    assert deliveries(row) == [(DeliveryStatus.DELIVERED, 1, 200, "")]


def test_disabled_and_archived_endpoints_are_told_nothing_and_the_past_is_told_by_a_replay(clinic, endpoint):
    with receiving() as receiver:
        row = endpoint(receiver.url)
        since = timezone.now()
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=1, changes={"status": WebhookStatus.DISABLED})
        patient = clinic.patient()
        deliver()
        assert receiver.messages == []
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=2, changes={"status": WebhookStatus.ACTIVE})
        assert replay_since(actor=SYSTEM, endpoint=row, since=since).messages == 1
        deliver()
        assert [message.json["data"]["patient_uuid"] for message in receiver.messages] == [str(patient.uuid)]
        archive_endpoint(actor=SYSTEM, endpoint=row, base_version=3)
        clinic.patient()
        deliver()
    assert len(receiver.messages) == 1


def test_a_replay_sends_delivered_and_dead_messages_again_under_the_same_ids(clinic, endpoint):
    with receiving() as receiver:
        row = endpoint(receiver.url)
        since = timezone.now()
        for _ in range(3):
            clinic.patient()
        deliver()
        WebhookDelivery.objects.filter(event__uuid=receiver.ids[0]).update(status=DeliveryStatus.DEAD)
        replay_delivery(actor=SYSTEM, delivery=WebhookDelivery.objects.get(event__uuid=receiver.ids[1]))
        deliver()
        assert receiver.ids[3:] == [receiver.ids[1]]
        assert replay_since(actor=SYSTEM, endpoint=row, since=since).messages == 3
        deliver()
    assert receiver.ids[4:] == receiver.ids[:3]
    assert [attempts for _, attempts, *_ in deliveries(row)] == [1, 1, 1]


def test_a_test_is_sent_to_its_own_endpoint_whatever_types_that_has_chosen(clinic, endpoint):
    with receiving() as receiver, receiving() as other:
        row = endpoint(receiver.url)
        endpoint(other.url, event_types=None)
        send_test(actor=SYSTEM, endpoint=row)
        deliver()
    assert [message.json["type"] for message in receiver.messages] == ["webhook_endpoint.tested"]
    assert "webhook_endpoint.tested" not in [message.json["type"] for message in other.messages]


def test_an_endpoint_where_nobody_listens_does_not_stop_the_worker(clinic, endpoint):
    port = free_port()
    with receiving() as receiver, allowed(port):
        gone, row = endpoint(f"http://127.0.0.1:{port}/"), endpoint(receiver.url)
        clinic.patient()
        deliver()
    assert deliveries(gone) == [(DeliveryStatus.PENDING, 1, None, "no connection")]
    assert deliveries(row) == [(DeliveryStatus.DELIVERED, 1, 204, "")]


def test_an_endpoint_whose_secret_cannot_be_opened_does_not_stop_the_worker(clinic, endpoint):
    with receiving() as receiver:
        row = endpoint(receiver.url)
        WebhookEndpoint.objects.filter(pk=row.pk).update(secret_sealed=row.secret_sealed[:-1] + b"x")
        clinic.patient()
        deliver()
    assert (receiver.messages, deliveries(row)) == ([], [(DeliveryStatus.PENDING, 1, None, "secret not readable")])


def test_a_worker_goes_on_after_the_database_was_away_and_after_an_error_of_its_own(clinic, endpoint, monkeypatch):
    errors = [OperationalError("away"), ValueError("broken")]
    make_deliveries = OutboxReader.make_deliveries

    def failing(reader):
        if errors:
            raise errors.pop()
        return make_deliveries(reader)

    monkeypatch.setattr(OutboxReader, "make_deliveries", failing)
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0)
    monkeypatch.setattr(worker, "connection", Mock())
    with receiving() as receiver:
        endpoint(receiver.url)
        clinic.patient()
        Worker().run(is_wanted=lambda: not receiver.messages)
    assert len(receiver.messages) == 1
    assert worker.connection.close.call_count == 2
    errors.append(OperationalError("away"))
    with pytest.raises(OperationalError):
        deliver()


def test_prune_removes_deliveries_with_their_events(clinic, endpoint):
    row = endpoint("https://hooks.clinic.example/")
    clinic.patient()
    OutboxReader().make_deliveries()
    OutboxEvent.objects.update(created_at=timezone.now() - REMOVED_AFTER - datetime.timedelta(hours=1))
    call_command("prune", stdout=io.StringIO())
    assert deliveries(row) == []


def test_the_command_ends_when_nothing_is_due(clinic, endpoint):
    with receiving() as receiver:
        endpoint(receiver.url)
        clinic.patient()
        call_command("deliver_webhooks", "--once")
    assert len(receiver.messages) == 1
