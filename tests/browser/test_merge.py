"""Task A9 of administrators: merge two records of one person, and undo it."""

import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import Role
from patients.models import Patient
from tests.browser.tasks import at_both_widths, clicks_at_most, look, sign_in
from tests.clinical.full_charts import fill

pytestmark = pytest.mark.browser


@at_both_widths
def test_two_records_are_merged_and_unmerged(page, clinic, width):
    born = datetime.date(1959, 8, 6)
    survivor = clinic.patient(first_name="Ada", last_name="Jansen", date_of_birth=born, email="ada@example.test")
    other = clinic.patient(first_name="Ada Maria", last_name="Jansen", date_of_birth=born, email="maria@example.test")
    for patient in (survivor, other):
        fill(clinic, patient)
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    page.goto(f"/admin/patients/patient/{survivor.pk}/")
    with clicks_at_most(page, 6):
        page.get_by_text("More", exact=True).click()
        page.get_by_role("button", name="Merge with another record").click()
        look(page)
        page.get_by_role("dialog").get_by_role("link", name="Jansen, Ada Maria").click()
        expect(page.get_by_role("heading", name="Choose what stays")).to_be_visible()
        look(page)
        page.get_by_text("maria@example.test").click()
        page.get_by_role("button", name="Merge the two records").click()
        expect(page.get_by_text("is merged into this chart")).to_be_visible()
        look(page)
    survivor.refresh_from_db()
    assert (survivor.email, Patient.objects.get(pk=other.pk).merged_into) == ("maria@example.test", survivor)

    page.get_by_role("link", name="Undo it on the archived chart").click()
    expect(page.get_by_role("link", name="Into the chart of Jansen, Ada")).to_be_visible()
    look(page)
    with clicks_at_most(page, 3):
        page.get_by_text("More", exact=True).click()
        page.get_by_role("button", name="Undo the merge").click()
        page.get_by_role("dialog").get_by_role("button", name="Undo the merge").click()
        expect(page.get_by_text("has their own chart again")).to_be_visible()
    survivor.refresh_from_db()
    assert (survivor.email, Patient.objects.get(pk=other.pk).merged_into) == ("ada@example.test", None)
