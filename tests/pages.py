"""Reading and sending the forms of the admin as a browser does."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, User
from accounts.sessions import SessionStore


def new_session(user: User) -> str:
    """Return the key of a session of `user`, as if they had signed in to the admin before the test.

    The session alone is made: an audited sign-in takes four times as long, and has tests of its own.
    """
    session, backend = SessionStore(), "accounts.authentication.StaffBackend"
    session.update({SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: backend, HASH_SESSION_KEY: user.get_session_auth_hash()})
    session.create()
    return session.session_key


def sign_in(user: User) -> Client:
    """Return a client that is signed in to the admin as `user`."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = new_session(user)
    return client


def url(model, page: str, *args) -> str:
    """Return the address of an admin page of `model`: changelist, add, change or history."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


class _Form(HTMLParser):
    """Collects what a browser would send of the form with one id."""

    def __init__(self, form_id: str):
        super().__init__()
        self.form_id, self.inside, self.values = form_id, False, {}
        self.select: str | None = None
        self.area: str | None = None
        self.templates = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        # What is in a template is no part of the form until a script copies it.
        self.templates += tag == "template"
        if self.templates:
            return
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        if not self.inside or "disabled" in given:
            return
        name = given.get("name")
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "select" and name:
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.values.setdefault(self.select, []).append(given.get("value", ""))
        elif tag == "textarea" and name:
            self.area, self.values[name] = name, [""]

    def _input(self, name: str, given: dict) -> None:
        if given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.values.setdefault(name, []).append(given.get("value", "on"))
        elif given.get("type") not in ("submit", "button"):
            self.values.setdefault(name, []).append(given.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        self.templates -= tag == "template"
        if tag == "textarea":
            if self.area:
                # The first line end after the tag is not part of the text.
                self.values[self.area][0] = self.values[self.area][0].removeprefix("\n").removeprefix("\r\n")
            self.area = None
        elif tag == "select":
            self.select = None
        elif tag == "form":
            self.inside = False


def form_values(html: str, form_id: str) -> dict[str, list[str]]:
    """Return name -> values of the form `form_id` as a browser would send them unchanged."""
    reader = _Form(form_id)
    reader.feed(html)
    return reader.values


def row_inputs(name: str, items: Sequence[dict], keys: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what a browser sends of a list of rows: of each item the inputs that it names, and lists within it."""
    keys = keys or [str(place) for place in range(len(items))]
    sent: dict[str, Any] = {name: keys}
    for key, item in zip(keys, items, strict=True):
        for part, value in item.items():
            sent |= row_inputs(f"{name}-{key}-{part}", value) if isinstance(value, list) else {f"{name}-{key}-{part}": str(value)}
    return sent


def opened(client: Client, model, pk: int | None = None) -> tuple[str, dict[str, list[str]]]:
    """Open the form of a row (or the empty one), and return its address and what a browser would send unchanged."""
    address = url(model, "change", pk) if pk else url(model, "add")
    page = client.get(address)
    assert page.status_code == 200, (address, page.status_code)
    return address, form_values(page.content.decode(), f"{model._meta.model_name}_form")


def submit(client: Client, model, pk: int | None = None, **changes: Any):
    """Open the form of a row (or the empty one), change some inputs and send it."""
    address, values = opened(client, model, pk)
    return client.post(address, {**values, **changes})


def issue(client: Client, user: User, description: str = "Lab interface", **changes: Any):
    """Send the form of a new key, and return the page that it leads to: the key, or the form with what is wrong."""
    answer = submit(client, ApiKey, user=user.pk, description=description, **changes)
    return client.get(answer["Location"]) if answer.status_code == 302 else answer
