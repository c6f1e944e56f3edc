"""Task A5: an administrator writes the rules of a protocol as rows, reads them in words, tries them and saves them."""

import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Role
from patients.models import Enrolment
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.clinical.monitored import Monitored
from tests.clinical.rules import BOTH, DAILY, HEAVY, REMARK
from tests.pages import url

pytestmark = pytest.mark.browser


@pytest.fixture
def ward(clinic) -> Monitored:
    """Return a clinic with a protocol, and a patient who weighed 95 and 110 in the last weeks."""
    ward, now = Monitored(clinic), timezone.now()
    ward.prescribe(HEAVY, BOTH, REMARK, schedule=[DAILY])
    patient = ward.patient()
    Enrolment.objects.filter(patient=patient).update(start_date=now.date() - datetime.timedelta(days=90))
    for days, weight in ((10, 95), (3, 110)):
        ward.stored(patient, weight, now - datetime.timedelta(days=days))
    return ward


def rules(page: Page) -> Locator:
    return page.locator("[data-row=rule]")


def flags(page: Page) -> list[str]:
    return [row.get_by_label("Flag").input_value() for row in rules(page).all()]


@at_both_widths
def test_a5_write_a_rule_try_it_and_save(page, clinic, ward, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, url(type(ward.protocol), "changelist"))
    with clicks_at_most(page, 4):
        page.get_by_role("link", name="Hill Valley protocol").click()
        page.get_by_role("button", name="Add a rule").click()
        rule = rules(page).last
        rule.get_by_label("Instrument").first.select_option("Weight")
        expect(rule.get_by_label("Hours")).to_be_hidden()
        rule.get_by_label("Value").first.fill("100")
        expect(rule.get_by_text("when weight is above 100.")).to_be_visible()
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("1 red, 1 orange and 0 grey alerts in 1 of 1 patient")).to_be_visible()
        expect(page.get_by_role("img", name="Alerts a week")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was changed successfully")).to_be_visible()
    heavy = {"kind": "measurement", "instrument": "weight", "op": ">", "value": 100, "flag": "red"}
    assert ward.protocol.rules == [HEAVY, BOTH, REMARK, heavy]
    assert ward.protocol.version == 3


@at_both_widths
def test_an_unfinished_rule_is_told_beside_its_row(page, clinic, ward, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    open_page(page, url(type(ward.protocol), "change", ward.protocol.pk))
    rule = rules(page).first
    rule.get_by_label("Kind").select_option("Average")
    rule.get_by_label("Days").last.fill("7")
    expect(rule.get_by_text("when the average weight of … values or more in 7 days is above 90.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(rule.get_by_text("Say how many values are needed: a whole number from 1 to 1,000.")).to_be_visible()
    look(page)
    rule.get_by_label("Number of values").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert ward.protocol.rules[0]["kind"] == "average"


def test_rows_are_added_moved_and_removed_by_keyboard(page, clinic, ward):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, url(type(ward.protocol), "change", ward.protocol.pk))
    assert flags(page) == ["orange", "red", "grey"]
    rules(page).first.get_by_role("button", name="Move down").last.press("Enter")
    assert flags(page) == ["red", "orange", "grey"]
    expect(rules(page).nth(1).get_by_role("button", name="Move down").last).to_be_focused()
    rules(page).first.get_by_role("button", name="Remove").last.press("Enter")
    assert flags(page) == ["orange", "grey"]
    expect(rules(page).first.get_by_role("button", name="Remove").last).to_be_focused()
    assert rules(page).first.locator("[data-row-number]").first.text_content() == "1"
    page.get_by_role("button", name="Add a rule").press("Enter")
    expect(rules(page).last.get_by_label("Flag")).to_be_focused()
    rules(page).last.get_by_label("Kind").select_option("Combination")
    for place in range(2):
        rules(page).last.get_by_role("button", name="Condition").press("Enter")
        condition = rules(page).last.locator("[data-row=condition]").nth(place)
        expect(condition.get_by_label("Instrument")).to_be_focused()
        condition.get_by_label("Instrument").select_option("Pulse")
        condition.get_by_label("Value").fill(str(100 + place))
    rules(page).last.get_by_label("Days").first.fill("2")
    expect(page.get_by_text("within 2 days pulse is above 100 and pulse is above 101.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert [rule["kind"] for rule in ward.protocol.rules] == ["measurement", "remark", "combination"]


def test_who_may_only_read_gets_sentences(page, clinic, ward):
    sign_in(page, clinic.users[Role.HC_VIEW_ALL], 768)
    open_page(page, url(type(ward.protocol), "change", ward.protocol.pk))
    expect(page.get_by_text("when weight is above 90.")).to_be_visible()
    look(page)
