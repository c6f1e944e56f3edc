"""A page of Debian's Chromium that tells of every fault."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def page(live_server, clinic, monkeypatch) -> Iterator[Page]:
    """Yield a page of Debian's Chromium; fails where a request leaves the machine, a script breaks or a policy refuses."""
    # Playwright keeps an event loop in this thread, in which Django would refuse its own ORM.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(base_url=live_server.url)
        page.on("request", lambda sent: None if sent.url.startswith((live_server.url, "data:")) else faults.append(sent.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
    assert faults == []
