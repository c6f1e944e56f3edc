"""A nurse works down the list of alerts: tasks C5 and C6, with the mouse and with keys, beside a colleague."""

import datetime
import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.authentication import actor_of_user
from accounts.models import Role, Session, User
from clinical.models import CommunicationLog, MonitoringAlert
from clinical.services.monitoring import claim_alert
from patients.models import Enrolment, Patient
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.clinical.monitored import Monitored
from tests.clinical.rules import HEAVY, OVER_100, REMARK
from tests.factories import Clinic

pytestmark = pytest.mark.browser
DAY = datetime.timedelta(days=1)


@pytest.fixture
def ward(clinic) -> Monitored:
    """Return a clinic with three alerts: Hugo's and Adaeze's are red, Ivan's is orange; and a remark of Yvette's."""
    ward = Monitored(clinic)
    ward.prescribe(HEAVY, OVER_100, REMARK)
    for name, number in (("Hugo Abernathy", 105), ("Adaeze Okafor", 112), ("Ivan Bergstrom", 95)):
        patient, now = named(ward, name), timezone.now()
        before = [ward.stored(patient, 80 + day, now - (9 - day) * DAY) for day in range(9)]
        ward.evaluate(patient, *before, ward.stored(patient, number, now))
    ward.measure(named(ward, "Yvette Delacroix"), 81, timezone.now(), comment="dizzy when I stand up")
    return ward


def named(ward: Monitored, name: str) -> Patient:
    """Return a new patient, enrolled for long."""
    first, last = name.split()
    born = datetime.date(1960, 5, 17)
    patient = ward.patient(
        first_name=first, last_name=last, date_of_birth=born, chart_number=f"RV-{last[:3]}", mobile_phone="617 555 0112"
    )
    Enrolment.objects.filter(patient=patient).update(start_date=timezone.now().date() - 30 * DAY)
    return patient


@pytest.fixture
def nurse(clinic) -> User:
    return person(clinic, Role.HC_PRIMARY, "Paula", "Prescott")


@pytest.fixture
def doctor(clinic) -> User:
    return person(clinic, Role.HC_SECONDARY, "Owen", "Castellano")


def person(clinic: Clinic, role: str, first: str, last: str) -> User:
    User.objects.filter(pk=clinic.users[role].pk).update(first_name=first, last_name=last)
    return User.objects.get(pk=clinic.users[role].pk)


def row_of(page: Page, name: str):
    """Return the line of the alert of a patient."""
    return page.locator(".alert-row", has_text=name)


def alert_of(name: str) -> MonitoringAlert:
    return MonitoringAlert.objects.filter(patient__last_name=name).latest("pk")


@at_both_widths
def test_the_list_is_worked_from_red_to_grey(page, ward, nurse, width):
    """C5: three clicks an alert, and one more where it is red."""
    sign_in(page, nurse, width)
    page.goto("/admin/alerts/")
    expect(page.locator(".alert-row .name:first-child >> nth=0")).to_have_text("Abernathy, Hugo")
    expect(row_of(page, "Delacroix")).to_contain_text("Remark: “dizzy when I stand up”")
    with clicks_at_most(page, 5):
        page.get_by_role("button", name="Open the alert of Abernathy, Hugo").click()
        details = page.locator(".alert-opened")
        expect(details).to_contain_text("red when weight is above 100.")
        expect(details.locator("svg.line-chart")).to_be_visible()
        expect(details).to_contain_text("617 555 0112")
        details.get_by_role("button", name="Process").click()
        page.get_by_role("radio", name="Contacted patient").check()
        page.get_by_label("Note").fill("Forgot the tablets, feels well.")
        page.get_by_role("checkbox", name="Red alert: I am done with it.").check()
        page.get_by_role("button", name="Process and open next").click()
    expect(page.locator("#status-line")).to_have_text("Processed the alert of Abernathy, Hugo.")
    # The next one is open, with the focus where it goes on.
    expect(page.locator(".alert-row.open")).to_contain_text("Okafor, Adaeze")
    expect(page.locator(".alert-opened .button.primary")).to_be_focused()
    expect(page.get_by_role("link", name="Open 3")).to_be_visible()
    assert CommunicationLog.objects.get().note == "Forgot the tablets, feels well."
    assert alert_of("Abernathy").processed_by == nurse


@at_both_widths
def test_an_alert_is_escalated_and_the_colleague_finds_it(page, ward, nurse, doctor, width):
    """C6, on both sides: three clicks to escalate, three to find and process it."""
    sign_in(page, nurse, width)
    page.goto("/admin/alerts/")
    with clicks_at_most(page, 3):
        row_of(page, "Bergstrom").get_by_role("button", name="Process").click()
        page.get_by_role("button", name="Escalate instead").click()
        page.get_by_label("To whom").select_option("Owen Castellano")
        page.get_by_label("Note").fill("Three kilos in a week.")
        page.get_by_role("button", name="Escalate", exact=True).click()
    expect(page.locator("#status-line")).to_have_text("Escalated the alert of Bergstrom, Ivan to Owen Castellano.")
    # The last answer has come, and brings no cookie back.
    expect(page.locator(".alert-opened .button.primary")).to_be_focused()
    page.context.clear_cookies()
    sign_in(page, doctor, width)
    page.goto("/admin/alerts/mine/")
    with clicks_at_most(page, 3):
        expect(row_of(page, "Bergstrom")).to_contain_text("by Paula Prescott, today")
        row_of(page, "Bergstrom").get_by_role("button", name="Process").click()
        expect(page.get_by_role("dialog")).to_contain_text("Three kilos in a week.")
        page.get_by_role("radio", name="Adjusted treatment").check()
        page.get_by_role("button", name="Process and open next").click()
    expect(page.get_by_text("Nothing is escalated to you.")).to_be_visible()


def test_the_list_is_worked_with_keys(page, ward, nurse):
    sign_in(page, nurse)
    open_page(page, "/admin/alerts/")
    for key in "jjk":
        page.keyboard.press(key)
    expect(row_of(page, "Abernathy").locator("[data-open]")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".alert-opened")).to_contain_text("Why this is red")
    page.keyboard.press("p")
    expect(page.get_by_role("radio", name="Contacted patient")).to_be_focused()
    # Keys are letters while somebody types.
    page.get_by_label("Note").fill("")
    page.get_by_label("Note").press_sequentially("jkpe?")
    expect(page.get_by_label("Note")).to_have_value("jkpe?")
    page.on("dialog", lambda asked: asked.accept())
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row_of(page, "Okafor").locator("[data-open]")).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("To whom")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Patient")).to_be_focused()


def test_keys_are_listed_and_can_be_switched_off(page, ward, nurse):
    sign_in(page, nurse)
    open_page(page, "/admin/alerts/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next alert, previous alert")
    page.get_by_label("Switch keys off").check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("[data-open]:focus")).to_have_count(0)
    page.get_by_role("button", name="all keys").click()
    page.get_by_label("Switch keys off").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("[data-open]:focus")).to_have_count(1)


def test_filters_leave_the_focus_where_it_is(page, ward, nurse):
    sign_in(page, nurse)
    page.goto("/admin/alerts/")
    page.get_by_role("searchbox", name="Patient").press_sequentially("okaf")
    expect(page.locator(".alert-row")).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Patient")).to_be_focused()
    page.get_by_role("searchbox", name="Patient").fill("")
    page.get_by_label("Flag").select_option("Orange")
    expect(page.locator(".alert-row")).to_have_count(1)
    expect(row_of(page, "Bergstrom")).to_be_visible()
    assert "okaf" not in page.url


def test_several_are_processed_with_one_note(page, ward, nurse):
    sign_in(page, nurse)
    page.goto("/admin/alerts/")
    with clicks_at_most(page, 5):
        page.get_by_label("Choose the alert of Bergstrom, Ivan").check()
        page.get_by_label("Choose the alert of Delacroix, Yvette").check()
        page.get_by_role("button", name="Process chosen").click()
        page.get_by_role("radio", name="Reviewed").check()
        page.get_by_role("dialog").get_by_role("button", name="Process", exact=True).click()
    expect(page.locator("#status-line")).to_have_text("Processed 2 alerts.")
    expect(page.locator(".alert-row")).to_have_count(2)
    expect(page.get_by_role("button", name="Process chosen")).to_be_hidden()


def test_a_colleague_is_seen_and_taken_over_from_knowingly(page, ward, nurse, doctor):
    claim_alert(actor=actor_of_user(doctor, route="tests"), alert_id=alert_of("Bergstrom").pk)
    sign_in(page, nurse)
    page.goto("/admin/alerts/")
    expect(row_of(page, "Bergstrom")).to_contain_text("Owen Castellano is looking at this")
    row_of(page, "Bergstrom").get_by_role("button", name="Process").click()
    expect(page.get_by_role("button", name="Leave it to Owen")).to_be_focused()
    look(page)
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("radio", name="Contacted patient")).to_be_visible()
    assert alert_of("Bergstrom").claimed_by == nurse
    # Whoever closes the dialog has let it go.
    with page.expect_response(re.compile("/release/")):
        page.keyboard.press("Escape")
    assert alert_of("Bergstrom").claimed_by is None


@at_both_widths
def test_list_details_and_dialogs_are_there_for_everybody(page, ward, nurse, width):
    looked_at_again = MonitoringAlert.objects.filter(patient__last_name="Delacroix")
    looked_at_again.update(status="processed", review_by=nurse, review_at=timezone.now() - DAY)
    sign_in(page, nurse, width)
    page.goto("/admin/alerts/")
    expect(page.get_by_text("Look again now 1")).to_be_visible()
    page.get_by_role("button", name="Open the alert of Abernathy, Hugo").click()
    expect(page.locator(".alert-opened svg.line-chart")).to_be_visible()
    look(page)
    page.locator(".alert-opened").get_by_role("button", name="Process").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Process and open next").click()
    expect(page.get_by_text("Tick this box")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Escalate instead").click()
    expect(page.get_by_label("To whom")).to_be_visible()
    look(page)


def test_what_comes_meanwhile_is_told_and_moves_no_line(page, ward, nurse, doctor):
    page.clock.install()
    sign_in(page, nurse)
    page.goto("/admin/alerts/")
    ward.measure(named(ward, "Minh Nguyen"), 120, timezone.now())
    claim_alert(actor=actor_of_user(doctor, route="tests"), alert_id=alert_of("Okafor").pk)
    page.clock.run_for(61_000)
    expect(page.locator("#worklist-news")).to_contain_text("1 new.")
    expect(row_of(page, "Okafor")).to_contain_text("Owen Castellano is looking at this")
    expect(page.locator("#nav-sidebar")).to_contain_text("3 red")
    expect(page.locator(".alert-row")).to_have_count(4)
    page.get_by_role("button", name="Show it").click()
    expect(page.locator(".alert-row")).to_have_count(5)
    # A page that asks after the end of the session does not become the one for signing in.
    Session.objects.all().delete()
    with page.expect_response(re.compile("/login/")):
        page.clock.run_for(61_000)
    expect(page.locator("#worklist-news")).to_contain_text("Up to date")
    expect(page.locator("#login-form")).to_have_count(0)
