"""Whatever a page says in words of ours follows the language: read in one in which every translated text stands in brackets."""

import re

import pytest
from django.apps import apps
from django.db import models
from django.utils import translation
from django.utils.translation import trans_real

from accounts.admin.pages import REGISTRY
from accounts.models import Role, User
from clinical.services.instruments import GAUGES
from config.core.written_dates import month_named
from tests.furnished import MODELS, furnish
from tests.pages import sign_in, url
from tests.test_admin_pages import address, rows_of
from tests.unmarked import ShownTexts

OPEN, CLOSE = "⟦", "⟧"
_BRACKETED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
_WORD = re.compile(r"[^\W\d_]{2,}")
# The same in every language: names of the product and of languages, what is on the keys, clocks and their zones.
NAMES = {
    "Anamnesis",
    "English",
    "Nederlands",
    "Ctrl",
    "Esc",
    "CET",
    "CEST",
    "EST",
    "EDT",
    "UTC",
    "Amsterdam",
    "Europe",
    "API",
    "CSV",
    "NDJSON",
    "URL",
    "UUID",
    "Windows",
    "min",
}


@pytest.fixture
def asked(monkeypatch) -> set[str]:
    """Put the texts of Dutch pages into brackets in place of Dutch; return those that were asked for, in English."""
    month_named("nov")  # Keeps the names of months, which are Dutch.
    texts: set[str] = set()

    def bracketed(text: str, shown: str = "") -> str:
        # Codes and logs are made without a language, APIs speak English.
        if translation.get_language() != "nl":
            return shown or text
        texts.add(text)
        return f"{OPEN}{shown or text}{CLOSE}"

    speak = translation._trans
    monkeypatch.setattr(speak, "gettext", bracketed, raising=False)
    monkeypatch.setattr(speak, "pgettext", lambda context, text: bracketed(text), raising=False)
    monkeypatch.setattr(speak, "ngettext", lambda one, many, n: bracketed(one, one if n == 1 else many), raising=False)
    monkeypatch.setattr(speak, "npgettext", lambda context, one, many, n: bracketed(one, one if n == 1 else many), raising=False)
    return texts


def unknown(texts: set[str]) -> list[str]:
    """Return those of `texts` that no catalog has in Dutch: packages may have none."""
    catalogs = trans_real.translation("nl")._catalog._catalogs  # type: ignore[attr-defined]
    keys = (key[0] if isinstance(key, tuple) else key for each in catalogs for key in each)
    # A context stands before its text.
    known = {key.rpartition("\x04")[2] for key in keys} | NAMES
    return sorted(text for text in texts - known if _WORD.search(text))


def recorded(clinic) -> set[str]:
    """Return the words that the rows of the database hold: data, which no page translates."""
    texts = [clinic.name]
    for model in apps.get_models():
        columns = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField | models.UUIDField)
        ]
        if columns and model._meta.managed:
            texts += [str(value) for row in model._base_manager.values_list(*columns)[:2000] for value in row if value]
    return {word for text in texts for word in _WORD.findall(text)}


def untranslated(page: str, data: set[str]) -> list[str]:
    """Return the texts of a page with words that stand in no bracket and are no data."""
    reader = ShownTexts()
    reader.feed(page)
    rest, before = "\n".join((*reader.found, *reader.told)), ""
    while rest != before:
        before, rest = rest, _BRACKETED.sub(" ", rest)
    lines = {" ".join(line.split()) for line in rest.split("\n")}
    return sorted(line for line in lines if any(word not in data | NAMES for word in _WORD.findall(line)))


def read(client, path: str) -> str:
    answer = client.get(path)
    is_page = answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
    return answer.content.decode() if is_page else ""


@pytest.mark.sweep
def test_pages_say_nothing_that_is_not_translated(clinic, asked):
    furnished = furnish(clinic)
    user, rows = furnished.users[Role.HC_ADMIN], rows_of(furnished)
    User.objects.filter(pk=user.pk).update(language="nl")
    client = sign_in(User.objects.get(pk=user.pk))
    paths = [address(page, rows) for page in REGISTRY]
    for model in MODELS:
        row = furnished.rows[model]
        paths += [
            url(model, "changelist"),
            url(model, "changelist") + "?q=nobody",
            url(model, "change", row.pk),
            url(model, "add"),
            url(model, "history", row.pk),
        ]
    paths += ["/admin/password_change/", "/admin/second-factor/", "/admin/second-factor/enrol/", "/admin/nothing/"]
    pages = {path: read(client, path) for path in paths}
    # The file of an import is encrypted, and the trail has the requests of this test.
    data = recorded(furnished) | {"Ada", "Lee"} | {word for name, *_ in GAUGES.values() for word in _WORD.findall(name)}
    assert {path: texts for path, page in pages.items() if (texts := untranslated(page, data))} == {}
    assert unknown(asked) == []


@pytest.mark.django_db
def test_pages_before_signing_in_say_nothing_that_is_not_translated(client, asked):
    dutch = {"Accept-Language": "nl"}
    pages = {
        "sign in": client.get("/admin/login/", headers=dutch),
        "wrong password": client.post("/admin/login/", {"username": "nobody@example.org", "password": "x"}, headers=dutch),
        "no page": client.get("/admin/nothing", headers=dutch, follow=True),
    }
    data = {"nobody", "example", "org"}
    assert {name: texts for name, page in pages.items() if (texts := untranslated(page.content.decode(), data))} == {}
    assert unknown(asked) == []


@pytest.mark.parametrize(
    ("page", "texts"),
    [
        ("<body><p>⟦Hello⟧ <b>Ann</b></p>", []),
        ("<body><p>⟦Hello ⟦you⟧⟧</p><svg>path</svg>", []),
        ("<body><p>⟦Hello⟧ and more</p>", ["and more"]),
        ("<body><p>⟦Hello <b>you</b> there⟧ and <b>more</b></p>", ["and", "more"]),
        ('<body><input placeholder="Name" value="Lee">', ["Name"]),
    ],
)
def test_what_stands_outside_of_brackets_is_found(page, texts):
    assert untranslated(page, {"Ann"}) == texts
