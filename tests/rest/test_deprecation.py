"""An operation that is declared as deprecated says so in its answers, in the document and on the documentation page."""

import datetime

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string

from config.rest import reference
from config.rest.deprecation import Deprecation
from config.rest.dialects import DIALECTS
from config.rest.schema import DialectGenerator
from tests.rest.wire import VIEWS, Wire

SINCE, SUNSET = datetime.date(2026, 12, 1), datetime.date(2027, 6, 1)
GOING = Deprecation(SINCE, SUNSET, "Call `find_patients` instead.")
HEADERS = ("Deprecation", "Sunset", "Link")


@pytest.fixture
def going(wire, monkeypatch) -> Wire:
    """A dialect that soon gives no single patient."""
    monkeypatch.setattr(VIEWS[wire.name], "deprecations", {"retrieve": GOING})
    return wire


def told(response) -> list[str | None]:
    return [response.headers.get(name) for name in HEADERS]


def test_answers_say_since_when_until_when_and_where_to_read_about_it(going):
    path = going.address(going.clinic.patient())
    link = f'</docs/{going.name}/changelog/>; rel="deprecation"; type="text/html"'
    expected = ["@1796083200", "Tue, 01 Jun 2027 00:00:00 GMT", link]

    assert told(going.client().get(path)) == expected
    assert told(going.checked(going.with_key(None).get(path), 401)) == expected


def test_other_actions_say_nothing(going):
    assert told(going.checked(going.client().get(going.unknown), 404)) == [None] * 3
    assert told(going.client().get(going.patients)) == [None] * 3


def test_a_view_set_is_deprecated_as_a_whole(wire, monkeypatch):
    monkeypatch.setattr(VIEWS[wire.name], "deprecations", Deprecation(SINCE))
    for response in (wire.client().get(wire.patients), wire.create(wire.values())):
        assert told(response)[:2] == ["@1796083200", None]


def test_nothing_is_linked_where_there_are_no_pages(going, settings):
    settings.API_DOCUMENTATION = False
    assert told(going.client().get(going.address(going.clinic.patient())))[1:] == ["Tue, 01 Jun 2027 00:00:00 GMT", None]


def test_the_document_calls_the_operation_deprecated_and_the_page_marks_it(going, monkeypatch):
    made = DialectGenerator(DIALECTS[going.name]).get_schema(public=True)
    found = [operation for verbs in made["paths"].values() for operation in verbs.values() if "deprecated" in operation]

    assert [operation["operationId"] for operation in found] == ["get_patient"]
    assert found[0]["deprecated"] is True
    assert found[0]["externalDocs"]["url"] == f"/docs/{going.name}/changelog/"
    assert found[0]["description"].endswith(
        "Deprecated since 2026-12-01. It is gone from 2027-06-01 on. Call `find_patients` instead."
    )
    assert set(HEADERS) <= found[0]["responses"]["200"]["headers"].keys()
    assert made["components"]["headers"].keys() >= {"Deprecation", "Sunset", "Changelog"}

    monkeypatch.setattr(reference, "document", lambda name: made)
    page = render_to_string("docs/operations.html", {"reference": reference.reference.__wrapped__(going.name)})

    assert page.count('<span class="must">deprecated</span>') == 1


def test_what_is_gone_before_it_is_deprecated_is_a_mistake():
    with pytest.raises(ImproperlyConfigured):
        Deprecation(SUNSET, SINCE)
