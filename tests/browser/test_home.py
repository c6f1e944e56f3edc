"""The home page in headless Chromium: the day of the front desk, in one click each."""

import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Organization, Role
from clinical.models import Appointment
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in

pytestmark = pytest.mark.browser


@at_both_widths
def test_who_has_arrived_is_said_by_one_click_and_who_did_not_come_by_two(page, clinic, width):
    # A zone in which it is about noon, so that the visit is today at any hour.
    zone = f"Etc/GMT{timezone.now().hour - 12:+d}"
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone=zone)
    patient = clinic.patient(first_name="Ann", last_name="Lee", care_group_id=clinic.group.pk)
    visit = clinic.appointment(patient, starts_at=timezone.now() + datetime.timedelta(hours=1), note="Wound check")
    sign_in(page, clinic.users[Role.HC_PRIMARY], width)
    open_page(page, "/admin/")
    today = page.locator("#appointments-today")
    expect(today).to_contain_text("1 to come")
    look(page)
    with clicks_at_most(page, 1):
        today.get_by_role("button", name="Arrived: Lee, Ann").click()
        expect(today).to_contain_text("1 waiting")
    expect(page.get_by_role("status").filter(has_text="Lee, Ann has arrived.")).to_be_visible()
    with clicks_at_most(page, 2):
        today.get_by_role("button", name="More for the visit of Lee, Ann").click()
        today.get_by_role("button", name="No-show").click()
        expect(today).to_contain_text("All visits of today are over.")
    assert Appointment.objects.get(pk=visit.pk).status == "no_show"
