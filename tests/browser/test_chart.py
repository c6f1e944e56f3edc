"""Tasks on the chart page, in headless Chromium at both widths: read at a glance, family, urgent note, measurements, paper."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role
from clinical.models import Alert, Allergy
from patients.models import Patient, Relationship
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.clinical.full_charts import fill, measure, take_signs

pytestmark = pytest.mark.browser


@pytest.fixture
def patient(clinic) -> Patient:
    """Return a patient with an urgent note, an allergy, a family, and three weeks of measurements."""
    hugo = clinic.enrolled(
        first_name="Hugo",
        last_name="Abernathy",
        chart_number="RV-17",
        care_group_id=clinic.group.pk,
        medical_urgent_note="Ring the cardiologist first.",
    )
    ruth = clinic.patient(first_name="Ruth", last_name="Abernathy", sex="female", care_group_id=clinic.group.pk)
    clinic.entry(Relationship, hugo, to_patient_id=ruth.pk, relationship_type="spouse")
    clinic.entry(Allergy, hugo, severity="severe", reaction="hives")
    clinic.entry(Alert, hugo)
    fill_chart(clinic, hugo)
    return hugo


def fill_chart(clinic, patient: Patient) -> None:
    now = timezone.now()
    fill(clinic, patient, now)
    measure(clinic, patient, [140 + number for number in range(20)], now, code="systolic")
    take_signs(patient, timezone.localdate(), bp_systolic=146, bp_diastolic=84, pulse=88)


@pytest.fixture
def nurse(clinic):
    return clinic.users[Role.HC_PRIMARY]


def go_to(page: Page, patient: Patient) -> None:
    page.goto(reverse("admin:chart", args=[patient.pk]))
    wait_for_the_timeline(page)


def wait_for_the_timeline(page: Page) -> None:
    """Let the timeline be fetched, which happens when it comes into view, before anything else is asked for."""
    # Not Playwright's own way of scrolling: it fails where the block is replaced meanwhile.
    page.evaluate("document.getElementById('timeline').scrollIntoView()")
    expect(page.locator("#timeline-title")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


@at_both_widths
def test_a_chart_is_read_at_a_glance(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    page.goto(reverse("admin:patients_patient_changelist"))
    with clicks_at_most(page, 1):
        page.get_by_role("link", name="Abernathy, Hugo").click()
        expect(page.locator("#medications")).to_contain_text("Herbal tea")
        wait_for_the_timeline(page)
        for block in ("problems", "allergies", "vital-signs", "measurements", "monitoring", "family", "appointments", "access"):
            expect(page.locator(f"#{block}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@at_both_widths
def test_the_urgent_note_is_seen_without_a_click_and_stays_in_view(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    open_page(page, "/admin/")
    with clicks_at_most(page, 0):
        go_to(page, patient)
        page.evaluate("document.getElementById('access').scrollIntoView()")
        for words in ("Ring the cardiologist first.", "hives, severe"):
            expect(page.locator("#banner").get_by_text(re.compile(words)).first).to_be_in_viewport()
    page.goto(reverse("admin:patients_patient_change", args=[patient.pk]))
    expect(page.locator("#banner").get_by_text("Ring the cardiologist first.")).to_be_visible()


@at_both_widths
def test_the_family_is_one_click_away(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    go_to(page, patient)
    with clicks_at_most(page, 1):
        page.locator("#family").get_by_role("link", name="Abernathy, Ruth").click()
        expect(page.locator("#banner")).to_contain_text("Abernathy, Ruth")
    expect(page.locator("#family").get_by_role("link", name="Abernathy, Hugo")).to_be_visible()
    wait_for_the_timeline(page)


@at_both_widths
def test_measurements_are_a_drawing_another_period_or_a_table(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    go_to(page, patient)
    block = page.locator("#measurements")
    expect(block.get_by_role("img", name=re.compile("Systolic in mmHg, .* rising from 140 to 159"))).to_be_visible()
    with clicks_at_most(page, 2):
        block.get_by_role("button", name="90 days").click()
        expect(block.get_by_role("button", name="90 days")).to_have_attribute("aria-pressed", "true")
        block.get_by_role("link", name="Show as a table").click()
        expect(block.get_by_role("cell", name="159")).to_be_visible()


@at_both_widths
def test_the_summary_goes_to_paper(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    go_to(page, patient)
    with clicks_at_most(page, 2), page.expect_popup() as opened:
        page.locator("#banner summary", has_text="More").click()
        page.get_by_role("link", name="Print summary").click()
    paper = opened.value
    expect(paper.get_by_role("heading", name="Abernathy, Hugo")).to_be_visible()
    paper.emulate_media(media="print")
    expect(paper.get_by_role("button", name="Print")).to_be_hidden()
    assert paper.pdf(format="A4").startswith(b"%PDF")


@at_both_widths
def test_the_page_is_accessible_and_its_timeline_comes_by_itself(page, clinic, nurse, patient, width):
    sign_in(page, nurse, width)
    go_to(page, patient)
    expect(page.locator("#timeline")).to_contain_text("systolic 159 mmHg")
    look(page)
    page.locator("#timeline").get_by_role("button", name="Contacts").click()
    expect(page.locator("#timeline")).to_contain_text("Phone: Called back")
    expect(page.locator("#timeline")).not_to_contain_text("Measured")


def test_keys_open_the_menu_and_escape_closes_it(page, clinic, nurse, patient):
    sign_in(page, nurse)
    go_to(page, patient)
    menu = page.locator("details.add-menu")
    page.keyboard.press("a")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    page.keyboard.press("b")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("a")
    page.keyboard.press("b")
    expect(page.locator("dialog[open]").get_by_label("Patient")).to_have_value("Abernathy, Hugo, RV-17")
