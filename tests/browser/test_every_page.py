"""Every kind of list and form of the admin, and the pages around: nothing serious for axe, all of it within reach of Tab."""

import pytest
from playwright.sync_api import expect

from accounts.models import ApiKey, Role, User
from clinical.models import Appointment
from exports.models import WebhookEndpoint
from patients.models import Patient
from tests.browser.tasks import look, sign_in
from tests.furnished import CATALOGS, MODELS, unlike
from tests.pages import url

pytestmark = pytest.mark.browser

AROUND = ("/admin/password_change/", "/admin/second-factor/", "/admin/patients/register/")
# One page for each set of models whose pages have the same rules.
ALIKE = [model for model in unlike(MODELS) if model is not Patient]


def test_the_lists_are_within_reach(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    clinic.patient(care_group_id=clinic.group.pk)
    for model in (Patient, *ALIKE):
        page.goto(url(model, "changelist"))
        look(page)


@pytest.mark.parametrize("model", [Patient, Appointment, User])
def test_an_open_panel_of_filters_is_within_reach(page, clinic, model):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    page.goto(url(model, "changelist"))
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()


def test_the_forms_are_within_reach(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    for model in ALIKE:
        if model in CATALOGS:
            page.goto(url(model, "change", clinic.row(model).pk))
            look(page)
    for model in (ApiKey, User, WebhookEndpoint):
        page.goto(url(model, "add"))
        look(page)


def test_the_pages_around_are_within_reach(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    for address in AROUND:
        page.goto(address)
        look(page)
    page.context.clear_cookies()
    page.goto("/admin/login/")
    look(page)
