"""Every action that may stand in the audit trail has a sentence: those of APIs, services, sign-ins and pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin

from accounts.admin.pages import REGISTRY
from accounts.audit import action_word
from accounts.audit_words import VERBS_OF, Way, phrase_of, sentence_of, way_of
from tests.cast import VIEWS

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "patients", "clinical", "exports", "config")
ACTION = re.compile(r"[A-Za-z_]+\.[a-z_]+")
RECORDERS = {"record_access", "record_change", "record_chart_change", "record_denied", "record_new_patients", "record_read"}
# Functions that pass an action on to one of them.
RECORDERS |= {"_delete", "_record", "_record_denied", "ReadEvent", "record_import"}


def of_apis() -> Iterator[str]:
    for view in VIEWS.values():
        actions = (*(getattr(view, "actions", None) or {}).values(), "unknown")
        if hasattr(view.cls, "model"):
            yield from (action_word(view.cls.model, action) for action in (*actions, "replay"))
        else:
            yield from actions


def of_code() -> Iterator[str]:
    """Yield the actions that are written out where something is recorded."""
    for file in (file for app in APPS for file in sorted((ROOT / app).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in RECORDERS:
                yield from (
                    argument.value
                    for argument in node.args
                    if isinstance(argument, ast.Constant) and ACTION.fullmatch(str(argument.value))
                )


def of_lists_and_forms() -> Iterator[str]:
    """Yield what is recorded where a page of a model is shown, or refused."""
    for model in admin.site._registry:
        yield from (action_word(model, verb) for verb in ("search", "read", "create", "update", "delete", "history"))


def of_pages() -> Iterator[str]:
    for page in REGISTRY:
        yield f"page.{page.name}"
        if word := getattr(page.view_class, "audited_action", None):
            yield f"patient.{word}"


@pytest.mark.parametrize(("source", "some"), [(of_apis, 300), (of_code, 35), (of_lists_and_forms, 100), (of_pages, 45)])
def test_every_action_has_a_sentence(source, some):
    actions = set(source())
    assert len(actions) >= some
    for action in sorted(actions):
        phrase_of(action)
        for refused in (False, True):
            told = sentence_of(action, refused=refused, name="Name")
            text = f"{told.before}|{told.after} {told.alone} {told.of_nobody}"
            assert not re.search(r"[{}]|\bNone\b|  ", text), text


def test_an_action_without_words_is_noticed_and_still_told():
    with pytest.raises(LookupError):
        phrase_of("patient.vanish")
    assert sentence_of("patient.vanish").before == "did “patient.vanish” of "


@pytest.mark.parametrize(
    ("action", "refused", "name", "before", "after"),
    [
        ("patient.read", False, "", "opened the chart of ", ""),
        ("patient.read", True, "", "tried to open the chart of ", " and was refused"),
        ("patient.search", False, "", "saw ", " in a list or search"),
        ("allergy.create", False, "", "added an allergy of ", ""),
        ("allergy.create", True, "Penicillin", "tried to add an allergy of ", " and was refused"),
        ("medication.update", False, "furosemide", "changed the medication “furosemide” of ", ""),
        ("disease.resolve", False, "{patients}", "marked the problem “{patients}” of ", " as resolved"),
        ("measurement.csv", False, "", "exported measurements of ", " as CSV"),
        ("user.lock_out", True, "", "was locked out after too many attempts to sign in of ", ""),
        ("vital_signs.archive", False, "", "archived vital signs of ", ""),
        ("billing_type.search", False, "", "looked at billing types of ", ""),
    ],
)
def test_a_sentence_has_its_verb_its_nouns_and_a_place_for_patients(action, refused, name, before, after):
    told = sentence_of(action, refused=refused, name=name)
    assert (told.before, told.after) == (before, after)


def test_without_a_patient_no_preposition_is_left_over():
    assert sentence_of("user.login").of_nobody == "signed in"
    assert sentence_of("patient.read", refused=True).of_nobody == "tried to open the chart and was refused"
    assert sentence_of("patient.print").alone == "printed the summary"
    assert sentence_of("patient.search").alone == "saw the patient in a list or search"


def test_to_open_a_chart_and_to_be_in_a_list_are_two_things_and_the_entries_of_one_chart_are_no_list():
    ways = {action: way_of(action) for action in ("patient.read", "patient.search", "allergy.search", "allergy.create")}
    assert list(ways.values()) == [Way.READ, Way.LISTED, Way.READ, Way.CHANGED]
    verbs = [verb for verbs in VERBS_OF.values() for verb in verbs]
    assert len(verbs) == len(set(verbs))
