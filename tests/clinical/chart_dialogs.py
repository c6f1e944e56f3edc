"""Opening and sending the dialogs of a chart as the admin's script does."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from patients.models import Patient
from tests.factories import Clinic
from tests.pages import _Form, sign_in


class _DialogForm(_Form):
    """Collects what the one form of a dialog would send: of a list without a chosen option the first one."""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        super().handle_starttag(tag, [*attrs, ("id", "")] if tag == "form" else attrs)
        if tag == "select":
            self.first: list[str] = []
        elif tag == "option" and self.select:
            self.first.append(dict(attrs).get("value") or "")

    def _input(self, name: str, given: dict) -> None:
        super()._input(name, {"value": "on", **given} if given.get("type") == "checkbox" else given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select and self.first:
            self.values.setdefault(self.select, self.first[:1])
        super().handle_endtag(tag)


@dataclass
class Dialogs:
    """The dialogs of one patient's chart, by one user."""

    clinic: Clinic
    patient: Patient
    role: str = Role.HC_PRIMARY

    @cached_property
    def client(self) -> Client:
        """The user's browser."""
        return sign_in(self.clinic.users[self.role])

    def address(self, kind: str, entry: Any = None, verb: str = "add") -> str:
        """Return the address of a dialog."""
        if entry is None:
            return reverse("admin:chart_add", args=[self.patient.pk, kind])
        return reverse("admin:chart_entry", args=[self.patient.pk, kind, entry.pk, verb])

    def open(self, kind: str, entry: Any = None, verb: str = "add", **query: str) -> HttpResponse:
        """Fetch a dialog."""
        return self.client.get(self.address(kind, entry, verb), query)

    def send(self, kind: str, entry: Any = None, verb: str = "add", **changes: Any) -> HttpResponse:
        """Fetch a dialog, change some inputs and send it."""
        opened = self.open(kind, entry, verb)
        assert opened.status_code == 200, opened.status_code
        return self.again(opened, kind, entry, verb, **changes)

    def again(self, shown: HttpResponse, kind: str, entry: Any = None, verb: str = "add", **changes: Any) -> HttpResponse:
        """Send a dialog that is shown, with some inputs changed; None leaves one out."""
        values = {**inputs_of(shown), **changes}
        return self.client.post(self.address(kind, entry, verb), {k: v for k, v in values.items() if v is not None})

    def against_warnings(self, shown: HttpResponse, kind: str, entry: Any = None, verb: str = "add") -> HttpResponse:
        """Send a dialog that warns with the box ticked and a reason."""
        return self.again(shown, kind, entry, verb, acknowledged="on", override_reason="ZZ tolerated before")


def inputs_of(shown: HttpResponse) -> dict[str, list[str]]:
    """Return what the form of a dialog would send unchanged."""
    reader = _DialogForm("")
    reader.feed(shown.content.decode())
    return reader.values


def message_of(saved: HttpResponse) -> str:
    """Return the sentence of a dialog that has saved."""
    assert saved.status_code == 204, errors_of(saved)
    return json.loads(saved.headers["HX-Trigger"])["saved"]["message"]


def errors_of(shown: HttpResponse) -> dict[str, list[str]]:
    """Return the errors that a dialog shows beside its fields."""
    form = shown.context.get("form") if shown.context else None
    return {name: list(messages) for name, messages in form.errors.items()} if form else {}


def warnings_of(shown: HttpResponse) -> list[str]:
    """Return kind and severity of the warnings that a dialog shows."""
    return [f"{warning.kind}.{warning.severity}" for warning in shown.context.get("warnings", ())]
