"""Query parameters of the lists of charts that are not what they should be (see test_bad_parameters.py)."""

import pytest

from config.rest.parameters import (
    BooleanParameter,
    DateParameter,
    DateTimeParameter,
    Parameter,
    ReferenceParameter,
    WordParameter,
)
from patients.models import ChartEntry
from tests.charts import LISTS, VIEWS_OF_CHARTS, address
from tests.rest.test_bad_parameters import DATES, NUMBERS, SIZES, TEXTS, UUIDS, WORDS
from tests.rest.wire import Wire

MOMENTS = (
    *DATES, "2023-02-01", "2023-02-01T00:00:00", "2023-02-30T00:00:00Z", "2023-02-01T25:00:00Z", "2023-02-01T00:00:00Z\n",
    " 2023-02-01T00:00:00Z", "2023-02-01T00:00:00 01:00", "２０２３-02-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "now",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
)  # fmt: skip
BOOLEANS = ("", " ", "1", "0", "yes", "no", "on", "t", "true ", " false", "true\n", "null", "truefalse", "\x00", "x" * 10_240)
BAD: dict[type[Parameter], tuple[str, ...]] = {
    BooleanParameter: BOOLEANS,
    DateParameter: DATES,
    DateTimeParameter: tuple(value for value in MOMENTS if value != "2023-02-01T00:00:00Z"),
    ReferenceParameter: UUIDS,
    WordParameter: WORDS,
    Parameter: TEXTS,
}
"""Kind of parameter -> what no parameter of that kind takes; the last one is free text."""


def parameters_of(name: str) -> dict[str, tuple[str, ...]]:
    """Return the parameters of the list of one kind of entries, each with values that it does not take."""
    filters = getattr(VIEWS_OF_CHARTS[LISTS[name]].cls.filterset_class, "base_filters", {})
    found = {field: next(BAD[kind] for kind in type(declared).__mro__ if kind in BAD) for field, declared in filters.items()}
    return {"page": NUMBERS, "page_size": SIZES, **found}


CASES = [(name, parameter) for name in LISTS for parameter in parameters_of(name)]


@pytest.fixture
def listed(clinic):
    """Return the list of one kind of entries, on a chart that holds one."""

    def of(name: str) -> tuple[Wire, str, ChartEntry]:
        patient = clinic.patient()
        entry = clinic.entry(VIEWS_OF_CHARTS[LISTS[name]].cls.model, patient)
        return Wire("practice", clinic), address(clinic, patient, LISTS[name]), entry

    return of


@pytest.mark.parametrize("name", LISTS)
def test_bad_value_is_422_and_names_its_parameter(listed, api, name):
    wire, path, _ = listed(name)
    client, wrong = api(), {}
    for parameter, values in parameters_of(name).items():
        for value in values:
            response = client.get(path, {parameter: value})
            if response.status_code != 422 or wire.named(response) != [parameter]:
                wrong[parameter, value[:60]] = (response.status_code, response.content[:200])
    assert wrong == {}


@pytest.mark.parametrize("name", LISTS)
def test_parameters_that_are_given_twice_are_all_named(listed, api, name):
    wire, path, _ = listed(name)
    for values in (["a", "b"], ["1", "1"], ["", ""], ["true", "true"]):
        filters = {parameter: values for parameter in parameters_of(name) if not parameter.startswith("page")}
        if filters:
            assert set(wire.named(api().get(path, filters))) == filters.keys()
        assert wire.named(api().get(path, {"page": values})) == ["page"]


@pytest.mark.parametrize("name", LISTS)
def test_unknown_parameters_change_nothing_whatever_they_hold(listed, api, name):
    _, path, entry = listed(name)
    plain = api().get(path)
    odd = {
        "nope": "\x00", "id": "1", "patient": "1", "patient_uuid": "nope", "organization_id": "1", "sort_by": "note",
        "deleted_at": "nope", "format": "html", "__proto__": "x", "": "", "a\x00": "b", "page_size[]": "0",
    }  # fmt: skip
    answer = api().get(path, odd)
    assert (answer.status_code, answer.content) == (200, plain.content)
    assert [item["id"] for item in answer.json()["items"]] == [str(entry.uuid)]


@pytest.mark.parametrize("name", LISTS)
def test_page_beyond_the_end_is_empty_and_knows_the_total(listed, api, name):
    _, path, _ = listed(name)
    body = api().get(path, {"page": "1000000", "page_size": "200"}).json()
    assert (body["items"], body["page"], body["page_size"], body["total"]) == ([], 1_000_000, 200, 1)


def test_free_text_is_searched_for_as_it_is(clinic, listed, api):
    """Wildcards are letters, and text that looks like nothing finds nothing or everything, but never a fault."""
    _, path, entry = listed("communication-logs")
    for note in ("100%", "a_b", "back\\slash", "ﷺ quote's"):
        clinic.entry(type(entry), entry.patient, note=note)
    for text in ("%", "_", "\\", "ﷺ", "'s"):
        assert api().get(path, {"q": text}).json()["total"] == 1, text
    for text in ("", " ", "\u200b", "[a-z]", "';--", "\U0010ffff" * 200, "İ" * 200, "e\u0301" * 100):
        assert api().get(path, {"q": text}).status_code == 200, text
