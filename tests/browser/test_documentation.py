"""The pages of the API documents, in headless Chromium."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.tasks import look, run_axe

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("name", "operation"), [("practice", "List patients"), ("public", "/v1/me"), ("general", "/gauges")])
def test_a_document_can_be_tried(page: Page, name: str, operation: str):
    page.goto(f"/docs/{name}/try/")
    expect(page.locator("#document")).to_contain_text(operation, timeout=30_000)


@pytest.mark.parametrize("width", [1280, 768])
@pytest.mark.parametrize("path", ["/docs/", "/docs/general/", "/docs/guides/webhooks/", "/docs/practice/changelog/"])
def test_pages_can_be_read_and_walked_through(page: Page, path: str, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    look(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_search_finds_an_operation_which_opens_by_its_address(page: Page):
    page.goto("/docs/practice/")
    page.get_by_label("Search operations").fill("vital create")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"1 of \d+ operations"))
    expect(page.locator(".operation:visible")).to_have_count(1)
    page.get_by_role("link", name="Create vital signs").click()
    expect(page.locator("#create_vital_signs")).to_have_attribute("open", "")
    page.locator("#create_vital_signs").get_by_role("link", name="VitalSignsRequest").click()
    expect(page.locator("#schema-VitalSignsRequest").get_by_role("row", name="bp_systolic")).to_be_visible()
    page.get_by_label("Search operations").fill("")
    run_axe(page)


def test_an_address_opens_its_operation(page: Page):
    page.goto("/docs/public/#list_patients")
    expect(page.locator("#list_patients").get_by_role("table", name="Parameters")).to_be_visible()
