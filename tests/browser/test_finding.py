"""Finding people in headless Chromium: the home page's combobox, the palette, and lists, by keyboard and at both widths."""

import datetime
import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from patients.models import Patient
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in, wait_until_drawn

pytestmark = pytest.mark.browser


@pytest.fixture
def hugo(clinic) -> Patient:
    clinic.patient(first_name="Joan", last_name="Abernathy", date_of_birth=datetime.date(1975, 6, 7), chart_number="RV-00016")
    return clinic.patient(
        first_name="Hugo",
        last_name="Abernathy",
        date_of_birth=datetime.date(1957, 1, 4),
        chart_number="RV-00017",
        mobile_phone="(508) 555-0100",
        email="hugo@home.test",
    )


def options(page: Page):
    return page.get_by_role("option")


@at_both_widths
def test_home_finds_a_patient_by_any_fragment_and_date(page, clinic, hugo, width):
    """F1 and F2: type and press Enter."""
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    for typed in ("hugo aber", "508 555 0100", "hugo@", "rv 17", "4 jan 1957", "1/4/1957", "Abernathy, Hugo, 69, RV-00017"):
        open_page(page, "/admin/")
        page.keyboard.press("/")
        expect(page.get_by_role("combobox", name="Find a patient")).to_be_focused()
        page.keyboard.type(typed)
        expect(options(page).first).to_contain_text("Abernathy, Hugo")
        with clicks_at_most(page, 1):
            page.keyboard.press("Enter")
            page.wait_for_url(f"**/patients/patient/{hugo.pk}/")
    page.goto("/admin/")
    expect(page.locator("#recent")).to_contain_text("Abernathy, Hugo")
    look(page)


@at_both_widths
def test_arrows_choose_and_escape_closes(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/")
    field = page.get_by_role("combobox", name="Find a patient")
    field.fill("abern")
    expect(options(page)).to_have_count(3)
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    look(page)
    field.fill("aberna")
    expect(options(page)).to_have_count(3)
    page.keyboard.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_contain_text("Joan")
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(options(page)).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("Abernathy, Joan"))


def test_escape_cancels_the_search_whose_answer_would_open_the_list_again(page, clinic, hugo):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/")
    field = page.get_by_role("combobox", name="Find a patient")
    field.fill("abern")
    expect(options(page)).to_have_count(3)
    page.route("**/find/*", lambda route: None)
    with page.expect_request("**/find/*") as asked:
        field.press("a")
    with page.expect_event("requestfailed", lambda request: request == asked.value):
        field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    page.unroute_all(behavior="ignoreErrors")


def test_enter_before_the_answer_opens_nobody_unless_there_is_only_one(page, clinic, hugo):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/")
    page.get_by_role("combobox", name="Find a patient").fill("abern")
    page.keyboard.press("Enter")
    expect(options(page)).to_have_count(3)
    assert page.url.endswith("/admin/")
    page.get_by_role("combobox", name="Find a patient").fill("hugo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/patients/patient/{hugo.pk}/")


def test_who_is_not_found_is_registered_under_the_name_that_was_typed(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/")
    page.get_by_role("combobox", name="Find a patient").fill("Zephyr, Ann")
    expect(page.get_by_text("No patient matches “Zephyr, Ann”.")).to_be_visible()
    with clicks_at_most(page, 1):
        page.get_by_role("option", name="Register “Zephyr, Ann” as a new patient").click()
        page.wait_for_url("**/register/")
    expect(page.locator("input[name=last_name]")).to_have_value("Zephyr")
    expect(page.locator("input[name=first_name]")).to_have_value("Ann")
    assert page.evaluate("Object.keys(localStorage).concat(Object.values(localStorage)).join().includes('Zephyr')") is False


@at_both_widths
def test_the_palette_opens_while_an_input_has_the_focus(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/")
    page.get_by_role("combobox", name="Find a patient").focus()
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find or do")
    expect(palette.get_by_role("option", name="Register patient")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    expect(palette).not_to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("4 jan 1957")
    expect(palette.get_by_role("option").first).to_contain_text("Hugo")
    with clicks_at_most(page, 1):
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/patients/patient/{hugo.pk}/")
    assert page.evaluate("Object.values(localStorage).join().includes('1957')") is False


def test_the_palette_opens_pages_changes_colours_and_signs_out(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, "/admin/")

    def command(typed: str, title: str) -> None:
        page.keyboard.press("Control+k")
        page.keyboard.type(typed)
        expect(page.get_by_role("option", name=title)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")

    page.keyboard.press("Control+k")
    page.keyboard.type("lig")
    page.keyboard.press("Enter")
    expect(page.locator("html")).not_to_have_class(re.compile("dark"))
    expect(page.locator("#palette")).not_to_be_visible()
    command("dark", "Dark colours")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    command("aler", "Alerts")
    page.wait_for_url("**/alerts/")
    wait_until_drawn(page)
    command("sign o", "Sign out")
    page.wait_for_url("**/logout/")


@at_both_widths
def test_a_dialog_finds_a_patient_by_keyboard(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/")
    page.keyboard.press("Control+k")
    page.keyboard.type("book")
    # It is among the commands that are offered before "book" is answered, too, but not as the first.
    expect(page.get_by_role("option", name="Book appointment")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    field = page.locator("#dialog").get_by_role("combobox", name="Patient")
    field.press_sequentially("abern")
    found = page.locator("#dialog .combobox [role=option]")
    expect(found).to_have_count(2)
    expect(found.nth(1)).to_be_in_viewport()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(field).to_have_value(re.compile("Abernathy, Joan"))
    expect(page.locator("#dialog input[name=patient]")).to_have_value(str(hugo.pk - 1))
    field.press("Backspace")
    expect(page.locator("#dialog input[name=patient]")).to_have_value("")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_have_attribute("open", "")


@at_both_widths
def test_the_list_leads_to_the_chart_and_from_nobody_to_registering(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    page.goto("/admin/patients/patient/?q=Abernathy, Hugo")
    expect(page.locator("#result_list")).to_contain_text("4 Jan 1957")
    with clicks_at_most(page, 1):
        page.get_by_role("link", name="Abernathy, Hugo").first.click()
        page.wait_for_url(f"**/patients/patient/{hugo.pk}/")
    page.goto("/admin/patients/patient/?q=Zephyr")
    expect(page.get_by_text("No patient matches “Zephyr”.")).to_be_visible()
    page.get_by_role("link", name="Register “Zephyr” as a new patient").click()
    expect(page.locator("input[name=last_name]")).to_have_value("Zephyr")
