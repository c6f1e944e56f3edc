"""The guides for people, done step by step on the demo's clinic, one in Dutch and one in English."""

import io

import pytest
from django.core.management import call_command
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.guide import do, tasks
from tests.browser.tasks import open_page, sign_in

pytestmark = pytest.mark.browser

# Who does what a guide tells.
GUIDES = {"staff": "hc.primary@riverside.example", "administrators": "hc.admin@riverside.example"}


def make_demo() -> None:
    call_command("demo", patients=24, json=True, stdout=io.StringIO())


# Half a minute each. A label that only the guide has fails in both languages: it is looked up in the catalog of messages, and
# sought on the page. Dutch takes more room, and what staff do in English is asked at both widths by the tests of each task.
@pytest.mark.parametrize(("guide", "language", "width"), [("staff", "nl", 768), ("administrators", "en", 1280)])
def test_every_step_can_be_done(page: Page, guide: str, language: str, width: int):
    make_demo()
    user = User.objects.get(email=GUIDES[guide])
    user.language = language
    user.save()
    sign_in(page, user, width)
    for task in tasks(guide):
        open_page(page, "/admin/")
        try:
            do(page, task, language)
        except AssertionError as failure:
            failure.add_note(f"In the task: {task.title}")
            raise
