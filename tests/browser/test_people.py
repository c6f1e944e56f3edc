"""Inviting a nurse in headless Chromium, and issuing a key for a program."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from accounts.models import ApiKey, Role, User
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, run_axe, sign_in

pytestmark = pytest.mark.browser
PASSWORD = "four unrelated heron words"


@at_both_widths
def test_a_nurse_is_invited_and_signs_in(page, clinic, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/accounts/user/add/")
    look(page)
    with clicks_at_most(page, 3):
        page.get_by_role("textbox", name="Email").fill("nora@example.org")
        page.get_by_label("First name").fill("Nora")
        page.get_by_label("Last name").fill("Nightingale")
        page.get_by_label("Primary caregiver").check()
        page.get_by_label(clinic.group.name).check()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("An invitation was sent to nora@example.org.")).to_be_visible()
    nurse = User.objects.get(email_key="nora@example.org")
    assert (nurse.status, list(nurse.care_groups.all())) == ("created", [clinic.group])
    (link,) = re.findall(r"http://\S+/admin/password/link/\S+/", mail.outbox[0].body)
    page.context.clear_cookies()
    open_page(page, link)
    expect(page.get_by_label("New password", exact=True)).to_be_focused()
    look(page)
    with clicks_at_most(page, 1):
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password confirmation").fill(PASSWORD)
        page.get_by_role("button", name="Save and sign in").click()
        expect(page.locator("#find")).to_be_visible()
    nurse.refresh_from_db()
    assert nurse.is_active


def test_the_focus_goes_to_what_is_wrong_in_a_form(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/accounts/user/add/")
    page.get_by_role("textbox", name="Email").fill("nora@example.org")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Please correct the error")).to_be_visible()
    expect(page.get_by_label("Administrator of an organization")).to_be_focused()
    open_page(page, "/admin/patients/register/")
    expect(page.get_by_label("First name")).to_be_focused()


@at_both_widths
def test_access_is_stopped_on_the_page_of_a_person(page, clinic, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    nurse = clinic.users[Role.HC_PRIMARY]
    open_page(page, f"/admin/accounts/user/{nurse.pk}/change/")
    look(page)
    with clicks_at_most(page, 2):
        page.get_by_role("button", name="Stop access…").click()
        page.get_by_role("dialog").get_by_label("Reason").fill("Left the clinic")
        look(page)
        page.get_by_role("button", name="Stop access", exact=True).click()
        expect(page.get_by_text("has no access any more")).to_be_visible()
    nurse.refresh_from_db()
    assert nurse.status == "stopped"


@at_both_widths
def test_a_key_says_what_it_reaches_is_shown_once_and_revoked(page, clinic, width):
    clinic.patient(care_group_id=clinic.group.pk)
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/accounts/apikey/add/")
    look(page)
    with clicks_at_most(page, 3):
        page.locator(".select2-selection").click()
        expect(page.locator(".select2-search__field")).to_be_focused()
        page.keyboard.type(clinic.users[Role.HC_PRIMARY].email[:12])
        page.locator(".select2-results__option--highlighted", has_text="hc_primary").click()
        expect(page.locator(".key-reach")).to_contain_text("reads and writes")
        page.get_by_label("Description").fill("Lab interface")
        run_axe(page)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("textbox", name="API key")).to_have_value(re.compile("^anm_"))
    look(page)
    issued = ApiKey.objects.count()
    page.reload()
    expect(page.get_by_text("A key is shown once.")).to_be_visible()
    assert ApiKey.objects.count() == issued
    look(page)
    with clicks_at_most(page, 2):
        page.get_by_role("button", name="Revoke…").click()
        expect(page.get_by_role("dialog")).to_contain_text("Lab interface")
        look(page)
        page.get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_text("1 key is revoked.")).to_be_visible()


def test_the_pages_before_signing_in_are_within_reach(page, clinic):
    for address in ("/admin/login/", "/admin/password/forgotten/", "/admin/password/forgotten/sent/"):
        page.goto(address)
        look(page)
