"""Tasks F3 to F8 of the front desk: register, be told of a duplicate, correct an address, archive, restore, record a death."""

import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import Role
from patients.models import Patient, Status
from tests.browser.tasks import at_both_widths, clicks_at_most, look, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(clinic):
    return clinic.users[Role.HC_ADMIN]


@at_both_widths
def test_f3_register_a_patient(page, clinic, desk, width):
    sign_in(page, desk, width)
    page.goto("/admin/patients/patient/")
    with clicks_at_most(page, 2):
        page.get_by_role("banner").get_by_role("link", name="Register patient").click()
        page.get_by_label("First name").fill("Ada")
        page.get_by_label("Last name").fill("Jansen")
        page.get_by_label("Date of birth").fill("6 aug 1959")
        page.get_by_label("Mobile phone").fill("202 555 0143")
        expect(page.get_by_text("Read as 6 Aug 1959")).to_be_visible()
        expect(page.get_by_text("Read as (202) 555-0143")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.get_by_role("heading", name="Jansen, Ada").first).to_be_visible()
    assert Patient.objects.get(last_name="Jansen").date_of_birth == datetime.date(1959, 8, 6)


@at_both_widths
def test_f4_a_possible_duplicate_is_told_before_anything_is_stored(page, clinic, desk, width):
    clinic.patient(first_name="Ada", last_name="Jansen", date_of_birth=datetime.date(1959, 8, 6), chart_number="HV-7")
    sign_in(page, desk, width)
    page.goto("/admin/patients/register/")
    with clicks_at_most(page, 3):
        page.get_by_label("First name").fill("Ada")
        page.get_by_label("Last name").fill("Jansen")
        page.get_by_label("Date of birth").fill("1959-08-06")
        page.get_by_label("Mobile phone").focus()
        expect(page.get_by_text("1 patient looks like this one")).to_be_visible()
        expect(page.get_by_text("Very likely")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.get_by_text("tick the box to register someone else")).to_be_visible()
        assert Patient.objects.filter(last_name="Jansen").count() == 1
        page.get_by_label("I compared them").check()
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.get_by_role("heading", name="Jansen, Ada").first).to_be_visible()
    assert Patient.objects.filter(last_name="Jansen").count() == 2


@at_both_widths
def test_f5_correct_an_address(page, clinic, desk, width):
    patient = clinic.patient(city="Old")
    sign_in(page, desk, width)
    page.goto(f"/admin/patients/patient/{patient.pk}/")
    with clicks_at_most(page, 4):
        page.locator("summary", has_text="More").click()
        page.get_by_role("link", name="Edit details").click()
        page.get_by_role("tab", name="Contact").click()
        page.get_by_label("City").fill("Hill Valley")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was changed successfully")).to_be_visible()
        expect(page.locator("#contact")).to_contain_text("Hill Valley")
    patient.refresh_from_db()
    assert patient.city == "Hill Valley"


@at_both_widths
def test_f6_and_f7_archive_and_restore(page, clinic, desk, width):
    patient = clinic.patient()
    sign_in(page, desk, width)
    page.goto(f"/admin/patients/patient/{patient.pk}/")
    with clicks_at_most(page, 3):
        page.locator("summary", has_text="More").click()
        page.get_by_role("button", name="Archive chart").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Archive", exact=True).click()
        expect(page.get_by_text("is archived").first).to_be_visible()
    with clicks_at_most(page, 3):
        page.locator("summary", has_text="More").click()
        page.get_by_role("button", name="Restore chart").click()
        page.get_by_role("button", name="Restore", exact=True).click()
        expect(page.get_by_text("is restored").first).to_be_visible()
    patient.refresh_from_db()
    assert (patient.status, patient.deleted_at) == (Status.INACTIVE, None)


@at_both_widths
def test_f8_record_a_death(page, clinic, desk, width):
    patient = clinic.patient()
    sign_in(page, desk, width)
    page.goto(f"/admin/patients/patient/{patient.pk}/")
    with clicks_at_most(page, 3):
        page.locator("summary", has_text="More").click()
        page.get_by_role("button", name="Record death").click()
        page.get_by_label("Moment of death").fill("2 Mar 2026")
        page.get_by_label("Time", exact=True).fill("9:00")
        page.locator("#dialog").get_by_role("button", name="Record death").click()
        expect(page.get_by_text("The death of").first).to_be_visible()
    patient.refresh_from_db()
    assert patient.status == Status.DECEASED
