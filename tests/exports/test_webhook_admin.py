"""Webhook endpoints in the admin: who sees them, their list, form, page and secret, and what is done with them."""

import datetime
import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent, Role
from exports.admin.actions import ACTIONS
from exports.event_types import event_types
from exports.models import DeliveryStatus, OutboxPosition, WebhookDelivery, WebhookEndpoint, WebhookFormat, WebhookStatus
from exports.services import archive_endpoint, rotate_secret, secrets_of, update_endpoint
from exports.webhooks.outbox import insert_deliveries
from tests.factories import SYSTEM
from tests.pages import form_values, sign_in, submit, url

HOUR = datetime.timedelta(hours=1)
ADD = url(WebhookEndpoint, "add")
LIST = url(WebhookEndpoint, "changelist")


@pytest.fixture
def admin(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


@pytest.fixture
def endpoint(clinic) -> WebhookEndpoint:
    return clinic.endpoint(description="Laboratory")


def page_of(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:webhook", args=[endpoint.pk])


def action(endpoint: WebhookEndpoint, name: str) -> str:
    return reverse("admin:webhook_action", args=[endpoint.pk, name])


def told(endpoint: WebhookEndpoint, number: int = 1, **columns) -> list[WebhookDelivery]:
    """Return messages to `endpoint`, each of an event of its own, with `columns`."""
    organization, rows = endpoint.organization_id, WebhookDelivery.objects.filter(endpoint=endpoint)
    events = [
        OutboxEvent.objects.create(organization_id=organization, type="patient.created", subject_uuid=endpoint.uuid, version=1)
        for _ in range(number)
    ]
    insert_deliveries((endpoint, event) for event in events)
    rows.filter(event__in=events).update(**columns)
    return list(rows.filter(event__in=events).order_by("pk"))


def rows_of(page: str) -> list[str]:
    """Return the text of each message of a page."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


def add(client, **values):
    given = form_values(client.get(ADD).content.decode(), "webhookendpoint_form")
    return client.post(ADD, {**given, "description": "Registry", "url": "https://hooks.example.com/a", **values})


# --- who -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.HC_PRIMARY])
def test_only_administrators_see_endpoints(clinic, endpoint, role):
    client = sign_in(clinic.users[role])
    for address in (LIST, ADD, page_of(endpoint), action(endpoint, "rotate")):
        assert client.get(address).status_code == 403
    assert client.post(action(endpoint, "pause"), {"base_version": 1}).status_code == 403
    assert LIST not in client.get("/admin/").content.decode()
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).status == WebhookStatus.ACTIVE


# --- the list and the form ---------------------------------------------------------------------------------
def test_list_says_in_words_how_each_endpoint_is_doing(clinic, admin):
    now = timezone.now()
    rows = {name: clinic.endpoint(description=name) for name in ("Good", "Bad", "Worse", "Off")}
    told(rows["Good"], status=DeliveryStatus.DELIVERED, attempted_at=datetime.datetime(2026, 3, 4, 12, tzinfo=datetime.UTC))
    WebhookEndpoint.objects.filter(pk__in=[rows["Bad"].pk, rows["Worse"].pk]).update(failing_since=now - HOUR)
    WebhookEndpoint.objects.filter(pk=rows["Worse"].pk).update(status=WebhookStatus.PAUSED)
    WebhookEndpoint.objects.filter(pk=rows["Off"].pk).update(status=WebhookStatus.DISABLED)

    page = admin.get(LIST).content.decode()
    lines = [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    words = {name: line for name in rows for line in lines if f" {name} " in f" {line} "}
    for name, state in {"Good": "Active", "Bad": "Failing", "Worse": "Paused", "Off": "Disabled"}.items():
        assert state in words[name], words[name]
    assert "4 Mar 2026" in words["Good"]
    assert "never" in words["Bad"]
    assert f'href="{page_of(rows["Good"])}' in page


def test_list_costs_the_same_however_many_messages_there_are(clinic, admin, endpoint):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(LIST).status_code == 200
        return len(captured)

    statements()
    few = statements()
    told(clinic.endpoint(description="Other"), 5, status=DeliveryStatus.DELIVERED)
    assert statements() == few


def test_form_offers_every_type_of_event_in_words_by_kind(admin):
    page = admin.get(ADD).content.decode()
    assert tuple(re.findall(r'name="event_types" value="([^"]+)"', page)) == event_types()
    group = re.search(r">Vital signs</span>(.*?)</div>", page, re.DOTALL)[1]
    assert re.findall(r"<span>([^<]+)</span>", group) == ["created", "updated", "archived"]


def test_a_new_endpoint_is_what_the_form_says(clinic, admin):
    types = ["patient.created", "allergy.updated"]
    answer = add(admin, event_types=types, format=WebhookFormat.STANDARD, ordered_by_patient="on")
    row = WebhookEndpoint.objects.get(organization=clinic.organization)
    assert answer["Location"] == reverse("admin:webhook_secret", args=[row.pk])
    assert (row.description, row.url, row.ordered_by_patient) == ("Registry", "https://hooks.example.com/a", True)
    assert sorted(row.event_types) == sorted(types)
    assert row.created_by == clinic.users[Role.HC_ADMIN]


def test_a_superadmin_chooses_the_organization(clinic, neighbour):
    client = sign_in(clinic.users[Role.FC_ADMIN])
    assert add(client, organization=neighbour.organization.pk).status_code == 302
    row = WebhookEndpoint.objects.get(description="Registry")
    assert row.organization == neighbour.organization
    assert neighbour.organization.name in client.get(LIST).content.decode()
    assert client.get(page_of(row)).status_code == 200


def test_no_box_stands_for_all_events(clinic, admin):
    add(admin)
    row = WebhookEndpoint.objects.get(organization=clinic.organization)
    assert row.event_types is None
    submit(admin, WebhookEndpoint, row.pk, event_types=["patient.created"])
    row.refresh_from_db()
    assert (row.event_types, row.version) == (["patient.created"], 2)
    values = form_values(admin.get(url(WebhookEndpoint, "change", row.pk)).content.decode(), "webhookendpoint_form")
    values.pop("event_types")
    assert admin.post(url(WebhookEndpoint, "change", row.pk), values)["Location"] == page_of(row)
    row.refresh_from_db()
    assert (row.event_types, row.version) == (None, 3)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"url": "ftp://hooks.example.com"}, "url", "The URL must begin with https://."),
        ({"url": "https://127.0.0.1/"}, "url", None),
        ({"description": " "}, "description", None),
        ({"event_types": ["patient.exploded"]}, "event_types", None),
        ({"format": WebhookFormat.LUSCII, "event_types": ["allergy.created"]}, "event_types", None),
    ],
)
def test_what_an_endpoint_may_not_be_is_said_beside_the_field(clinic, admin, values, field, words):
    answer = add(admin, **values)
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert words is None or errors[field] == [words]
    assert not WebhookEndpoint.objects.filter(organization=clinic.organization).exists()


def test_a_stale_form_changes_nothing(admin, endpoint):
    values = form_values(admin.get(url(WebhookEndpoint, "change", endpoint.pk)).content.decode(), "webhookendpoint_form")
    update_endpoint(actor=SYSTEM, endpoint=endpoint, base_version=1, changes={"description": "Theirs"})
    answer = admin.post(url(WebhookEndpoint, "change", endpoint.pk), {**values, "description": "Mine"})
    assert "Someone else changed this record meanwhile" in answer.content.decode()
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).description == "Theirs"


# --- the secret --------------------------------------------------------------------------------------------
def test_the_secret_of_a_new_endpoint_is_shown_once(clinic, admin):
    address = add(admin)["Location"]
    secret = secrets_of(WebhookEndpoint.objects.get(organization=clinic.organization))[0]
    first, second = admin.get(address), admin.get(address)

    assert html.escape(secret) in first.content.decode()
    assert "no-store" in first["Cache-Control"]
    assert second.status_code == 302
    assert html.escape(secret) not in admin.get(second["Location"]).content.decode()


def test_the_secret_is_shown_to_who_made_it_only(clinic, admin):
    address = add(admin)["Location"]
    other = sign_in(clinic.users[Role.HC_ADMIN])
    assert other.get(address).status_code == 302
    assert admin.get(address).status_code == 200


def test_a_secret_that_was_rotated_meanwhile_is_not_shown(clinic, admin):
    address = add(admin)["Location"]
    row = WebhookEndpoint.objects.get(organization=clinic.organization)
    rotate_secret(actor=SYSTEM, endpoint=row, base_version=1)
    assert admin.get(address).status_code == 302


def test_rotating_leads_to_the_new_secret(admin, endpoint):
    before = secrets_of(endpoint)[0]
    answer = admin.post(action(endpoint, "rotate"), {"base_version": endpoint.version})
    endpoint.refresh_from_db()
    new, old = secrets_of(endpoint)

    assert answer.headers["HX-Redirect"] == reverse("admin:webhook_secret", args=[endpoint.pk])
    page = admin.get(answer.headers["HX-Redirect"]).content.decode()
    assert html.escape(new) in page
    assert old == before
    assert html.escape(old) not in page
    assert "the one before signs until" in admin.get(page_of(endpoint)).content.decode()


def test_no_secret_is_in_the_session(clinic, admin):
    add(admin)
    stored = str(dict(admin.session.items()))
    assert "webhook_secret" in stored
    assert secrets_of(WebhookEndpoint.objects.get(organization=clinic.organization))[0] not in stored


# --- what is done with an endpoint -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "name", "after", "event"),
    [
        ("active", "pause", "paused", "updated"),
        ("paused", "resume", "active", "updated"),
        ("disabled", "resume", "active", "updated"),
        ("active", "disable", "disabled", "updated"),
        ("active", "test", "active", "tested"),
    ],
)
def test_a_button_does_what_it_says(clinic, admin, endpoint, before, name, after, event):
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(status=before, failing_since=timezone.now())
    answer = admin.post(action(endpoint, name), {"base_version": endpoint.version})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
    endpoint.refresh_from_db()
    assert endpoint.status == after
    assert (endpoint.failing_since is None) == (name == "resume")
    assert OutboxEvent.objects.latest("pk").type == f"webhook_endpoint.{event}"
    assert AuditEvent.objects.latest("pk").user_id == clinic.users[Role.HC_ADMIN].pk


def test_archiving_leads_back_to_the_list(admin, endpoint):
    answer = admin.post(action(endpoint, "archive"), {"base_version": 1})
    assert answer.headers["HX-Redirect"] == LIST
    assert "Laboratory is archived." in admin.get(LIST).content.decode()
    assert "Laboratory" in admin.get(LIST, {"record": "archived"}).content.decode()


@pytest.mark.parametrize("status", WebhookStatus)
def test_buttons_are_those_that_are_possible(admin, endpoint, status):
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(status=status)
    page = admin.get(page_of(endpoint)).content.decode()
    offered = {name for name in ACTIONS if action(endpoint, name) in page}
    assert offered == {name for name in ACTIONS if admin.get(action(endpoint, name)).status_code == 200}
    assert ("pause" in offered, "resume" in offered) == (status == "active", status != "active")


def test_an_archived_endpoint_is_only_looked_at(admin, endpoint):
    (message,) = told(endpoint)
    archive_endpoint(actor=SYSTEM, endpoint=endpoint, base_version=1)
    page = admin.get(page_of(endpoint)).content.decode()
    assert "Archived" in page
    assert "Send again" not in page
    replay = reverse("admin:webhook_replay", args=[endpoint.pk, message.pk])
    for address in (*(action(endpoint, name) for name in ACTIONS), replay):
        assert address not in page
        assert admin.post(address, {"base_version": 2}).status_code == 404


def test_an_action_on_an_old_version_asks_again(admin, endpoint):
    update_endpoint(actor=SYSTEM, endpoint=endpoint, base_version=1, changes={"description": "Theirs"})
    answer = admin.post(action(endpoint, "disable"), {"base_version": 1})
    assert answer.status_code == 422
    assert "Someone else changed this endpoint meanwhile." in answer.content.decode()
    assert 'name="base_version" value="2"' in answer.content.decode()
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).status == WebhookStatus.ACTIVE


# --- messages ----------------------------------------------------------------------------------------------
def test_page_shows_each_message_with_its_attempts_answer_and_what_comes_next(admin, endpoint):
    now = timezone.now()
    tried = {"attempted_at": now, "duration": 120}
    told(endpoint, status=DeliveryStatus.DELIVERED, attempts=1, response_status=204, due_at=None, **tried)
    told(endpoint, attempts=3, response_status=500, error="answered 500", due_at=now + 2 * HOUR, **tried)
    told(endpoint, status=DeliveryStatus.DEAD, attempts=9, error="no connection", due_at=None, **tried)
    told(endpoint)
    waiting, dead, retried, delivered = rows_of(admin.get(page_of(endpoint)).content.decode())

    assert re.fullmatch(r"Patient created .* Delivered 1 .* 204 120 ms Send again", delivered)
    assert re.fullmatch(r"Patient created .* Retrying 3 .* answered 500 120 ms .*\d\d:\d\d Send again", retried)
    assert re.fullmatch(r"Patient created .* Given up 9 .* no connection 120 ms Send again", dead)
    assert re.fullmatch(r"Patient created .* Waiting 0 .*\d\d:\d\d Send again", waiting)


def test_messages_wait_until_an_endpoint_is_resumed(admin, endpoint):
    told(endpoint)
    update_endpoint(actor=SYSTEM, endpoint=endpoint, base_version=1, changes={"status": WebhookStatus.PAUSED})
    (row,) = rows_of(admin.get(page_of(endpoint)).content.decode())
    assert "when resumed" in row


def test_messages_are_narrowed_to_a_state_and_shown_by_pages(admin, endpoint):
    told(endpoint, 52)
    told(endpoint, 2, status=DeliveryStatus.DEAD)
    page = page_of(endpoint)
    pages = [rows_of(admin.get(page, {"status": "pending", "page": number}).content.decode()) for number in (1, 2)]
    assert [len(rows) for rows in pages] == [50, 2]
    assert len(rows_of(admin.get(page, {"status": "dead"}).content.decode())) == 2
    for wrong in ({"status": "lost"}, {"page": "0"}, {"page": "x"}, {"page": "201"}):
        assert admin.get(page, wrong).status_code == 404


def test_page_costs_the_same_for_1_and_50_messages(admin, endpoint):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(page_of(endpoint)).status_code == 200
        return len(captured)

    told(endpoint)
    statements()
    few = statements()
    told(endpoint, 50)
    assert statements() == few


def test_messages_to_others_are_not_shown(clinic, admin, endpoint):
    told(clinic.endpoint(description="Other"), 2)
    assert rows_of(admin.get(page_of(endpoint)).content.decode()) == []


def test_a_message_is_sent_again(admin, endpoint):
    (message,) = told(endpoint, status=DeliveryStatus.DEAD, attempts=9, due_at=None)
    assert admin.post(reverse("admin:webhook_replay", args=[endpoint.pk, message.pk])).status_code == 204
    message.refresh_from_db()
    assert (message.status, message.attempts) == (DeliveryStatus.PENDING, 0)
    assert message.due_at is not None


def test_a_message_that_a_worker_has_is_not_sent_again(admin, endpoint):
    (message,) = told(endpoint, attempts=2, leased_until=timezone.now() + HOUR)
    answer = admin.post(reverse("admin:webhook_replay", args=[endpoint.pk, message.pk]))
    assert answer.status_code == 422
    assert "The message is being sent at the moment." in answer.content.decode()


def test_a_message_to_another_endpoint_is_unknown(clinic, admin, endpoint):
    (message,) = told(clinic.endpoint(description="Other"), status=DeliveryStatus.DEAD)
    assert admin.post(reverse("admin:webhook_replay", args=[endpoint.pk, message.pk])).status_code == 404


def test_what_has_happened_since_a_moment_is_sent_again(admin, endpoint):
    told(endpoint, 3, status=DeliveryStatus.DELIVERED, attempts=1, due_at=None)
    OutboxPosition.objects.update_or_create(pk=1, defaults={"event_id": OutboxEvent.objects.latest("pk").pk})
    address = reverse("admin:webhook_replay_since", args=[endpoint.pk])
    assert admin.get(address).status_code == 200
    answer = admin.post(address, {"since": "1 Jan 2020", "since_time": "09:00"})
    assert (answer.status_code, "Events are kept for 30 days." in answer.content.decode()) == (422, True)
    yesterday = timezone.now() - 24 * HOUR
    assert admin.post(address, {"since": f"{yesterday:%Y-%m-%d}", "since_time": "09:00"}).status_code == 204
    assert not WebhookDelivery.objects.filter(endpoint=endpoint, event__type="patient.created").exclude(status="pending").exists()
    # The event of the endpoint's own creation had no message yet.
    assert "4 messages will be sent again." in admin.get(page_of(endpoint)).content.decode()
    assert OutboxEvent.objects.latest("pk").type == "webhook_endpoint.replayed"


# --- the home page -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("failing_for", "status", "word"),
    [
        (26 * HOUR, WebhookStatus.PAUSED, "Paused"),
        (2 * HOUR, WebhookStatus.ACTIVE, "Failing"),
        (HOUR / 2, WebhookStatus.ACTIVE, None),
        (26 * HOUR, WebhookStatus.DISABLED, None),
        (None, WebhookStatus.PAUSED, None),
    ],
)
def test_home_tells_administrators_of_an_endpoint_that_gets_nothing(clinic, admin, endpoint, failing_for, status, word):
    since = failing_for and timezone.now() - failing_for
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(status=status, failing_since=since)
    page = admin.get("/admin/").content.decode()
    assert (page_of(endpoint) in page) == (word is not None)
    assert word is None or re.search(rf">Laboratory</a>\s*<span[^>]*>{word}</span>", page)
    assert page_of(endpoint) not in sign_in(clinic.users[Role.HC_VIEW_ALL]).get("/admin/").content.decode()
