"""The guides for people, done step by step on the demo's clinic, in English and in Dutch."""

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


@pytest.mark.parametrize(
    ("guide", "language", "width"),
    # Dutch takes more room: what fits in Dutch at 768 pixels does in English. What staff do is asked at both widths by the tests
    # of each task.
    [(guide, *shown) for guide in GUIDES for shown in (("en", 1280), ("nl", 768))],
)
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
