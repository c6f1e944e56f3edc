"""A page of Debian's Chromium that tells of every fault."""

import os
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from config.core.frames import give_room

# Milliseconds. Beside other work on the same machine a page takes its time.
expect.set_options(timeout=20_000)
# The shell has no window to draw, and takes half of the time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


# Pages are made in threads, as by the server of the product.
give_room(threading.Thread.run)

# What Chromium says of a form or dialog that came back with what is wrong, or speaks against saving.
REFUSED = "the server responded with a status of 422"

# What htmx writes where a later request replaces one that is not answered yet.
ABORTED = ("htmx:sendAbort", "htmx:afterRequest")


def is_fault(message: ConsoleMessage) -> bool:
    """Tell whether a message of the console is about something that is broken."""
    return message.type == "error" and REFUSED not in message.text and message.text not in ABORTED


@pytest.fixture
def one_at_a_time(monkeypatch) -> Iterator[None]:
    """Answer one request after the other, and none after the test: all threads share the connection of a database in memory."""
    turn, over, answer = threading.RLock(), threading.Event(), WSGIHandler.__call__

    def answer_in_turn(handler: WSGIHandler, environ: Any, start_response: Any) -> Any:
        with turn:
            if over.is_set():
                start_response("503 Service Unavailable", [])
                return []
            return answer(handler, environ, start_response)

    monkeypatch.setattr(WSGIHandler, "__call__", answer_in_turn)
    yield
    with turn:
        over.set()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield Debian's Chromium, started once."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, in which Django would refuse its own ORM.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, live_server, clinic, one_at_a_time) -> Iterator[Page]:
    """Yield a page of its own; fails where a request leaves the machine, a script breaks or a policy refuses."""
    faults: list[str] = []
    page = chromium.new_page(base_url=live_server.url)
    page.on("request", lambda sent: None if sent.url.startswith((live_server.url, "data:")) else faults.append(sent.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    yield page
    page.close()
    assert faults == [], faults
