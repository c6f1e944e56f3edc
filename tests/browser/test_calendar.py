"""The front desk's day with appointments: see the day, book, move, cancel, mark who has arrived; with and without a mouse."""

import datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from clinical.models import Appointment
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.clinical.test_admin_appointments import at
from tests.clock import Clock

pytestmark = pytest.mark.browser
HALF_AN_HOUR = datetime.timedelta(minutes=30)


@pytest.fixture
def day(clinic, monkeypatch) -> dict[str, Appointment]:
    """It is 09:42 at the clinic, and these are booked with its provider."""
    Clock(monkeypatch, at("09:42"))
    provider = clinic.catalogs["provider"].pk
    booked = {}
    for name, clock in (("Petrov", "10:00"), ("Okafor", "11:00"), ("Silva", "13:00")):
        patient = clinic.patient(first_name="Lena", last_name=name, chart_number=f"RV-{name}", date_of_birth=at("00:00").date())
        starts = at(clock)
        booked[name] = clinic.appointment(patient, starts_at=starts, ends_at=starts + HALF_AN_HOUR, provider_id=provider)
    return booked


@pytest.fixture
def desk(clinic):
    return clinic.users[Role.HC_ADMIN]


def open_day(page: Page, desk, width: int = 1280) -> None:
    sign_in(page, desk, width)
    open_page(page, "/admin/")
    if width < 1024:
        page.get_by_role("button", name="Sidebar").click()
    with clicks_at_most(page, 1):
        page.get_by_role("link", name="Appointments").click()
    expect(page.get_by_role("heading", name="Mon 4 Mar 2030")).to_be_visible()


def visit(page: Page, name: str):
    return page.locator(".grid-column .visit", has_text=name)


def saved(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


@at_both_widths
def test_f11_a_free_time_is_booked(page, clinic, desk, day, width):
    clinic.patient(first_name="Hugo", last_name="Abernathy", ask_to_arrive_early_mins=10)
    open_day(page, desk, width)
    with clicks_at_most(page, 3):
        page.get_by_role("button", name="11:30–13:00 free").click()
        page.get_by_label("Patient", exact=True).press_sequentially("abern hug")
        expect(page.locator(".combobox-popup [role=option]")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Asks to come 10 minutes early")).to_be_visible()
        page.get_by_label("Reason for the visit").fill("Blood pressure")
        page.get_by_role("button", name="Book", exact=True).last.click()
        saved(page, "Booked: Abernathy, Hugo, 4 Mar 2030, 11:30.")
    expect(visit(page, "Abernathy")).to_be_visible()
    row = Appointment.objects.get(patient__last_name="Abernathy")
    assert (row.starts_at, row.ends_at, row.note) == (at("11:30"), at("12:00"), "Blood pressure")
    assert row.provider == clinic.catalogs["provider"]


@at_both_widths
def test_f12_who_comes_is_marked_moved_and_cancelled(page, clinic, desk, day, width):
    open_day(page, desk, width)
    with clicks_at_most(page, 2):
        visit(page, "Petrov").click()
        page.get_by_role("button", name="Arrived").click()
        saved(page, "Petrov, Lena has arrived.")
    expect(page.get_by_role("heading", name="Waiting room, 1")).to_be_visible()
    with clicks_at_most(page, 3):
        visit(page, "Okafor").click()
        page.get_by_role("button", name="Move").click()
        page.get_by_label("Time", exact=True).fill("14:30")
        page.keyboard.press("Enter")
        saved(page, "Okafor, Lena is moved to 4 Mar 2030, 14:30.")
    with clicks_at_most(page, 3):
        visit(page, "Silva").click()
        page.get_by_role("button", name="Cancel visit").click()
        page.get_by_label("Reason").fill("Has the flu")
        page.get_by_role("button", name="Cancel the visit").click()
        saved(page, "Silva, Lena is cancelled.")
    expect(visit(page, "Silva")).to_have_count(0)
    for row in day.values():
        row.refresh_from_db()
    assert [row.status for row in day.values()] == ["arrived", "scheduled", "cancelled"]
    assert (day["Petrov"].arrived_at, day["Okafor"].starts_at) == (at("09:42"), at("14:30"))
    assert day["Silva"].cancellation_reason == "Has the flu"


def test_an_overlap_is_told_and_the_free_time_is_a_key_away(page, clinic, desk, day):
    clinic.patient(first_name="Hugo", last_name="Abernathy")
    open_day(page, desk)
    page.get_by_role("button", name="11:30–13:00 free").click()
    page.get_by_label("Patient", exact=True).press_sequentially("abern")
    expect(page.locator(".combobox-popup [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_label("Time", exact=True).fill("11:15")
    page.get_by_role("button", name="Book", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Overlaps by 15 minutes with Okafor, Lena, 11:00–11:30, scheduled.")
    expect(page.get_by_role("button", name="Book at 11:30")).to_be_focused()
    look(page)
    assert not Appointment.objects.filter(patient__last_name="Abernathy").exists()
    page.get_by_role("button", name="Book at 11:30").focus()
    page.keyboard.press("Enter")
    saved(page, "Booked: Abernathy, Hugo, 4 Mar 2030, 11:30.")


def test_the_day_is_worked_without_a_mouse(page, desk, day):
    open_day(page, desk)
    visit(page, "Petrov").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(visit(page, "Okafor")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Okafor, Lena")).to_be_visible()
    expect(page.get_by_role("button", name="Arrived")).to_be_focused()
    page.keyboard.press("Escape")
    expect(visit(page, "Okafor")).to_be_focused()
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="Move the visit")).to_be_visible()
    page.keyboard.press("Escape")
    expect(visit(page, "Okafor")).to_be_focused()


@at_both_widths
def test_every_view_is_reached_by_tab_and_read_by_all(page, desk, day, width):
    Appointment.objects.filter(pk=day["Petrov"].pk).update(status="arrived", arrived_at=at("09:31"))
    open_day(page, desk, width)
    look(page)
    visit(page, "Okafor").click()
    expect(page.get_by_role("dialog", name="Okafor, Lena")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Week").click()
    expect(page.get_by_role("link", name="Week", exact=True)).to_have_attribute("aria-current", "page")
    look(page)
    page.get_by_role("link", name="List").click()
    expect(page.get_by_role("row", name="Okafor")).to_be_visible()
    page.get_by_role("button", name="Okafor, Lena").click()
    expect(page.get_by_role("dialog", name="Okafor, Lena")).to_be_visible()
    page.get_by_role("button", name="Arrived").click()
    expect(page.get_by_role("row", name="Okafor").get_by_text("Arrived")).to_be_visible()
    look(page)
