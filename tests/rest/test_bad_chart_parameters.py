"""Query parameters of the lists of charts that are not what they should be (see test_bad_parameters.py)."""

import re
from functools import partial

import pytest

from clinical.filters import InstrumentFilter
from config.rest.filters import (
    BooleanFilter,
    ChoiceFilter,
    DateFilter,
    MomentFilter,
    ReferenceFilter,
    StrictFilter,
    UpdatedSinceFilter,
)
from patients.models import ChartEntry
from tests import policy
from tests.cast import shown
from tests.changes import settled
from tests.charts import LISTS, VIEWS_OF_CHARTS, address
from tests.policy import Dialect
from tests.rest.test_bad_parameters import DATES, NUMBERS, SIZES, TEXTS, UUID, UUIDS, WORDS, rows_of
from tests.rest.wire import Wire
from tests.sweeps import swept

MOMENTS = (
    *DATES,
    "2023-02-01",
    "2023-02-01T00:00:00",
    "2023-02-30T00:00:00Z",
    "2023-02-01T25:00:00Z",
    "2023-02-01T00:00:00Z\n",
    " 2023-02-01T00:00:00Z",
    "2023-02-01T00:00:00  01:00",
    "２０２３-02-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "now",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
)
BOOLEANS = (" ", "2", "ja", "true ", " false", "true\n", "null", "truefalse", "\x00", "x" * 10_240)
BAD: dict[type[StrictFilter], tuple[str, ...]] = {
    BooleanFilter: BOOLEANS,
    DateFilter: DATES,
    MomentFilter: tuple(value for value in MOMENTS if value not in ("2023-02-01T00:00:01Z", "2023-02-01")),
    UpdatedSinceFilter: tuple(value for value in MOMENTS if value != "2023-02-01T00:00:01Z"),
    InstrumentFilter: (*TEXTS, " ", "nope", "WEIGHT", f"{{{UUID}}}", UUID),
    ReferenceFilter: UUIDS,
    ChoiceFilter: WORDS,
    StrictFilter: TEXTS,
}
"""Kind of parameter -> what no parameter of that kind takes; the last one is free text."""


LISTED = LISTS | {
    route: route
    for route, view in VIEWS_OF_CHARTS.items()
    if policy.dialect_of(route) is not Dialect.PRACTICE and "list" in view.actions.values()
}
"""LISTS, and the routes of the lists of the other dialects."""
by_list = swept("name", LISTED, ["allergies", "general/v1/patients/<patient_id>/gauges", "v1/alerts"])
PAGES = {
    Dialect.PRACTICE: {"page": NUMBERS, "page_size": SIZES},
    Dialect.PUBLIC: {"perPage": SIZES},
    Dialect.GENERAL: {"page": NUMBERS, "page_size": SIZES},
}
"""What pages of each dialect take numbers in; cursors have tests of their own."""


def parameters_of(name: str) -> dict[str, tuple[str, ...]]:
    """Return the parameters of a list of entries, each with values that it does not take."""
    filters = getattr(VIEWS_OF_CHARTS[LISTED[name]].cls.filterset_class, "base_filters", {})
    found = {field: next(BAD[kind] for kind in type(declared).__mro__ if kind in BAD) for field, declared in filters.items()}
    return {**PAGES[policy.dialect_of(LISTED[name])], **found}


@pytest.fixture
def listed(clinic):
    """Return a list of entries of a chart that holds one: the dialect, its address and the entry."""

    def of(name: str) -> tuple[Wire, str, ChartEntry]:
        patient, route = clinic.patient(), LISTED[name]
        entry = clinic.entry(VIEWS_OF_CHARTS[route].cls.model, patient)
        settled()
        return Wire(policy.dialect_of(route).name.lower(), clinic), address(clinic, patient, route), entry

    return of


@pytest.mark.parametrize("name", LISTED)
def test_bad_value_is_422_and_names_its_parameter(listed, name):
    wire, path, _ = listed(name)
    client, wrong = wire.client(), {}
    for parameter, values in parameters_of(name).items():
        for value in values:
            response = client.get(path, {parameter: value})
            if response.status_code != 422 or wire.named(response) != [parameter]:
                wrong[parameter, value[:60]] = (response.status_code, response.content[:200])
    assert wrong == {}
    assert client.get(path).status_code == 200


@by_list
def test_empty_parameters_are_as_good_as_absent(listed, name):
    wire, path, _ = listed(name)
    empty = wire.client().get(path, dict.fromkeys(parameters_of(name), ""))
    assert (empty.status_code, rows_of(empty)) == (200, rows_of(wire.client().get(path)))


@by_list
def test_parameters_that_are_given_twice_are_all_named(listed, name):
    wire, path, _ = listed(name)
    paged = PAGES[policy.dialect_of(LISTED[name])]
    for values in (["a", "b"], ["1", "1"], ["", ""], ["true", "true"]):
        filters = {parameter: values for parameter in parameters_of(name) if parameter not in paged}
        if filters:
            assert set(wire.named(wire.client().get(path, filters))) == filters.keys()
        for parameter in paged:
            assert wire.named(wire.client().get(path, {parameter: values})) == [parameter]


@by_list
def test_unknown_parameters_change_nothing_whatever_they_hold(listed, name):
    wire, path, entry = listed(name)
    plain = wire.client().get(path)
    odd = {
        "nope": "\x00",
        "id": "1",
        "patient": "1",
        "patient_uuid": "nope",
        "organization_id": "1",
        "sort_by": "note",
        "deleted_at": "nope",
        "format": "html",
        "__proto__": "x",
        "": "",
        "a\x00": "b",
        "page_size[]": "0",
        "sort": "value",
        "patientId": "nope",
        "start_date": "nope",
        "startdate": "nope",
        "per_page": "0",
    }
    strange = {parameter: value for parameter, value in odd.items() if parameter not in parameters_of(name)}
    answer = wire.client().get(path, strange)
    # A list of changes has a new cursor each time.
    without_cursor = partial(re.sub, rb'"changesCursor":"[^"]*"', b"")
    assert (answer.status_code, without_cursor(answer.content)) == (200, without_cursor(plain.content))
    assert shown(LISTED[name], answer)[0] == {str(entry.pk if wire.name == "general" else entry.uuid)}


@pytest.mark.parametrize("name", [name for name, route in LISTED.items() if policy.dialect_of(route) is not Dialect.PUBLIC])
def test_page_beyond_the_end_is_empty_and_knows_the_total(listed, name):
    wire, path, _ = listed(name)
    answer = wire.client().get(path, {"page": "1000000", "page_size": "200"})
    assert shown(LISTED[name], answer) == (set(), 1)
    if wire.name == "practice":
        assert (answer.json()["page"], answer.json()["page_size"]) == (1_000_000, 200)


def test_free_text_is_searched_for_as_it_is(clinic, listed, api):
    """Wildcards are letters, and text that looks like nothing finds nothing or everything, but never a fault."""
    _, path, entry = listed("communication-logs")
    for note in ("100%", "a_b", "back\\slash", "ﷺ quote's"):
        clinic.entry(type(entry), entry.patient, note=note)
    for text in ("%", "_", "\\", "ﷺ", "'s"):
        assert api().get(path, {"q": text}).json()["total"] == 1, text
    for text in ("", " ", "\u200b", "[a-z]", "';--", "\U0010ffff" * 200, "İ" * 200, "e\u0301" * 100):
        assert api().get(path, {"q": text}).status_code == 200, text
