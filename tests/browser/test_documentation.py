"""The pages of the API documents, in headless Chromium."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("name", "operation"), [("practice", "List appointments"), ("public", "/v1/me"), ("general", "/gauges")])
def test_a_document_is_shown_with_its_operations(page: Page, name: str, operation: str):
    page.goto(f"/docs/{name}/")
    expect(page.locator("#document")).to_contain_text(operation, timeout=30_000)
