"""Guides for people as tests: what a numbered step of a page in `docs/` says is done in a browser.

A task is a heading with numbered steps under it. A step says in **bold** what is pressed or seen, by the words on the page, and
as `code` what is typed, or read there:

    1. Press **Register patient**.
    2. Type `Quist` in **Last name**, choose `female` in **Sex**, and press **Register**.

The verbs are those of `VERBS`; the last one is what a person sees or reads when the task is done. A step without a verb, or with
bold words that no verb takes, is refused when the guide is read: every step is run. `Clicks: 4` under a heading is the number of
clicks and Enters that the task takes at most. In another language the words of the page are those of its catalog of messages.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.utils import translation
from django.utils.text import capfirst
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.tasks import clicks_at_most
from tests.messages import catalog

# Pages that are not so wide hide their menu.
NARROW = 1024
# Milliseconds.
QUIET, STEP = 100, 25
DOCS = Path(__file__).parents[2] / "docs"
_TASK = re.compile(r"^### (?P<title>.+?)\n(?P<body>.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\d+\. (.+(?:\n   .+)*)", re.MULTILINE)
_FILE = re.compile(r"^```csv\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"%\\\((\w+)\\\)s")
_CLICKS = re.compile(r"^Clicks: (\d+)$", re.MULTILINE)
_DO = re.compile(
    r"(?:(?P<enter>[Tt]ype|[Cc]hoose|[Ff]ind|[Uu]pload) )?`(?P<value>.+?)` in \*\*(?P<field>.+?)\*\*"
    r"|(?P<read>[Rr]ead) `(?P<text>.+?)`"
    r"|(?P<one>[Pp]ress|[Tt]ick) `(?P<data>.+?)`"
    r"|(?:(?P<verb>[Pp]ress the first|[Pp]ress|[Oo]pen|[Tt]ick|[Ss]ee) )?\*\*(?P<name>.+?)\*\*"
)


class Action(NamedTuple):
    """What a person does: a verb, the words on the page, and what they type or choose; for an upload the file's content too."""

    verb: str
    name: str
    value: str = ""
    file: str = ""


class Task(NamedTuple):
    """A task of a guide: its steps, the most clicks that they may take, and the files that stand above them, by name."""

    title: str
    clicks: int
    actions: list[Action]


def tasks(guide: str) -> list[Task]:
    """Return the tasks of `docs/<guide>.md`. Raises ValueError for a step that says nothing to do."""
    text = (DOCS / f"{guide}.md").read_text(encoding="utf-8")
    return [_task(found["title"], found["body"]) for found in _TASK.finditer(text) if _STEP.search(found["body"])]


def _task(title: str, body: str) -> Task:
    clicks, file = _CLICKS.search(body), _FILE.search(body)
    if clicks is None:
        raise ValueError(f"The guide does not say how many clicks this takes: {title}")
    actions = [action for step in _STEP.findall(body) for action in _actions(step)]
    if actions[-1].verb not in ("see", "read"):
        raise ValueError(f"The guide does not say what is seen in the end: {title}")
    if file:
        actions = [action._replace(file=file[1]) if action.verb == "upload" else action for action in actions]
    return Task(title, int(clicks[1]), actions)


def _actions(step: str) -> list[Action]:
    step = re.sub(r"\s+", " ", step)
    found: list[Action] = []
    for do in _DO.finditer(step):
        # "Type `Ada` in **First name** and `Quist` in **Last name**": a verb holds for what follows.
        verb = do["verb"] or do["read"] or do["enter"] or do["one"] or (found[-1].verb if found else "")
        value = do["value"] or do["text"] or do["data"] or ""
        found.append(Action(verb.lower(), do["name"] or do["field"] or "", value))
    if not found or step.count("**") != 2 * sum(bool(action.name) for action in found):
        raise ValueError(f"Nothing says what to do with the words in bold: {step}")
    return found


def do(page: Page, task: Task, language: str) -> None:
    """Do `task` on `page`, within its clicks; where the page is narrow, its menu takes one more."""
    budget = task.clicks + (sum(action.verb == "open" for action in task.actions) if is_narrow(page) else 0)
    with translation.override(language), clicks_at_most(page, budget), Unanswered(page) as unanswered:
        for action in task.actions:
            VERBS[action.verb](page, action._replace(name=words(action.name) if action.name else action.value))
            unanswered.wait()


class Unanswered:
    """The requests of a page that have no answer yet."""

    def __init__(self, page: Page):
        self.page, self.requests = page, set[Request]()

    def add(self, request: Request) -> None:
        self.requests.add(request)

    def discard(self, request: Request) -> None:
        self.requests.discard(request)

    def __enter__(self) -> "Unanswered":
        self.page.on("request", self.add)
        self.page.on("requestfinished", self.discard)
        self.page.on("requestfailed", self.discard)
        return self

    def __exit__(self, *raised: object) -> None:
        self.page.remove_listener("request", self.add)
        self.page.remove_listener("requestfinished", self.discard)
        self.page.remove_listener("requestfailed", self.discard)

    def wait(self) -> None:
        """Wait until there was none for QUIET milliseconds. Playwright's own "networkidle" waits for half a second."""
        quiet = 0
        while quiet < QUIET:
            self.page.wait_for_timeout(STEP)
            quiet = 0 if self.requests else quiet + STEP
        self.page.wait_for_load_state()


def is_narrow(page: Page) -> bool:
    return (page.viewport_size or {"width": 0})["width"] < NARROW


def words(name: str) -> str:
    """Return `name`, which the guide has in English, as pages write it in the active language.

    It is a message, the name of a field as a label, or a message with something in it: "Import 2 rows". Raises LookupError.
    """
    language = translation.get_language()
    if language == "en":
        return name
    shown = translation.gettext(name)
    return shown if shown != name else _in_catalog(name, str(language))


def _in_catalog(name: str, language: str) -> str:
    as_label = name[:1].lower() + name[1:]
    for entry in catalog(language):
        if entry.message.text in (name, as_label):
            return capfirst(entry.forms[0])
    for text, form in _forms(language):
        parts = re.fullmatch(_PLACEHOLDER.sub("(.+)", re.escape(text)), name)
        if parts:
            values = (_or_itself(value, language) for value in parts.groups())
            return form % dict(zip(_PLACEHOLDER.findall(re.escape(text)), values, strict=True))
    raise LookupError(f"No message of {language} is {name!r}")


def _forms(language: str) -> Iterator[tuple[str, str]]:
    """Yield what has places for something with its translation, in singular and plural, the most telling first."""
    found = [("Add %(name)s", translation.gettext("Add %(name)s"))]  # Django's own.
    for message, forms, _ in catalog(language):
        found += zip((message.text, message.plural), forms, strict=False)
    placed = [(text, form) for text, form in found if "%(" in text and _told(text)]
    yield from sorted(placed, key=lambda pair: -len(_told(pair[0])))


def _told(text: str) -> str:
    return re.sub(r"%\(\w+\)s|\W", "", text)


def _or_itself(value: str, language: str) -> str:
    """Return what stands in a message, in its language where it is a word of the page and no name."""
    shown = translation.gettext(value)
    if shown != value or not (value.islower() or " " in value):
        return shown
    try:
        return _in_catalog(value, language).lower()
    except LookupError:
        return value


def _within(page: Page) -> Locator:
    """Return where a person looks: the open dialog, or the page."""
    return page.locator("dialog[open], body:not(:has(dialog[open]))")


def _control(page: Page, name: re.Pattern) -> Locator:
    found = _within(page).locator("summary", has_text=name)
    for role in ("button", "link", "tab", "radio"):
        found = found.or_(_within(page).get_by_role(role, name=name))
    return found.locator("visible=true").first


def _press(page: Page, action: Action) -> None:
    # A link may end with the number of what waits behind it.
    _control(page, re.compile(rf"^\s*{re.escape(action.name)}(\s+\d.*)?\s*$", re.IGNORECASE)).click()


def _press_the_first(page: Page, action: Action) -> None:
    """Press the first of many that look alike; a screen reader tells each with a person's name."""
    whole = re.compile(rf"^\s*{re.escape(action.name)}\s*$")
    _within(page).locator("button, a").filter(has_text=whole).locator("visible=true").first.click()


def _open(page: Page, action: Action) -> None:
    """Press what is in the menu at the side, which a narrow page hides."""
    if is_narrow(page):
        page.locator("[aria-controls=nav-sidebar]").locator("visible=true").first.click()
    _press(page, action)


def _tick(page: Page, action: Action) -> None:
    _within(page).get_by_label(action.name).locator("visible=true").first.check()


def _field(page: Page, name: str) -> Locator:
    """Return the last field with the label `name`: of rows that are alike, the one that was added."""
    labelled = _within(page).get_by_label(re.compile(rf"^\s*{re.escape(name)}\b"))
    return labelled.and_(page.locator("input, select, textarea")).locator("visible=true").last


def _type(page: Page, action: Action) -> None:
    _field(page, action.name).fill(action.value)


def _choose(page: Page, action: Action) -> None:
    try:
        label = words(action.value)
    except LookupError:
        label = action.value  # A row of the clinic.
    _field(page, action.name).select_option(label=label)


def _find(page: Page, action: Action) -> None:
    """Type into a field that offers what it finds, and take the first with Enter."""
    picker = page.locator(".form-row, .field-row, .group", has_text=action.name).locator(".select2-selection")
    if picker.count():
        picker.first.click()
        expect(page.locator(".select2-search__field")).to_be_focused()
        page.keyboard.type(action.value)
        page.locator(".select2-results__option--highlighted", has_text=action.value).click()
        return
    field = _field(page, action.name)
    field.press_sequentially(action.value)
    expect(page.locator("[role=option]").first).to_be_visible()
    field.press("Enter")


def _upload(page: Page, action: Action) -> None:
    file = {"name": action.value, "mimeType": "text/csv", "buffer": action.file.encode()}
    _field(page, action.name).set_input_files(file)


def _read(page: Page, action: Action) -> None:
    expect(_within(page).get_by_text(action.value).locator("visible=true").first).to_be_visible()


def _see(page: Page, action: Action) -> None:
    expect(page.get_by_text(action.name, exact=True).locator("visible=true").first).to_be_visible()


VERBS = {
    "press": _press,
    "press the first": _press_the_first,
    "open": _open,
    "tick": _tick,
    "see": _see,
    "read": _read,
    "type": _type,
    "choose": _choose,
    "find": _find,
    "upload": _upload,
}
