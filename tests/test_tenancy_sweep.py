"""Every URL of the three dialects, asked by everyone for everything, against one policy table (tests/policy.py)."""

import datetime
import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import CareGroup, Organization, Role, UserStatus
from accounts.services.keys import revoke_key
from accounts.services.users import change_user_status, create_user
from config.rest.fields import ScopedRelation
from config.rest.parameters import ReferenceParameter
from config.rest.views import DialectViewSet
from patients.models import Patient
from tests import policy
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic, archive, key_row, new_key
from tests.policy import METHODS, POLICY, ROLES, Caller, Dialect, Place

_numbers = itertools.count(1)


def endpoints(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (route, view) of every line of the URL conf that belongs to a dialect."""
    for line in (resolver or get_resolver()).url_patterns:
        route = prefix + str(line.pattern)
        if isinstance(line, URLResolver):
            yield from endpoints(line, route)
        elif isinstance(line, URLPattern) and route.lstrip("^").startswith(tuple(Dialect)):
            yield route, line.callback


VIEWS = dict(endpoints())
ROUTES = sorted(set(VIEWS) & set(POLICY))
"""The routes that have a policy; one test tells of those that have none."""


class Cast:
    """A clinic with a parent, a child and a neighbour, a patient in every place and a key for every caller."""

    def __init__(self) -> None:
        parent = Clinic("Parent")
        self.clinic = Clinic("Hill Valley", parent=parent.organization)
        others = {Place.PARENT: parent, Place.FOREIGN: Clinic("Elm Street")}
        others[Place.CHILD] = Clinic("Child", parent=self.clinic.organization)
        self.clinics = {Place.OWN: self.clinic, **others}
        self.patients = {place: self._patient(other, other.group) for place, other in others.items()}
        self.patients[Place.FOREIGN_UNDER_OWN_PATH] = self.patients[Place.FOREIGN]
        self.patients[Place.OWN] = self._patient(
            self.clinic, self.clinic.group, user_id=self.clinic.users[Role.PATIENT].pk, mobile_phone="+31612345678"
        )
        self.patients[Place.OTHER_GROUP] = self._patient(self.clinic, self.clinic.other_group)
        self.patients[Place.NO_GROUP] = self._patient(self.clinic, None)
        self.patients[Place.ARCHIVED] = archive(self._patient(self.clinic, self.clinic.group))
        self.keys = self._keys()

    def _patient(self, clinic: Clinic, group: CareGroup | None, **values) -> Patient:
        return clinic.patient(last_name=f"Lantern {next(_numbers)}", care_group_id=group and group.pk, **values)

    def _keys(self) -> dict[Caller, str | None]:
        keys: dict[Caller, str | None] = {Caller(role): key for role, key in self.clinic.keys.items()}
        admin = self.clinic.users[Role.HC_ADMIN]
        keys[Caller.NO_KEY] = None
        keys[Caller.REVOKED] = new_key(admin)
        revoke_key(actor=SYSTEM, key=key_row(keys[Caller.REVOKED]))
        keys[Caller.EXPIRED] = new_key(admin, expires_at=timezone.now() - datetime.timedelta(seconds=1))
        leaver = create_user(
            actor=SYSTEM, email="leaver@hill-valley.test", role=Role.HC_ADMIN, organization=self.clinic.organization,
            status=UserStatus.STOPPED,
        )  # fmt: skip
        keys[Caller.INACTIVE] = new_key(leaver)
        return keys

    def client(self, route: str, caller: Caller) -> ApiClient:
        header = "X-User-Token" if policy.dialect_of(route) is Dialect.GENERAL else "Authorization"
        return ApiClient(self.keys[caller], header)

    def path(self, route: str, place: Place) -> str:
        """Return the address of `route` for the object in `place`."""
        if route.startswith("^"):
            return f"/{route[1:]}v1/nothing/here"
        whole = policy.dialect_of(route) is Dialect.GENERAL
        filled = route.replace("<org_id>", self._organization_id(place))
        user = self.clinics.get(place, self.clinic).users[Role.HC_VIEW_ALL]
        unknown = {Place.RANDOM: str(uuid.uuid4()), Place.MALFORMED: "not-a-uuid"}
        filled = filled.replace("<user_id>", unknown.get(place, str(user.uuid)))
        filled = filled.replace("<key_id>", user.api_keys.get().key_id)
        for name in ("<patient_uuid>", "<patient_id>"):
            filled = filled.replace(name, self._patient_id(place, whole))
        return f"/{filled}?q=Lantern" if route.endswith("/search") else f"/{filled}"

    def _organization_id(self, place: Place) -> str:
        if place is Place.MALFORMED_ORGANIZATION:
            return "not-a-uuid"
        if place is Place.RANDOM_ORGANIZATION:
            return str(uuid.uuid4())
        return str(self.clinics.get(place, self.clinic).organization.uuid)

    def _patient_id(self, place: Place, whole: bool) -> str:
        if place is Place.MALFORMED:
            return "1049.0" if whole else "not-a-uuid"
        if place is Place.RANDOM:
            return str(2**62) if whole else str(uuid.uuid4())
        patient = self.patients.get(place, self.patients[Place.OWN])
        return str(patient.pk if whole else patient.uuid)

    def body(self, route: str, method: str, place: Place = Place.OWN) -> dict | None:
        """Return a body that is good wherever the caller may write."""
        if method not in ("POST", "PUT", "PATCH"):
            return None
        named = {"first_name": "Ada", "last_name": "Lovelace"}
        match policy.dialect_of(route):
            case Dialect.GENERAL:
                return {"patient": {**named, "date_of_birth": "1980-05-17"}}
            case Dialect.PUBLIC:
                return {"description": "tablet"} if "<user_id>" in route else public_body(self.clinic)
        patient = self.patients.get(place, self.patients[Place.OWN])
        versioned = method == "PATCH" or "<patient_uuid>" in route
        return {**named, "base_version": patient.version, "new_status": "inactive"} if versioned else named


def public_body(clinic: Clinic, **values) -> dict:
    """Return a good body of POST /v1/patients in `clinic`."""
    number = next(_numbers)
    return {
        "accountName": f"ada{number}", "email": "ada@example.test", "firstName": "Ada", "lastName": "Lovelace", "sex": "female",
        "organizationId": str(clinic.organization.uuid), "groupId": str(clinic.group.uuid),
        "programId": str(clinic.catalogs["program"].uuid), "protocolId": str(clinic.catalogs["protocol"].uuid), **values,
    }  # fmt: skip


@pytest.fixture
def cast(db) -> Cast:
    return Cast()


def ask(client: ApiClient, method: str, path: str, body: Any = None):
    """Send a request and take back whatever it wrote."""
    with transaction.atomic():
        response = client(method, path, body)
        transaction.set_rollback(True)
    return response


def shown(route: str, response) -> tuple[set[str], int | None]:
    """Return the ids that a list shows, and the total that it tells (None where it tells none)."""
    data = json.loads(response.content)
    match policy.dialect_of(route):
        case Dialect.GENERAL:
            return {str(item["id"]) for item in data}, int(response["X-Total"])
        case Dialect.PUBLIC:
            return {item["id"] for item in data["data"]}, None
    items = data["data"] if route.endswith("/cursor") else data["items"]
    return {item["id"] for item in items}, data.get("total")


def test_every_url_and_method_has_a_policy():
    found = {route: {method.upper() for method in view.actions} - {"HEAD"} for route, view in VIEWS.items()}
    assert found == {route: set(methods) for route, methods in POLICY.items()}


def test_every_view_stands_on_the_base_view():
    assert [route for route, view in VIEWS.items() if not issubclass(view.cls, DialectViewSet)] == []


@pytest.mark.parametrize("route", ROUTES)
def test_each_caller_gets_what_the_policy_says(cast, route):
    wrong = []
    for method, caller, place in itertools.product(METHODS, Caller, policy.places_of(route)):
        response = ask(cast.client(route, caller), method, cast.path(route, place), cast.body(route, method, place))
        expected = policy.expected_status(route, method, caller, place)
        if response.status_code != expected:
            wrong.append(f"{method} {caller}, {place}: {response.status_code}, expected {expected} {response.content[:120]!r}")
        if response["Content-Type"] != "application/json" or "X-Request-Id" not in response:
            wrong.append(f"{method} {caller}, {place}: not an answer in JSON with a request id")
    assert wrong == []


@pytest.mark.parametrize("route", [route for route in ROUTES if POLICY.get(route, {}).get("GET") == policy.LIST])
def test_lists_and_totals_hold_visible_rows_only(cast, route):
    whole = policy.dialect_of(route) is Dialect.GENERAL
    wrong = []
    for caller, place in itertools.product(ROLES, policy.places_of(route)):
        response = ask(cast.client(route, caller), "GET", cast.path(route, place))
        if response.status_code != 200:
            continue
        expected = {cast._patient_id(seen, whole) for seen in policy.expected_list(route, caller, place)}
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


def traces(client: ApiClient, method: str, path: str, body: Any) -> tuple:
    """Return all that an answer tells: status, body, header names, and how much SQL it took."""
    ask(client, method, path, body)  # warm: statements compiled, the key's last use noted
    with CaptureQueriesContext(connection) as queries:
        response = ask(client, method, path, body)
    return response.status_code, response.content, sorted(response.headers), len(queries)


@pytest.mark.parametrize("route", [route for route in ROUTES if "<" in route])
def test_what_is_hidden_can_not_be_told_from_what_does_not_exist(cast, route):
    told, compared = [], 0
    for method, caller, (hidden, unknown) in itertools.product(POLICY[route], ROLES, pairs(route)):
        if {policy.expected_status(route, method, caller, place) for place in (hidden, unknown)} != {404}:
            continue
        client, body = cast.client(route, caller), cast.body(route, method)
        one, other = (traces(client, method, cast.path(route, place), body) for place in (hidden, unknown))
        # A malformed id needs no look-up, and everyone can see that it is malformed.
        malformed = hidden in (Place.MALFORMED, Place.MALFORMED_ORGANIZATION)
        compared += 1
        if one[:3] != other[:3] or (one[3] != other[3] and not malformed):
            told.append(f"{method} {caller}, {hidden}: {one} and {unknown}: {other}")
    assert compared
    assert told == [], told[:2]


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
            serializer_class = view.cls.serializer_classes.get(action)
            fields = serializer_class().fields.items() if serializer_class and method != "head" else ()
            found += [(route, method.upper(), name, field.model) for name, field in fields if isinstance(field, ScopedRelation)]
    return found


def query_references() -> list:
    """Return (route, parameter, model) of every filter that takes a reference."""
    return [
        (route, name, declared.referenced)
        for route, view in VIEWS.items()
        for name, declared in getattr(getattr(view.cls, "filterset_class", None), "base_filters", {}).items()
        if isinstance(declared, ReferenceParameter) and POLICY.get(route, {}).get("GET") == policy.LIST
    ]


def foreign_row(cast: Cast, model) -> uuid.UUID:
    """Return the UUID of the neighbour's row of `model`."""
    foreign = cast.clinics[Place.FOREIGN]
    rows = {Organization: foreign.organization, CareGroup: foreign.group, Patient: cast.patients[Place.FOREIGN]}
    return (rows.get(model) or next(row for row in foreign.catalogs.values() if type(row) is model)).uuid


@pytest.mark.parametrize(("route", "method", "name", "model"), body_references())
@pytest.mark.parametrize("caller", [Caller.HC_ADMIN, Caller.HC_PRIMARY])
def test_a_body_that_names_a_foreign_object_names_an_unknown_one(cast, route, method, name, model, caller):
    def sent(value) -> tuple:
        body = {**cast.body(route, method), name: str(value)}
        return traces(cast.client(route, caller), method, cast.path(route, Place.OWN), body)

    foreign, unknown = sent(foreign_row(cast, model)), sent(uuid.uuid4())
    assert foreign == unknown
    assert foreign[0] == (422 if policy.dialect_of(route) is Dialect.PUBLIC else 404)


@pytest.mark.parametrize(("route", "name", "model"), query_references())
def test_a_filter_that_names_a_foreign_object_names_an_unknown_one(cast, route, name, model):
    client, path = cast.client(route, Caller.HC_ADMIN), cast.path(route, Place.OWN)
    foreign = traces(client, "GET", f"{path}?{name}={foreign_row(cast, model)}", None)
    unknown = traces(client, "GET", f"{path}?{name}={uuid.uuid4()}", None)
    assert foreign == unknown
    assert foreign[0] == 404


def test_references_are_found_by_the_walk():
    assert len(body_references()) >= 20
    assert {name for _, name, _ in query_references()} == {"primary_provider_uuid", "location_uuid", "tag_definition_uuid"}


HIDDEN_FROM_CAREGIVERS = (Place.OTHER_GROUP, Place.NO_GROUP, Place.CHILD, Place.PARENT)


@pytest.mark.parametrize("place", [*HIDDEN_FROM_CAREGIVERS, Place.ARCHIVED])
def test_a_guarantor_out_of_sight_or_archived_is_an_unknown_one(cast, place):
    client = cast.client("api/", Caller.HC_PRIMARY)
    bodies = [
        {"first_name": "Ada", "last_name": "L", "responsible_party_uuid": str(value)}
        for value in (cast.patients[place].uuid, uuid.uuid4())
    ]
    hidden, unknown = (traces(client, "POST", f"{cast.clinic.base}/patients", body) for body in bodies)
    assert hidden == unknown
    assert hidden[0] == 404


def test_a_caregiver_can_not_put_a_patient_into_a_group_of_others(cast):
    body = {"first_name": "Ada", "last_name": "L", "care_group_uuid": str(cast.clinic.other_group.uuid)}
    assert cast.client("api/", Caller.HC_PRIMARY).post(f"{cast.clinic.base}/patients", body).status_code == 404


def test_the_name_of_a_guarantor_out_of_sight_is_null(cast):
    child = cast.clinic.patient(care_group_id=cast.clinic.group.pk, responsible_party_id=cast.patients[Place.OTHER_GROUP].pk)
    path = f"{cast.clinic.base}/patients/{child.uuid}"
    hidden = cast.client("api/", Caller.HC_PRIMARY).get(path).json()["responsible_party"]
    assert hidden == {"uuid": str(cast.patients[Place.OTHER_GROUP].uuid), "name": None}
    seen = cast.client("api/", Caller.HC_ADMIN).get(path).json()["responsible_party"]
    assert seen["name"] == cast.patients[Place.OTHER_GROUP].full_name


# --- changes hold from the next request -------------------------------------------------------------


def leave_group(cast: Cast) -> None:
    cast.clinic.users[Role.HC_PRIMARY].memberships.all().delete()


def lose_role(cast: Cast) -> None:
    user = cast.clinic.users[Role.HC_PRIMARY]
    type(user).objects.filter(pk=user.pk).update(role=Role.PATIENT)


def lose_key(cast: Cast) -> None:
    revoke_key(actor=SYSTEM, key=key_row(cast.keys[Caller.HC_PRIMARY]))


def be_stopped(cast: Cast) -> None:
    change_user_status(actor=SYSTEM, user=cast.clinic.users[Role.HC_PRIMARY], status=UserStatus.STOPPED, reason="left")


LOSSES = [(leave_group, 200, 404), (lose_role, 200, 403), (lose_key, 401, 401), (be_stopped, 401, 401)]
"""What a caregiver loses; the status of their list afterwards, and of their create sent again."""


@pytest.mark.parametrize(("lose", "status", "_"), LOSSES)
def test_a_loss_holds_from_the_next_request(cast, lose, status, _):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    assert client.get(path).json()["total"] == 1
    lose(cast)
    response = client.get(path)
    assert response.status_code == status
    assert response.json().get("total", 0) == 0
    assert client.get(f"{path}/{cast.patients[Place.OWN].uuid}").status_code in (404, 401)


@pytest.mark.parametrize(("lose", "status", "_"), LOSSES)
def test_a_loss_holds_in_the_middle_of_a_cursor(cast, lose, status, _):
    cast.clinic.patient(care_group_id=cast.clinic.group.pk)
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients/cursor"
    first = client.get(path, {"first": "1"}).json()
    assert first["page_info"]["has_next_page"]
    lose(cast)
    response = client.get(path, {"first": "1", "after": first["page_info"]["end_cursor"]})
    assert response.status_code == status
    assert response.json().get("data", []) == []


@pytest.mark.parametrize(("lose", "_", "status"), LOSSES)
def test_a_loss_holds_when_a_request_is_sent_again(cast, lose, _, status):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    body = {"first_name": "Ada", "last_name": "Lovelace"}
    assert client.post(path, body, Idempotency_Key="once").status_code == 201
    lose(cast)
    response = client.post(path, body, Idempotency_Key="once")
    assert response.status_code == status
    assert b"Lovelace" not in response.content


def test_a_patient_moved_to_another_group_leaves_the_list_at_once(cast):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    Patient.objects.filter(pk=cast.patients[Place.OWN].pk).update(care_group=cast.clinic.other_group)
    assert client.get(path).json()["total"] == 0


def test_an_archived_group_gives_no_sight(cast):
    CareGroup.objects.filter(pk=cast.clinic.group.pk).update(deleted_at=timezone.now())
    client = cast.client("api/", Caller.HC_PRIMARY)
    assert client.get(f"{cast.clinic.base}/patients").json()["total"] == 0
    assert client.post(f"{cast.clinic.base}/patients", {"first_name": "A", "last_name": "B"}).status_code == 403
