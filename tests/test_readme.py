"""The first steps in README.md, one after the other, as they stand there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from accounts.models import Role

SERVER = "http://127.0.0.1:8000"
# What each call answers, and then again.
STATUSES = [(200, 200), (201, 201), (422, 422), (409, 409), (200, 409), (200, 200), (200, 200), (200, 200), (200, 200)]


def calls() -> Iterator[str]:
    text = (Path(settings.BASE_DIR) / "README.md").read_text()
    for block in re.findall(r"^    curl (?:.*\\\n)*.*", text, re.MULTILINE):
        yield block.replace("\\\n", " ")


def send(call: str, known: dict[str, str]):
    """Do what curl would do with `call`, in which `known` variables of the shell stand."""
    method, headers, body, url = "GET", {}, "", ""
    words = iter(shlex.split(Template(call).substitute(known), comments=True)[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            url = word
    assert url.startswith(f"{SERVER}/")
    parts = urlsplit(url)
    content_type = headers.pop("Content-Type", "")
    return Client().generic(method, f"{parts.path}?{parts.query}", body, content_type=content_type, headers=headers)


def test_the_calls_do_what_is_said_of_them(clinic):
    for _ in range(6):
        clinic.patient(last_name="Sørensen")
    known = {"SERVER": SERVER, "ORG": str(clinic.organization.uuid), "KEY": clinic.keys[Role.HC_ADMIN]}
    answers = []
    for call in calls():
        first, again = (send(call, known) for _ in range(2))
        answers.append((first.status_code, again.status_code))
        told = first.json()
        if first.status_code == 201:
            known["PATIENT"] = told["id"]
        elif "page_info" in told:
            known["CURSOR"] = told["page_info"]["end_cursor"]
    assert answers == STATUSES
