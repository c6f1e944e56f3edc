"""A morning at the front desk, in headless Chromium: sign in, find a patient, open and correct the record."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role
from patients.models import Patient
from tests.one_time_codes import code_at

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def desk(clinic):
    """Give the administrator a password."""
    user = clinic.users[Role.HC_ADMIN]
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/admin/")
    expect(page.get_by_label("Email")).to_be_focused()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_patient_is_found_opened_and_corrected(page, clinic, desk):
    patient = clinic.patient(first_name="Zoë", last_name="Ødegård", mobile_phone="(202) 555-0143")
    clinic.patient(first_name="Someone", last_name="Else")
    sign_in(page, desk.email, PASSWORD)
    page.locator("#find").fill("odeg 0143")
    options = page.get_by_role("option", name="Ødegård, Zoë")
    expect(options).to_have_count(1)
    options.click()
    expect(page.locator("#banner").get_by_role("heading", name="Ødegård, Zoë")).to_be_visible()
    page.locator("#banner summary", has_text="More").click()
    page.get_by_role("link", name="Edit details").click()
    page.get_by_role("tab", name="Contact").click()
    page.get_by_label("City").fill("Hill Valley")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.city, stored.version) == ("Hill Valley", 2)


def test_a_wrong_password_opens_nothing(page, desk):
    sign_in(page, desk.email, "wrong")
    expect(page.get_by_text("Please enter the correct email and password")).to_be_visible()
    page.goto("/admin/patients/patient/")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_second_factor_is_set_up_and_asked_for(page, desk):
    sign_in(page, desk.email, PASSWORD)
    expect(page.locator("#find")).to_be_visible()
    page.goto("/admin/second-factor/enrol/")
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code_at(secret, timezone.now()))
    page.get_by_role("button", name="Turn on").click()
    recovery_code = page.get_by_label("Recovery codes").input_value().split()[0]
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    expect(page.locator("#find")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, desk.email, PASSWORD)
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(recovery_code)
    page.keyboard.press("Enter")
    expect(page.locator("#find")).to_be_visible()


def test_a_new_key_is_shown_and_can_be_copied(page, clinic, desk):
    sign_in(page, desk.email, PASSWORD)
    expect(page.locator("#find")).to_be_visible()
    page.goto("/admin/accounts/apikey/add/")
    page.locator(".select2-selection").click()
    expect(page.locator(".select2-search__field")).to_be_focused()
    page.keyboard.type(clinic.users[Role.HC_PRIMARY].email[:12])
    page.locator(".select2-results__option--highlighted", has_text="hc_primary").click()
    page.get_by_label("Description").fill("Lab interface")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("textbox", name="API key")).to_have_value(re.compile("^anm_"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
