"""A session that ends while somebody types: told before, and nothing typed is lost."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Role, Session
from patients.models import Patient
from tests.browser.tasks import look, open_page, sign_in

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


def test_what_was_typed_outlives_the_session(page, clinic, settings):
    patient, user = clinic.patient(first_name="Ann"), clinic.users[Role.HC_ADMIN]
    user.set_password(PASSWORD)
    user.save()
    page.clock.install()
    sign_in(page, user)
    page.goto(f"/admin/patients/patient/{patient.pk}/change/")
    page.get_by_label("First name").fill("Anna")
    page.clock.fast_forward((settings.SESSION_COOKIE_AGE - 60) * 1000)
    expect(page.get_by_role("heading", name="Are you still there?")).to_be_visible()
    Session.objects.update(expire_date=timezone.now())
    page.clock.fast_forward(60_000)
    expect(page.get_by_role("heading", name="Sign in again to go on")).to_be_visible()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("That was not right")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#session")).to_be_hidden()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Patient.objects.get(pk=patient.pk).first_name == "Anna"


def test_the_frame_is_reached_by_keyboard(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/")
    look(page)
    page.goto("/admin/accounts/apikey/add/")
    look(page)
