"""Webhook endpoints in headless Chromium: made, tested, rotated and paused by an administrator."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import OutboxEvent, Role
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from exports.services import secrets_of
from exports.webhooks.outbox import insert_deliveries
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.pages import url

pytestmark = pytest.mark.browser


@at_both_widths
def test_an_endpoint_is_made_with_three_clicks_and_its_secret_shown_once(page, clinic, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, url(WebhookEndpoint, "changelist"))
    with clicks_at_most(page, 3):
        page.get_by_role("link", name="Add webhook endpoint").first.click()
        page.get_by_label("Description").fill("Laboratory")
        page.get_by_label("URL").fill("https://hooks.example.com/anamnesis")
        page.get_by_role("group", name="Patient", exact=True).get_by_label("created").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("textbox", name="Secret")).to_be_visible()
    look(page)
    endpoint = WebhookEndpoint.objects.get(organization=clinic.organization)
    assert endpoint.event_types == ["patient.created"]
    assert page.get_by_role("textbox", name="Secret").input_value() == secrets_of(endpoint)[0]
    page.reload()
    expect(page.get_by_text("The secret is shown once.")).to_be_visible()
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()


@at_both_widths
def test_an_endpoint_is_tested_paused_and_given_a_new_secret(page, clinic, width):
    endpoint = clinic.endpoint(description="Laboratory")
    insert_deliveries([(endpoint, OutboxEvent.objects.latest("pk"))])
    failed = {
        "status": DeliveryStatus.DEAD,
        "attempts": 9,
        "attempted_at": timezone.now(),
        "error": "no connection",
        "duration": 2000,
    }
    WebhookDelivery.objects.filter(endpoint=endpoint).update(**failed)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=timezone.now())
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, f"/admin/webhooks/{endpoint.pk}/")
    look(page)
    for button, told in (
        ("Send a test", "A test is on its way."),
        ("Send again: Webhook endpoint created", "The message will be sent again."),
        ("Pause", "Messages wait for it."),
    ):
        with clicks_at_most(page, 1):
            page.get_by_role("button", name=button).first.click()
            expect(page.get_by_text(told)).to_be_visible()
    page.get_by_role("button", name="Send again since").click()
    expect(page.get_by_role("dialog").get_by_label("Since")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    with clicks_at_most(page, 2):
        page.get_by_role("button", name="Rotate the secret").click()
        page.get_by_role("dialog").get_by_role("button", name="Rotate the secret").click()
        expect(page.get_by_role("textbox", name="Secret")).to_be_visible()
    endpoint.refresh_from_db()
    assert page.get_by_role("textbox", name="Secret").input_value() == secrets_of(endpoint)[0]
    assert endpoint.status == "paused"
