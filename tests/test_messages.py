"""Every text of a page is marked for translation, and translated into every language that people can choose."""

import gettext
import re

import pytest
from django.conf import settings

from tests.messages import Entry, Message, catalog, compiled, marked, modules, place_of, templates
from tests.unmarked import in_module, in_template

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
by_language = pytest.mark.parametrize("language", LANGUAGES)

# What a text holds that a value takes the place of, or that is markup: a translation has the same.
_PLACES = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?[a-z][^>]*>")


@by_language
def test_a_catalog_has_every_message(language):
    known = {entry.message for entry in catalog(language)}
    assert {message: place for message, place in marked().items() if message not in known} == {}


@by_language
def test_a_catalog_has_no_message_that_nobody_uses(language):
    assert [entry.message for entry in catalog(language) if entry.message not in marked()] == []


@by_language
def test_a_catalog_has_no_message_twice(language):
    messages = [entry.message for entry in catalog(language)]
    assert len(messages) == len(set(messages))


@by_language
def test_every_message_is_translated(language):
    unfinished = [entry for entry in catalog(language) if entry.fuzzy or not entry.forms or not all(entry.forms)]
    assert unfinished == []


def places_of(text: str) -> set[str]:
    return set(_PLACES.findall(text))


def misplaced(entry: Entry) -> list[str]:
    """Return the forms of a translation that lack what its message has, or have what it lacks.

    Which of the two forms in English a form follows depends on the language: it may leave out the number.
    """
    message, forms = entry.message, entry.forms
    if not message.plural:
        return [form for form in forms if places_of(form) != places_of(message.text)]
    most = places_of(message.text) | places_of(message.plural)
    least = places_of(message.text) & places_of(message.plural)
    return [form for form in forms if not least <= places_of(form) <= most]


@by_language
def test_a_translation_has_the_placeholders_of_its_message(language):
    assert {entry.message: wrong for entry in catalog(language) if (wrong := misplaced(entry))} == {}


@pytest.mark.parametrize(
    ("text", "form", "is_wrong"),
    [
        ("%(what)s not found", "%(what)s niet gevonden", False),
        ("%(what)s not found", "%(wat)s niet gevonden", True),
        ("It is {number}.", "Het is {nummer}.", True),
        ("<b>Ann</b>", "Ann", True),
    ],
)
def test_a_placeholder_that_is_lost_is_noticed(text, form, is_wrong):
    assert bool(misplaced(Entry(Message(text), (form,)))) == is_wrong


@by_language
def test_the_compiled_catalog_says_the_same(language):
    """Pages read the compiled one: `make messages` makes it."""
    with compiled(language).open("rb") as file:
        translations = gettext.GNUTranslations(file)
    assert {entry.message: told(translations, entry) for entry in catalog(language)} == {
        entry.message: entry.forms for entry in catalog(language)
    }


def told(translations: gettext.GNUTranslations, entry: Entry) -> tuple[str, ...]:
    """Return the translations of a message, in the order in which numbers from 1 on need them."""
    text, plural, context = entry.message
    if not plural:
        return (translations.pgettext(context, text) if context else translations.gettext(text),)
    numbers = range(1, 200)
    if context:
        forms = [translations.npgettext(context, text, plural, number) for number in numbers]
    else:
        forms = [translations.ngettext(text, plural, number) for number in numbers]
    found = tuple(dict.fromkeys(forms))
    # Where two forms are alike.
    return found if len(found) == len(entry.forms) else found * len(entry.forms)


# Modules that speak to programs and operators, in English, and tables that no page has a form for.
WIRE = re.compile(
    r"\w+/(management|practice|public|general|rest|rsgi)/|\w+/serializer_fields\.py|config/(settings|metrics|health|keys|core/checks)\.py"
    r"|accounts/models/(audit|events|requests|second_factors)\.py"
)


def texts_of_pages(paths):
    """Yield those of `paths` whose texts must be marked."""
    for path in paths:
        place = place_of(path)
        if not WIRE.match(place):
            yield path


def test_every_text_of_a_template_is_marked():
    assert {place_of(path): texts for path in texts_of_pages(templates()) if (texts := in_template(path.read_text()))} == {}


def test_every_text_of_python_that_a_page_shows_is_marked():
    assert [text for path in texts_of_pages(modules()) for text in in_module(path)] == []
