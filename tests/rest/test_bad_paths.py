"""Unknown paths, odd slashes and verbs that nobody has heard of."""

import re
from collections.abc import Iterator

import pytest

from accounts.scope import Role
from tests import policy
from tests.cast import VIEWS
from tests.charts import VIEWS_OF_CHARTS
from tests.policy import Dialect
from tests.rest.wire import Wire

UNKNOWN = "0198f0c0-0000-7000-8000-000000000000"
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "LIST-ALL", "X" * 300)


def odd_paths(wire) -> list[str]:
    """Return addresses under the prefix that name nothing."""
    patients, patient = wire.patients, wire.address(wire.clinic.patient())
    head, tail = patients.rsplit("/", 1)
    return [
        wire.prefix,
        f"{wire.prefix}v1",
        f"{wire.prefix}v1/",
        wire.unknown,
        f"{wire.unknown}/",
        f"{head}//{tail}",
        f"{patients}//",
        f"{patient}.json",
        f"{patient}/nothing",
        f"{wire.prefix}../admin/",
        f"{patients}%0a",
        f"{patients};x=1",
        f"{head}/PATIENTS",
        f"{wire.prefix}{'x' * 5000}",
        f"{wire.prefix}%ff%fe",
        f"{wire.prefix}%00",
        f"{patients}%2fnothing",
    ]


def test_paths_that_name_nothing_are_404_in_the_dialect(wire):
    client = wire.client()
    for path in odd_paths(wire):
        wire.limited(wire.checked(client.get(path), 404))


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
def test_a_slash_too_many_is_led_to_the_path_without_it(wire, verb):
    client, patient = wire.client(), wire.address(wire.clinic.patient())
    for path, query in [(wire.patients, ""), (patient, ""), (wire.patients, "?page_size=2&x=%2Fa%20b%0A")]:
        response = wire.limited(client(verb, f"{path}/{query}"))
        assert (response.status_code, response["Location"], response.content) == (307, f"{path}{query}", b"")
        assert "Content-Type" not in response.headers


def test_a_slash_too_many_tells_nothing_of_what_there_is(wire, neighbour):
    """Neither of objects, which are looked for where it leads, nor of paths without a key."""
    unknown, foreign = f"{wire.patients}/{UNKNOWN}", wire.address(neighbour.patient())
    assert [wire.client().get(f"{path}/").status_code for path in (unknown, foreign)] == [307, 307]
    wire.checked(wire.with_key(None).get(f"{wire.patients}/"), 401)


@pytest.mark.parametrize("verb", VERBS)
def test_unknown_path_is_404_whatever_the_verb(wire, verb):
    response = wire.limited(wire.checked(wire.client()(verb, wire.unknown), 404))
    assert verb == "HEAD" or wire.message(response) == "Not found"


@pytest.mark.parametrize("verb", VERBS)
def test_no_key_is_401_before_anything_is_told_of_the_path(wire, verb):
    client = wire.with_key(None)
    for path in (wire.unknown, wire.patients):
        wire.limited(wire.checked(client(verb, path), 401))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("GET", "HEAD", "POST")])
def test_verb_that_a_path_does_not_take_is_405(wire, verb):
    response = wire.limited(wire.checked(wire.client()(verb, wire.patients), 405))
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def routes(wire) -> Iterator[tuple[str, set[str]]]:
    """Yield an address that each route of the dialect takes, and the verbs that it takes there."""
    for route, view in VIEWS.items():
        if policy.dialect_of(route).name.lower() == wire.name and not route.startswith("^"):
            taken = {verb.upper() for verb in view.actions}
            yield f"/{re.sub('<[^>]+>', '1', route)}", taken | ({"HEAD"} if "GET" in taken else set())


def test_verb_that_a_route_does_not_take_is_405_with_those_that_it_takes(wire):
    client = wire.client()
    for path, taken in routes(wire):
        for verb in set(VERBS) - taken:
            response = wire.limited(wire.checked(client(verb, path), 405))
            assert set(response.headers["Allow"].split(", ")) == taken, (verb, path)


def test_limit_is_told_by_every_route_before_anything_else(wire, settings):
    settings.RATE_LIMIT_PER_MINUTE = 0
    client = wire.client()
    for path, taken in routes(wire):
        for verb in taken | {"FOO"}:
            response = wire.limited(wire.checked(client(verb, path), 429))
            assert (response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]) == ("0", "0")


def test_wrong_verb_is_told_before_scope_and_role(wire, neighbour):
    """A verb that no object takes says nothing about any object."""
    client = wire.client(Role.PATIENT)
    for verb in ("DELETE", "OPTIONS", "TRACE", "FOO"):
        wire.checked(client(verb, wire.address(neighbour.patient())), 405)


def test_key_that_tells_who_it_is_takes_reading_only(api):
    for path in ("/api/v1/me", "/v1/me"):
        client = api()
        assert client.get(path).status_code == 200
        assert client("HEAD", path).status_code == 200
        for verb in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
            response = client(verb, path)
            assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_head_answers_as_get_without_a_body(wire):
    patient = wire.clinic.patient()
    client = wire.client()
    for path in (wire.patients, wire.address(patient)):
        head, get = client("HEAD", path), client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert set(head.headers) == set(get.headers)


@pytest.mark.parametrize("form", ["", ".csv", ".ndjson"])
def test_head_of_a_report_answers_as_get_without_a_body(clinic, api, form):
    clinic.patient()
    head, get = (api()(verb, f"/v1/export/patients{form}") for verb in ("HEAD", "GET"))
    assert (head.status_code, head.getvalue()) == (200, b"")
    assert set(head.headers) == set(get.headers)
    assert get.getvalue()


def test_verb_in_a_header_is_not_believed(wire):
    patient = wire.clinic.patient()
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert wire.client().get(wire.address(patient), **{name: "DELETE"}).status_code == 200


def test_wish_for_html_gets_json(wire):
    response = wire.client().get(wire.patients, Accept="text/html")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    wire.checked(wire.client().get(wire.unknown, Accept="text/html"), 404)
    wire.checked(wire.client().get(f"{wire.unknown}?format=html"), 404)


MALFORMED = {
    "uuid": (
        "0",
        "1",
        "abc",
        "%00",
        "%E2%80%8B",
        "..",
        "{%s}",
        "urn:uuid:%s",
        "%s%%0a",
        "%s%%20",
        "%%20%s",
        "%s'--",
        "x" * 5000,
    ),
    "number": (
        "0",
        "-1",
        "+1",
        "1.0",
        "1049.0",
        "1e3",
        "0x1",
        "01",
        "1_0",
        "%D9%A1%D9%A0",
        "%00",
        "9223372036854775808",
        "9" * 5000,
        "abc",
    ),
}


def test_malformed_id_is_an_unknown_one(wire):
    patient = wire.clinic.patient()
    unknown = wire.client().get(f"{wire.patients}/{2**40 if wire.name == 'general' else '00000000-0000-7000-8000-000000000000'}")
    for form in MALFORMED["number" if wire.name == "general" else "uuid"]:
        given = form.replace("%s", str(patient.uuid)).replace("%%", "%")
        response = wire.checked(wire.client().get(f"{wire.patients}/{given}"), 404)
        assert response.content == unknown.content, form


OF_OTHER_DIALECTS = [route for route in VIEWS_OF_CHARTS if policy.dialect_of(route) is not Dialect.PRACTICE and "<" in route]


@pytest.mark.parametrize("route", OF_OTHER_DIALECTS)
def test_malformed_id_inside_a_route_is_an_unknown_one(clinic, route):
    whole = policy.dialect_of(route) is Dialect.GENERAL
    wire, patient = Wire("general" if whole else "public", clinic), clinic.patient()
    # The first request adds "head" to the actions.
    for verb in map(str.upper, list(VIEWS[route].actions)):
        unknown = wire.client()(verb, f"/{re.sub('<.+>', str(2**40) if whole else str(clinic.organization.uuid), route)}")
        for form in MALFORMED["number" if whole else "uuid"]:
            given = form.replace("%s", str(patient.uuid)).replace("%%", "%")
            response = wire.checked(wire.client()(verb, f"/{re.sub('<.+>', given, route)}"), 404)
            assert response.content == unknown.content, (verb, form)


def test_uuid_without_hyphens_is_an_unknown_one_and_upper_case_is_the_same(clinic, api):
    patient = clinic.patient()
    for base in (f"{clinic.base}/patients", "/v1/patients"):
        assert api().get(f"{base}/{patient.uuid.hex}").status_code == 404
        answer = api().get(f"{base}/{str(patient.uuid).upper()}").json()
        assert answer.get("data", answer)["id"] == str(patient.uuid)


@pytest.mark.parametrize("form", ["abc", "0", "%00", "{%s}", "urn:uuid:%s", "%s%%0a", "me"])
def test_malformed_organization_is_an_unknown_one(clinic, neighbour, api, form):
    given = form.replace("%s", str(clinic.organization.uuid)).replace("%%", "%")
    foreign = api().get(f"{neighbour.base}/patients")
    malformed = api().get(f"/api/v1/{given}/patients")
    assert (malformed.status_code, malformed.content) == (404, foreign.content)
    assert malformed.json() == {"detail": "Organization not found"}


def test_foreign_organization_is_404_for_every_operation(clinic, neighbour, api):
    patient, client = clinic.patient(), api()
    for verb, path in (
        ("GET", "/patients"),
        ("POST", "/patients"),
        ("GET", "/patients/cursor"),
        ("GET", "/patients/search"),
        ("GET", f"/patients/{patient.uuid}"),
        ("PATCH", f"/patients/{patient.uuid}"),
    ):
        response = client(verb, neighbour.base + path, {} if verb in ("POST", "PATCH") else None)
        assert (response.status_code, response.json()) == (404, {"detail": "Organization not found"}), (verb, path)


def test_patient_of_another_organization_is_unknown_under_ones_own(clinic, neighbour, api):
    """A superadmin sees both organizations; the path still says in which one to look."""
    client = api(Role.FC_ADMIN)
    patient = neighbour.patient()
    assert client.get(f"{neighbour.base}/patients/{patient.uuid}").status_code == 200
    for verb in ("GET", "PATCH"):
        response = client(verb, f"{clinic.base}/patients/{patient.uuid}", {} if verb == "PATCH" else None)
        assert (response.status_code, response.json()) == (404, {"detail": "Patient not found"})
