"""Webhook endpoints through the practice API: for administrators, versioned, audited, secrets shown once."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent, Role
from config.core.exceptions import Invalid
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from exports.services import MAX_ENDPOINTS, secrets_of
from exports.webhooks import outbox
from exports.webhooks.outbox import OutboxReader

URL = "https://hooks.clinic.example/anamnesis"


@pytest.fixture
def path(clinic) -> str:
    return f"{clinic.base}/webhook-endpoints"


def stored(answer) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(uuid=answer.json()["id"])


def test_the_secret_is_in_the_answer_that_creates_an_endpoint_and_in_no_other(clinic, api, path):
    made = api().post(path, {"url": URL, "description": "Letters", "event_types": ["patient.created"]})
    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    row = stored(made)
    assert secrets_of(row) == [secret]
    assert secret.encode() not in bytes(row.secret_sealed)
    assert row.created_by == clinic.users[Role.HC_ADMIN]
    one = f"{path}/{row.uuid}"
    changed = api().patch(one, {"base_version": 1, "description": "Other letters"})
    for answer in (
        api().get(path),
        api().get(one),
        changed,
        api().post(f"{one}/test"),
        api().post(f"{one}/archive", {"base_version": 2}),
    ):
        assert answer.status_code == 200, answer.content
        assert secret not in answer.content.decode()
        assert "secret" not in answer.content.decode().replace("webhook_endpoint.secret_rotated", "")


def test_each_change_is_audited_published_and_counted(clinic, api, path):
    one = f"{path}/{api().post(path, {'url': URL, 'description': 'x'}).json()['id']}"
    api().patch(one, {"base_version": 1, "status": "paused"})
    api().patch(one, {"base_version": 2, "status": "active"})
    api().post(f"{one}/test")
    api().post(f"{one}/replay", {"since": timezone.now().isoformat()})
    api().post(f"{one}/rotate-secret", {"base_version": 3})
    api().post(f"{one}/archive", {"base_version": 4})
    events = OutboxEvent.objects.filter(type__startswith="webhook_endpoint.", organization_id=clinic.organization.pk)
    assert list(events.order_by("pk").values_list("type", "version")) == [
        ("webhook_endpoint.created", 1),
        ("webhook_endpoint.updated", 2),
        ("webhook_endpoint.updated", 3),
        ("webhook_endpoint.tested", 3),
        ("webhook_endpoint.replayed", 3),
        ("webhook_endpoint.secret_rotated", 4),
        ("webhook_endpoint.archived", 5),
    ]
    actions = AuditEvent.objects.filter(subject="webhook_endpoint").order_by("pk").values_list("action", "changed_fields")
    assert list(actions) == [
        ("webhook_endpoint.create", ""),
        ("webhook_endpoint.update", "status"),
        ("webhook_endpoint.update", "status"),
        ("webhook_endpoint.test", ""),
        ("webhook_endpoint.replay", ""),
        ("webhook_endpoint.rotate_secret", "secret"),
        ("webhook_endpoint.archive", "deleted_at"),
    ]


@pytest.mark.parametrize("action", ["", "/archive", "/rotate-secret"])
def test_a_change_of_another_version_is_a_conflict(clinic, api, path, action):
    row = clinic.endpoint()
    before = secrets_of(row)
    answer = api()("POST" if action else "PATCH", f"{path}/{row.uuid}{action}", {"base_version": 7, "description": "y"})
    assert answer.status_code == 409
    assert answer.json() == {"detail": "Version conflict: expected 1, got 7"}
    row.refresh_from_db()
    assert (row.version, row.deleted_at, secrets_of(row)) == (1, None, before)


def test_an_archived_endpoint_is_read_and_changed_no_more(clinic, api, path):
    one = f"{path}/{clinic.endpoint().uuid}"
    assert api().post(f"{one}/archive", {"base_version": 1}).status_code == 200
    assert api().get(one).json()["deleted_at"]
    assert api().get(path).json()["total"] == 0
    assert api().get(f"{one}/deliveries").status_code == 200
    for action, body in {
        "rotate-secret": {"base_version": 2},
        "test": {},
        "replay": {"since": timezone.now().isoformat()},
    }.items():
        assert api().post(f"{one}/{action}", body).status_code == 404
    assert api().patch(one, {"base_version": 2, "status": "disabled"}).status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"event_types": ["patient.born"]}, "event_types"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["patient.created", "patient.created"]}, "event_types"),
        ({"event_types": ["measurement.created"], "format": "luscii"}, "event_types"),
        ({"format": "fhir"}, "format"),
        ({"description": " "}, "description"),
        ({"url": "ftp://hooks.clinic.example/"}, "url"),
        ({"url": f"{URL}/{'a' * 2000}"}, "url"),
    ],
)
def test_what_an_endpoint_may_not_be_is_refused_when_it_is_made_and_when_it_is_changed(clinic, api, path, values, field):
    row = clinic.endpoint()
    answers = [
        api().post(path, {"url": URL, "description": "x", **values}),
        api().patch(f"{path}/{row.uuid}", {"base_version": 1, **values}),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.content
        assert answer.json()["detail"][0]["loc"][:2] == ["body", field]
    assert WebhookEndpoint.objects.filter(organization=clinic.organization).count() == 1


def test_a_format_and_types_that_were_stored_before_are_held_against_each_other(clinic, api, path):
    row = clinic.endpoint(event_types=["measurement.created"])
    answer = api().patch(f"{path}/{row.uuid}", {"base_version": 1, "format": "luscii"})
    assert answer.json()["detail"][0]["loc"] == ["body", "event_types"]


def test_an_organization_has_so_many_endpoints_and_no_more(clinic, monkeypatch):
    monkeypatch.setattr("exports.services.MAX_ENDPOINTS", 2)
    assert MAX_ENDPOINTS == 50
    clinic.endpoint(), clinic.endpoint()
    with pytest.raises(Invalid):
        clinic.endpoint()


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_only_an_active_endpoint_is_tested(clinic, api, path, status):
    row = clinic.endpoint()
    api().patch(f"{path}/{row.uuid}", {"base_version": 1, "status": status})
    answer = api().post(f"{path}/{row.uuid}/test")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "status"])


def test_the_log_shows_the_newest_first_by_pages_and_by_status(clinic, api, path):
    row = clinic.endpoint(event_types=["patient.created"])
    for _ in range(3):
        clinic.patient()
        while OutboxReader().make_deliveries():
            pass
    events = list(OutboxEvent.objects.filter(type="patient.created").order_by("-pk").values_list("uuid", flat=True)[:3])
    WebhookDelivery.objects.filter(event__uuid=events[0]).update(
        status=DeliveryStatus.DEAD, attempts=14, due_at=None, response_status=500, duration=12, error="answered 500"
    )
    log = f"{path}/{row.uuid}/deliveries"
    first = api().get(log, {"first": 2}).json()
    rest = api().get(log, {"first": 2, "after": first["page_info"]["end_cursor"]}).json()
    assert [one["event_id"] for one in first["data"] + rest["data"]] == list(map(str, events))
    assert [one["event_id"] for one in api().get(log, {"status": "dead"}).json()["data"]] == [str(events[0])]
    dead = first["data"][0]
    assert {name: dead[name] for name in ("attempts", "next_attempt_at", "response_status", "duration_ms", "error")} == {
        "attempts": 14,
        "next_attempt_at": None,
        "response_status": 500,
        "duration_ms": 12,
        "error": "answered 500",
    }
    assert api().get(log, {"status": "lost"}).status_code == 422


def test_lists_cost_the_same_however_long_they_are(clinic, api, path):
    row = clinic.endpoint()
    client, log = api(), f"{path}/{row.uuid}/deliveries"
    costs = []
    for _ in range(2):
        for address in (path, log):
            assert client.get(address).status_code == 200
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            costs.append(len(queries))
        for _ in range(12):
            clinic.endpoint()
        while OutboxReader().make_deliveries():
            pass
    assert costs[:2] == costs[2:]
    assert api().get(path).json()["total"] == 25
    assert len(api().get(log).json()["data"]) >= 24


def test_one_message_is_replayed_by_its_id_and_one_of_another_endpoint_is_unknown(clinic, neighbour, api, path):
    row, other, foreign = clinic.endpoint(), clinic.endpoint(), neighbour.endpoint()
    while OutboxReader().make_deliveries():
        pass
    WebhookDelivery.objects.update(status=DeliveryStatus.DEAD, due_at=None)
    one = WebhookDelivery.objects.filter(endpoint=row).first()
    answer = api().post(f"{path}/{row.uuid}/replay", {"delivery_uuid": str(one.uuid)})
    assert (answer.status_code, answer.json()) == (200, {"messages": 1, "more_since": None})
    one.refresh_from_db()
    assert (one.status, one.attempts) == (DeliveryStatus.PENDING, 0)
    hidden = [WebhookDelivery.objects.filter(endpoint=each).first().uuid for each in (other, foreign)]
    for unknown in (*hidden, uuid.uuid4()):
        answer = api().post(f"{path}/{row.uuid}/replay", {"delivery_uuid": str(unknown)})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Webhook delivery not found"})
    assert WebhookDelivery.objects.filter(uuid__in=hidden, status=DeliveryStatus.DEAD).count() == 2


def test_a_replay_names_one_message_or_one_moment_of_the_last_thirty_days(clinic, api, path):
    row = clinic.endpoint()
    now = timezone.now()
    both = {"since": now.isoformat(), "delivery_uuid": str(uuid.uuid4())}
    for body in ({}, both, {"since": (now - datetime.timedelta(days=31)).isoformat()}):
        answer = api().post(f"{path}/{row.uuid}/replay", body)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "since"])


def test_a_replay_of_very_many_goes_on_where_it_has_stopped(clinic, api, path, monkeypatch):
    monkeypatch.setattr(outbox, "REPLAYED_AT_ONCE", 2)
    monkeypatch.setattr(outbox, "BATCH", 2)
    row = clinic.endpoint(event_types=["patient.created"])
    since = timezone.now()
    for _ in range(5):
        clinic.patient()
    while OutboxReader().make_deliveries():
        pass
    WebhookDelivery.objects.update(status=DeliveryStatus.DELIVERED, due_at=None)
    WebhookDelivery.objects.filter(pk__in=WebhookDelivery.objects.order_by("pk").values("pk")[1:3]).delete()
    messages, asked = 0, 0
    while since:
        answer = api().post(f"{path}/{row.uuid}/replay", {"since": since if asked else since.isoformat()}).json()
        messages, since, asked = messages + answer["messages"], answer["more_since"], asked + 1
    assert (messages, asked) == (5, 3)
    assert WebhookDelivery.objects.filter(endpoint=row, status=DeliveryStatus.PENDING).count() == 5


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.HC_PRIMARY, Role.HC_SECONDARY])
def test_nobody_but_administrators_sees_where_messages_are_sent(clinic, api, path, role):
    row = clinic.endpoint()
    for address in (path, f"{path}/{row.uuid}", f"{path}/{row.uuid}/deliveries"):
        answer = api(role).get(address)
        assert answer.status_code == 403
        assert "hooks" not in answer.content.decode()
