"""What the browser tests of the clinic's tasks share: signing in, click budgets, both widths, and looking a page over."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page

from accounts.models import User
from tests.pages import new_session

at_both_widths = pytest.mark.parametrize("width", [1280, 768])
"""Give a test the argument `width`, in pixels; pass it to `sign_in`."""

# Counts what a person presses: clicks, and Enter. Once, however often somebody signs in.
_COUNT_PRESSES = """
if (!window.presses) {
  window.presses = () => Number(sessionStorage.getItem("presses") || 0);
  const count = () => sessionStorage.setItem("presses", window.presses() + 1);
  document.addEventListener("click", (event) => event.isTrusted && event.detail > 0 && count(), true);
  document.addEventListener("keydown", (event) => event.isTrusted && event.key === "Enter" && count(), true);
}
"""

# Everything that a person can see and use, in the order of the document.
# Of radio buttons with one name Tab reaches the chosen one, or the first.
_CONTROLS = """() => {
  const stopOf = (name) => document.querySelector(`input[name="${name}"]:checked`)
    || document.querySelector(`input[name="${name}"]`);
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((e) => e.tabIndex >= 0 && !e.disabled && e.type !== "hidden" && e.checkVisibility({checkVisibilityCSS: true})
    && e.getClientRects().length && !e.closest("[inert]")
    && (!document.querySelector("dialog[open]") || e.closest("dialog[open]"))
    && !(e.type === "radio" && e !== stopOf(e.name)))
  .map((e, i) => (e.dataset.stop = i, e.outerHTML.slice(0, 120)));
}"""


def sign_in(page: Page, user: User, width: int = 1280) -> None:
    """Let pages be opened as `user`, in a window of `width` pixels, and count presses from then on.

    What a person does to sign in is in test_admin_sign_in.py; here it would take a fourth of the time of all tests.
    """
    page.set_viewport_size({"width": width, "height": 800 if width > 1000 else 1024})
    page.add_init_script(_COUNT_PRESSES)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": new_session(user), "domain": "localhost", "path": "/"}
    page.context.add_cookies([cookie])


def open_page(page: Page, address: str) -> None:
    """Open `address`, and wait until there is something to see."""
    page.goto(address)
    wait_until_drawn(page)


def wait_until_drawn(page: Page) -> None:
    """Wait for the first picture of the page: before it the browser drops keys, which nobody can have meant for it."""
    page.wait_for_load_state()
    page.evaluate("() => new Promise((drawn) => new PerformanceObserver(() => drawn()).observe({type: 'paint', buffered: true}))")


@contextmanager
def clicks_at_most(page: Page, budget: int) -> Iterator[None]:
    """Fail where what is done inside takes more than `budget` clicks and Enters."""
    before = page.evaluate("presses()")
    yield
    page.wait_for_load_state()
    used = page.evaluate("presses()") - before
    assert used <= budget, f"{used} clicks, not {budget}"


def look(page: Page) -> None:
    """Fail where axe finds something serious, or where Tab does not reach every visible control in order."""
    run_axe(page)
    walk_with_tab(page)


def run_axe(page: Page) -> None:
    """Fail where axe finds something serious."""
    found = Axe().run(page).response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert serious == [], serious


def walk_with_tab(page: Page) -> None:
    """Press Tab through the page, or through its open dialog, and fail where a visible control is left out or out of order."""
    wait_until_drawn(page)
    controls = page.evaluate(_CONTROLS)
    page.evaluate("document.activeElement.blur()")
    reached: list[int] = []
    # What is fetched as it comes into view adds stops that are not among them.
    for _ in range(2 * len(controls) + 20):
        if len(reached) == len(controls):
            break
        page.keyboard.press("Tab")
        stop = page.evaluate("document.activeElement?.dataset?.stop ?? null")
        if stop is None or int(stop) in reached:
            continue
        reached.append(int(stop))
    missing = [controls[index] for index in range(len(controls)) if index not in reached]
    assert missing == [], f"Tab does not reach {missing}"
    # The walk may begin in the middle, and then goes on from the top, once. What is in an open popover follows its button.
    aside = set(page.evaluate("[...document.querySelectorAll(':popover-open [data-stop]')].map((e) => Number(e.dataset.stop))"))
    back = [controls[stop] for before, stop in pairwise(stop for stop in reached if stop not in aside) if stop < before]
    assert len(back) <= 1, f"Tab goes back to {back}"
