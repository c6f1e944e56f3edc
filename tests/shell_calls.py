"""Calls of curl that stand in documents, sent as they stand there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

SERVER = "http://127.0.0.1:8000"
_CALL = re.compile(r"^    curl (?:.*\\\n)*.*", re.MULTILINE)
_STATUS = re.compile(r"# (\d{3})\b")


def read(document: str) -> str:
    return (Path(settings.BASE_DIR) / document).read_text(encoding="utf-8")


def calls(document: str) -> Iterator[str]:
    """Yield each call in `document`, as one line."""
    for block in _CALL.findall(read(document)):
        yield block.replace("\\\n", " ")


def status_of(call: str) -> int:
    """Return what the comment behind `call` says that it answers."""
    return int(_STATUS.findall(call)[-1])


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
