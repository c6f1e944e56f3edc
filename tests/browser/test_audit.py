"""The audit trail in headless Chromium: who read a record, from the trail and from the chart, and what the patient gets."""

import csv
import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Role
from patients.models import Patient
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, run_axe, sign_in
from tests.pages import sign_in as client_of
from tests.pages import url

pytestmark = pytest.mark.browser


@pytest.fixture
def hugo(clinic):
    nurse = clinic.users[Role.HC_PRIMARY]
    nurse.first_name, nurse.last_name = "Paula", "Prescott"
    nurse.save()
    patient = clinic.patient(first_name="Hugo", last_name="Abernathy", care_group_id=clinic.group.pk)
    client_of(nurse).get(reverse("admin:chart", args=[patient.pk]))
    return patient


@at_both_widths
def test_who_read_a_record_is_found_from_the_trail_within_five_clicks(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/")
    with clicks_at_most(page, 5):
        if width < 1024:
            page.get_by_role("button", name=re.compile("sidebar", re.IGNORECASE)).locator("visible=true").click()
        page.get_by_role("link", name="Audit trail").click()
        page.get_by_label("Patient", exact=True).fill("abernathy")
        page.get_by_role("option", name="Abernathy, Hugo").click()
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Paula Prescott opened the chart of Hugo Abernathy")).to_be_visible()
    expect(page.get_by_label("Patient", exact=True)).to_have_value(re.compile("Abernathy, Hugo"))
    look(page)
    page.get_by_label(re.compile("^Details, .*Paula Prescott")).press("Enter")
    expect(page.get_by_text("patient.read")).to_be_visible()
    run_axe(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


@at_both_widths
def test_who_read_a_chart_is_one_click_from_it_and_a_file_another(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, reverse("admin:chart", args=[hugo.pk]))
    with clicks_at_most(page, 1):
        page.get_by_role("link", name="Who read this").click()
        expect(page.get_by_role("row").filter(has_text="Paula Prescott")).to_contain_text("opened the chart")
    look(page)
    with page.expect_download() as download, clicks_at_most(page, 1):
        page.get_by_role("link", name="CSV file").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert "Paula Prescott" in {row["Who"] for row in csv.DictReader(file)}
    page.get_by_role("link", name="Letter").click()
    expect(page.get_by_role("heading", name="Who read the chart of Hugo Abernathy")).to_be_visible()
    look(page)


@at_both_widths
def test_the_history_of_a_record_and_a_filter_that_is_wrong_are_within_reach(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, url(Patient, "history", hugo.pk))
    expect(page.get_by_role("row").filter(has_text="registered the patient")).to_be_visible()
    look(page)
    open_page(page, f"{reverse('admin:audit')}?since=2001-01-01")
    expect(page.get_by_label("From", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("At most 31 days")).to_be_visible()
    look(page)


@at_both_widths
def test_a_report_is_counted_and_downloaded_within_four_clicks(page, clinic, hugo, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/")
    with clicks_at_most(page, 4):
        if width < 1024:
            page.get_by_role("button", name=re.compile("sidebar", re.IGNORECASE)).locator("visible=true").click()
        page.get_by_role("link", name="Reports").click()
        page.get_by_label("Report", exact=True).select_option("Patients")
        page.get_by_role("button", name="Count rows").click()
        expect(page.get_by_role("status").filter(has_text="in this report")).to_be_visible()
        chosen = page.url
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        assert str(hugo.uuid) in {row["Patient_UUID"] for row in csv.DictReader(file)}
    open_page(page, chosen)
    expect(page.locator("main")).to_contain_text(re.compile(r"exported .+ as CSV"))
    look(page)
