"""Every URL of the three dialects, asked by everyone for everything, against one policy table (tests/policy.py)."""

import uuid
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from itertools import product
from types import FunctionType

import pytest

from accounts.models import Organization
from accounts.practice.catalogs import CatalogViewSet
from config.rest.fields import ScopedRelation
from config.rest.filters import ReferenceFilter
from config.rest.views import DialectViewSet
from patients.models import ChartEntry, Patient
from tests import policy
from tests.cast import ROUTES, VIEWS, Cast, ask, ask_counting, shown, traces, traces_of
from tests.declared import body_serializers
from tests.policy import METHODS, POLICY, ROLES, UNAUTHENTICATED, Caller, Dialect, Kind, Place
from tests.shared import made_once
from tests.sweeps import swept

pytestmark = pytest.mark.django_db


def furnished() -> Cast:
    """Return a cast with every object that is asked for."""
    made = Cast()
    for route in (route for route in ROUTES if "<" in route):
        for place in policy.OF_OWN_ORGANIZATION | policy.OF_OTHERS:
            made.object(route, place)
    return made


@pytest.fixture(scope="module")
def copied_cast(django_db_setup, django_db_blocker) -> Iterator[Callable[[], Cast]]:
    with made_once(django_db_blocker, furnished) as copied:
        yield copied


@pytest.fixture
def cast(copied_cast) -> Cast:
    return copied_cast()


CATALOG_SAMPLE = ("care-groups", "patient-field-definitions", "protocols")
"""Catalogs are one view set: those with a group, a constraint and a reference stand for all in the longest tests."""
ALIKE = {
    "medications": "allergies",
    "monitoring-rules": "diseases",
    "social-history": "diseases",
    "vital-signs": "diseases",
}
"""Kinds of chart entries whose view sets only declare, and the kind on the same base that stands for them there."""


def asked_everything(route: str) -> bool:
    """Tell whether no other route stands for `route` in the longest tests."""
    return policy.catalog_of(route) in (None, *CATALOG_SAMPLE) and policy.chart_of(route) not in ALIKE


IN_ORGANIZATION, OF_PATIENT = "api/v1/<org_id>", "api/v1/<org_id>/patients/<patient_uuid>"
EXAMPLES = [
    f"{IN_ORGANIZATION}/patients",
    OF_PATIENT,
    f"{OF_PATIENT}/allergies",
    f"{OF_PATIENT}/allergies/<allergy_uuid>",
    f"{IN_ORGANIZATION}/care-groups",
    f"{IN_ORGANIZATION}/care-groups/<group_uuid>",
    "general/v1/patients",
    "general/v1/patients/<patient_id>",
    "v1/export/patients",
    "v1/patients",
    "v1/patients/<patient_id>",
]
"""What is asked in `make test`: patients in each dialect, a chart, a catalog and a report."""


ASKED_BY_ALL = {Place.OWN, Place.OTHER_GROUP, Place.FOREIGN}
UNKNOWN = {Place.FOREIGN_UNDER_OWN_PATH, Place.RANDOM, Place.RANDOM_ORGANIZATION}


def asked_by_one(route: str) -> Collection[Place]:
    """Return the places in which an administrator asks a route that another one stands for, beside those of everybody."""
    return policy.places_of(route) if policy.chart_of(route) else UNKNOWN


def asked(route: str) -> Iterator[tuple[str, Caller, Place]]:
    """Yield the requests to `route` whose answers are compared with the policy.

    Who has no good key is refused before anything is looked for: without a key every verb is tried once, with one that is no
    good any longer the first of the route. Routes that others stand for are asked by everyone in their own group, another one
    and another organization, and by an administrator in more. Verbs that a route does not take are tried with a key in
    rest/test_bad_paths.py.
    """
    places = policy.places_of(route)
    yield from product(METHODS, [Caller.NO_KEY], [Place.OWN])
    yield from product([next(iter(POLICY[route]))], sorted(UNAUTHENTICATED - {Caller.NO_KEY}), [Place.OWN])
    for method, caller, place in product(POLICY[route], ROLES, places):
        if asked_everything(route) or place in ASKED_BY_ALL or (caller is Caller.HC_ADMIN and place in asked_by_one(route)):
            yield method, caller, place


def test_every_url_and_method_has_a_policy():
    found = {route: {method.upper() for method in view.actions} - {"HEAD"} for route, view in VIEWS.items()}
    assert found == {route: set(methods) for route, methods in POLICY.items()}


def test_every_view_stands_on_the_base_view():
    assert [route for route, view in VIEWS.items() if not issubclass(view.cls, DialectViewSet)] == []


@swept("route", ROUTES, EXAMPLES)
def test_each_caller_gets_what_the_policy_says(cast, route):
    """And what is hidden from somebody cannot be told from what does not exist."""
    wrong, body, traced = [], cache(partial(cast.body, route)), {}
    for method, caller, place in asked(route):
        request = cast.client(route, caller), method, cast.path(route, place), body(method, place)
        expected = policy.expected_status(route, method, caller, place)
        if expected == 404 and method not in {method for method, _, _ in traced}:
            # What is kept between requests is there for those that are compared.
            ask(*request)
        response, statements = ask_counting(*request)
        if expected == 404:
            traced[method, caller, place] = traces_of(response, statements)
        if response.status_code != expected:
            wrong.append(f"{method} {caller}, {place}: {response.status_code}, expected {expected} {response.content[:120]!r}")
        streamed = response.status_code == 200 and route.endswith((".csv", ".ndjson"))
        if (response["Content-Type"] != "application/json" and not streamed) or "X-Request-Id" not in response:
            wrong.append(f"{method} {caller}, {place}: not an answer in JSON with a request id")
    assert wrong == []
    assert told_apart(route, traced) == []


def told_apart(route: str, traced: dict[tuple[str, Caller, Place], tuple]) -> list[str]:
    """Return the answers among `traced` that tell what is hidden from what does not exist."""
    told, compared = [], 0
    for method, caller, (hidden, unknown) in product(POLICY[route], ROLES, pairs(route)):
        one, other = traced.get((method, caller, hidden)), traced.get((method, caller, unknown))
        if not one or not other:
            continue
        # A malformed id needs no look-up, and everyone can see that it is malformed.
        malformed = hidden in (Place.MALFORMED, Place.MALFORMED_ORGANIZATION)
        compared += 1
        if one[:3] != other[:3] or (one[3] != other[3] and not malformed):
            told.append(f"{method} {caller}, {hidden}: {one} and {unknown}: {other}")
    assert compared or "<" not in route
    return told


LISTS = [route for route in ROUTES if "GET" in POLICY[route] and POLICY[route]["GET"].kind is Kind.LIST]


@swept("route", LISTS, [route for route in EXAMPLES if route in LISTS])
def test_lists_and_totals_hold_visible_rows_only(cast, route):
    whole = policy.dialect_of(route) is Dialect.GENERAL
    ids_in = {place: cast.object_id(route, place, whole) for place in policy.OF_OWN_ORGANIZATION | policy.OF_OTHERS}
    wrong = []
    for caller, place in product(ROLES, policy.places_of(route)):
        if policy.expected_status(route, "GET", caller, place) != 200:
            continue
        response = ask(cast.client(route, caller), "GET", cast.path(route, place))
        expected = {ids_in[seen] for seen in policy.expected_list(route, caller, place)}
        ids, total = shown(route, response)
        if ids != expected or total not in (None, len(expected)):
            wrong.append(f"{caller}, {place}: {len(ids)} rows, total {total}, expected {len(expected)}")
    assert wrong == []


def pairs(route: str) -> list[tuple[Place, Place]]:
    """Return the pairs of places that no answer of `route` may tell apart, wherever both are 404."""
    unknown = Place.RANDOM_ORGANIZATION if "<org_id>" in route else Place.RANDOM
    others = [(place, unknown) for place in (Place.FOREIGN, Place.PARENT, Place.CHILD)]
    own = [Place.FOREIGN_UNDER_OWN_PATH, Place.OTHER_GROUP, Place.NO_GROUP, Place.MALFORMED]
    both = [*others, *((place, Place.RANDOM) for place in own), (Place.MALFORMED_ORGANIZATION, unknown)]
    return [pair for pair in both if set(pair) <= set(policy.places_of(route))]


def test_a_catalog_adds_nothing_of_its_own_to_what_all_catalogs_do():
    views = {view.cls for view in VIEWS.values() if issubclass(view.cls, CatalogViewSet)}
    assert len(views) == len(policy.CATALOGS)
    for view in views:
        assert view.__mro__[1] is CatalogViewSet
        assert code_of(view) == []


def test_a_chart_that_another_stands_for_adds_nothing_of_its_own():
    views = {policy.chart_of(route): view.cls for route, view in VIEWS.items()}
    for name, other in ALIKE.items():
        assert views[name].__bases__ == views[other].__bases__
        assert code_of(views[name]) == code_of(views[other]) == []


def code_of(view: type) -> list[str]:
    """Return the names of what a view set does itself; the services that it declares are no code of its own."""
    return [name for name, value in vars(view).items() if isinstance(value, (FunctionType, classmethod, property))]


ENTRIES = [route for route in ROUTES if policy.chart_of(route) and route.count("_uuid>") == 2]


@pytest.mark.parametrize("route", ENTRIES)
def test_an_entry_of_another_patient_is_unknown(cast, route):
    """The entry is the caller's to see, and so is the patient in the path: but it is not theirs."""
    one, other = cast.object(route, Place.OWN), cast.object(route, Place.OTHER_GROUP)
    for method, place in product(POLICY[route], (Place.OWN, Place.OTHER_GROUP)):
        client, body = cast.client(route, Caller.HC_ADMIN), cast.body(route, method)
        path, mine, theirs = cast.path(route, place), *((one, other) if place is Place.OWN else (other, one))
        foreign = traces(client, method, path.replace(str(mine.uuid), str(theirs.uuid)), body)
        unknown = traces(client, method, path.replace(str(mine.uuid), str(uuid.uuid4())), body)
        assert foreign == unknown
        assert foreign[0] == 404


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith("^")])
def test_unknown_paths_are_the_same_whatever_they_name(cast, route):
    client = cast.client(route, Caller.HC_PRIMARY)
    paths = [f"/{route[1:]}v1/{cast.clinics[place].organization.uuid}/x" for place in (Place.OWN, Place.FOREIGN)]
    one, other = (traces(client, "GET", path, None) for path in paths)
    assert one == other
    assert one[0] == 404


# --- references -------------------------------------------------------------------------------------


def body_references() -> list:
    """Return (route, method, field name, model) of every reference that a practice or public body takes."""
    found = []
    for route in ROUTES:
        view = VIEWS[route]
        for method, action in view.actions.items():
            serializer_class = body_serializers(view.cls).get(action)
            fields = serializer_class().fields.items() if serializer_class and method != "head" else ()
            found += [(route, method.upper(), name, field.model) for name, field in fields if isinstance(field, ScopedRelation)]
    return found


def query_references() -> list:
    """Return (route, parameter, model) of every filter that takes a reference."""
    return [
        (route, name, declared.referenced)
        for route, view in VIEWS.items()
        for name, declared in getattr(getattr(view.cls, "filterset_class", None), "base_filters", {}).items()
        if isinstance(declared, ReferenceFilter) and POLICY.get(route, {}).get("GET") == policy.LIST
    ]


def foreign_row(cast: Cast, model) -> uuid.UUID:
    """Return the UUID of the neighbour's row of `model`."""
    if issubclass(model, ChartEntry):
        return cast.entry(model, Place.FOREIGN).uuid
    foreign = cast.clinics[Place.FOREIGN]
    rows = {Organization: foreign.organization, Patient: cast.patients[Place.FOREIGN]}
    return (rows.get(model) or foreign.row(model)).uuid


INSTEAD = {"referral-attributions": "provider_uuid"}
"""The reference that the body of the cast holds, where it can hold one only."""


@swept(("route", "method", "name", "model"), body_references(), [f"{IN_ORGANIZATION}/patients", OF_PATIENT, "v1/patients"])
@pytest.mark.parametrize("caller", [Caller.HC_ADMIN, Caller.HC_PRIMARY])
def test_a_body_that_names_a_foreign_object_names_an_unknown_one(cast, route, method, name, model, caller):
    def sent(value) -> tuple:
        held = cast.body(route, method)
        held.pop(INSTEAD.get(policy.chart_of(route)), None)
        body = {**held, name: str(value)}
        return traces(cast.client(route, caller), method, cast.path(route, Place.OWN), body)

    foreign, unknown = sent(foreign_row(cast, model)), sent(uuid.uuid4())
    assert foreign == unknown
    unknown_reference = 422 if policy.dialect_of(route) is Dialect.PUBLIC else 404
    assert foreign[0] == (unknown_reference if caller in POLICY[route][method].writers else 403)


@pytest.mark.parametrize(("route", "name", "model"), query_references())
def test_a_filter_that_names_a_foreign_object_names_an_unknown_one(cast, route, name, model):
    client, path = cast.client(route, Caller.HC_ADMIN), cast.path(route, Place.OWN)
    foreign = traces(client, "GET", f"{path}?{name}={foreign_row(cast, model)}", None)
    unknown = traces(client, "GET", f"{path}?{name}={uuid.uuid4()}", None)
    assert foreign == unknown
    assert foreign[0] == 404


def test_references_are_found_by_the_walk():
    assert len(body_references()) >= 20
    found = {name for _, name, _ in query_references()}
    assert found == {"primary_provider_uuid", "location_uuid", "tag_definition_uuid", "patient_uuid"}
