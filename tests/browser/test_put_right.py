"""Tasks of administrators and of the front desk: work the lists of suspected duplicates and of incomplete charts down."""

import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import Role
from patients.models import DuplicatePair
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.changes import settled

pytestmark = pytest.mark.browser

BORN = datetime.date(1959, 8, 6)


@at_both_widths
def test_a_pair_is_set_aside_taken_back_and_compared(page, clinic, width):
    known = {"last_name": "Jansen", "date_of_birth": BORN}
    one, other = (clinic.patient(first_name=name, **known) for name in ("Ada", "Bo"))
    settled()
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/patients/duplicates/")
    look(page)
    with clicks_at_most(page, 4):
        page.get_by_role("button", name="Jansen, Ada and Jansen, Bo are not the same person").click()
        expect(page.get_by_text("No two records look like one person.")).to_be_visible()
        page.get_by_role("link", name="Set aside").click()
        look(page)
        page.get_by_role("button", name="Suspect Jansen, Ada and Jansen, Bo again").click()
        page.get_by_role("link", name="Suspected").click()
    assert DuplicatePair.objects.get(patient=one, other=other).set_aside_at is None
    with clicks_at_most(page, 1):
        page.get_by_role("link", name="Compare and merge Jansen, Ada and Jansen, Bo").click()
        expect(page.get_by_role("heading", name="Choose what stays")).to_be_visible()


@at_both_widths
def test_what_a_chart_lacks_is_filled_in_from_the_list(page, clinic, width):
    chart = clinic.patient(last_name="Jansen", first_name="Ada", care_group_id=clinic.group.pk, allergy_review_status="reviewed")
    sign_in(page, clinic.users[Role.HC_PRIMARY], width)
    open_page(page, "/admin/")
    expect(page.get_by_text("1 chart", exact=True)).to_be_visible()
    with clicks_at_most(page, 3):
        page.get_by_role("main").get_by_role("link", name="Incomplete charts").click()
        expect(page.get_by_role("heading", name="Active patients whose chart lacks something")).to_be_visible()
        look(page)
        page.get_by_role("button", name="date of birth of Jansen, Ada").click()
        look(page)
        page.get_by_label("Date of birth").fill("6 Aug 1959")
        page.get_by_label("Mobile phone").fill("0612345678")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text("No chart lacks this.")).to_be_visible()
    chart.refresh_from_db()
    assert (chart.date_of_birth, chart.mobile_phone) == (BORN, "0612345678")


@at_both_widths
def test_an_administrator_says_what_charts_need(page, clinic, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, "/admin/patients/incomplete/")
    with clicks_at_most(page, 4):
        page.get_by_role("link", name="What charts need").click()
        page.get_by_label("Phone number").uncheck()
        page.get_by_label("E-mail").check()
        look(page)
        page.get_by_role("button", name="Save", exact=True).click()
    clinic.organization.refresh_from_db()
    assert clinic.organization.needs == ["date_of_birth", "email", "allergies"]
