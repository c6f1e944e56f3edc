"""Query parameters that are not what they should be: refused by name, never clamped, never guessed."""

import pytest
from django.conf import settings

from accounts.scope import Role
from exports.registry import REPORTS
from patients.models import Patient
from tests.exports.rows import parameters_for
from tests.rest.wire import DIALECTS, Wire

UUID = "01890000-0000-7000-8000-000000000000"
NUMBERS = (
    " ",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e100",
    "1_0",
    "0x1",
    "٥",
    "１",
    " 1",
    "1 ",
    "1\n",
    "\x00",
    "nope",
    "NaN",
    "1" * 30,
    "1" * 5000,
    "9223372036854775808",
    "null",
    "true",
    "[]",
)
SIZES = (*NUMBERS, "201", "1000")
DATES = (
    "nope",
    "2023-02-30",
    "2023-13-01",
    "0000-01-01",
    "20230201",
    "2023-2-1",
    "2023-02-01\n",
    " 2023-02-01",
    "２０２３-02-01",
    "2023-02-01T00:00:01Z",
    "2023-02-01T12:00:00",
    "2023-02-30T00:00:00",
    "2023-02-01T00:00:00\n",
    "today",
    "\x00",
    "1" * 5000,
)
UUIDS = (" ", "abc", "1", UUID.replace("-", ""), f"{{{UUID}}}", f"urn:uuid:{UUID}", f"{UUID}\n", f" {UUID}", "\x00", "x" * 5000)
WORDS = (" ", "nope", "ACTIVE", "active ", "active\n", "active,inactive", "\x00", "x" * 10_000)
SORTS = (
    "nope",
    "social_security_number",
    "social_security_number_index",
    "-last_name",
    "last_name ",
    "last_name,id",
    "id",
    "pk",
    "provider__user__password",
    "user__password",
    "organization__name",
    "last_name_key",
    "id;--",
    "?",
    "\x00",
)
TEXTS = ("\x00", "a\x00b", "x" * 201, "x" * 10_240)

BAD = {
    "practice": {
        "": {
            "page": NUMBERS,
            "page_size": SIZES,
            "dob_from": DATES,
            "dob_to": DATES,
            "primary_provider_uuid": UUIDS,
            "location_uuid": UUIDS,
            "tag_definition_uuid": UUIDS,
            "status": WORDS,
            "sort_by": SORTS,
            "sort_dir": (" ", "ASC", "up", "asc;--", "\x00"),
            "search": TEXTS,
        },
        "/cursor": {
            "first": SIZES,
            "dob_from": DATES,
            "dob_to": DATES,
            "primary_provider_uuid": UUIDS,
            "location_uuid": UUIDS,
            "tag_definition_uuid": UUIDS,
            "status": WORDS,
            "sort_by": SORTS,
            "sort_dir": (" ", "ASC", "up"),
            "search": TEXTS,
        },
        "/search": {"limit": (*NUMBERS, "101"), "q": TEXTS},
    },
    "public": {"": {"perPage": SIZES}},
    "general": {"": {"page": NUMBERS, "page_size": SIZES, "search": TEXTS}},
}
CASES = [(name, path, parameter) for name, paths in BAD.items() for path, parameters in paths.items() for parameter in parameters]


@pytest.mark.parametrize(("name", "path", "parameter"), CASES)
def test_bad_value_is_422_and_names_its_parameter(clinic, name, path, parameter):
    wire = Wire(name, clinic)
    clinic.patient()
    client, wrong = wire.client(), {}
    for value in BAD[name][path][parameter]:
        response = client.get(f"{wire.patients}{path}", {parameter: value})
        if response.status_code != 422 or wire.named(response) != [parameter]:
            wrong[value[:60]] = (response.status_code, response.content[:200])
    assert wrong == {}


@pytest.mark.parametrize(("name", "path", "parameter"), CASES)
def test_parameter_that_is_given_twice_is_422(clinic, name, path, parameter):
    wire = Wire(name, clinic)
    for values in (["a", "b"], ["1", "1"], ["", ""]):
        assert wire.named(wire.client().get(f"{wire.patients}{path}", {parameter: values})) == [parameter]


def rows_of(response) -> list[dict]:
    """Return the objects of a page."""
    body = response.json()
    return body if isinstance(body, list) else body.get("items", body.get("data"))


@pytest.mark.parametrize(("name", "path", "parameter"), CASES)
def test_empty_parameter_is_as_good_as_absent(clinic, name, path, parameter):
    wire = Wire(name, clinic)
    clinic.patient(first_name="Ada")
    client, others = wire.client(), {"q": "ada"} if path == "/search" else {}
    plain = client.get(f"{wire.patients}{path}", others)
    empty = client.get(f"{wire.patients}{path}", {**others, parameter: ""})
    assert (plain.status_code, empty.status_code) == (200, 200)
    # A typeahead without a question has no answers. Of a page by cursor the cursor is new each time.
    rows = ([] if parameter == "q" else plain.json()["items"]) if path == "/search" else rows_of(plain)
    assert rows_of(empty) == rows


@pytest.mark.parametrize("name", REPORTS)
def test_bad_page_of_a_report_is_422_and_names_its_parameter(clinic, name):
    wire, path = Wire("public", clinic), f"/v1/export/{name}"
    client = wire.client()
    for size in SIZES:
        assert wire.named(client.get(path, parameters_for(name, perPage=size))) == ["perPage"], size
    for parameter in ("perPage", "cursor"):
        assert wire.named(client.get(path, parameters_for(name, **{parameter: ["1", "1"]}))) == [parameter]
    plain = client.get(path, parameters_for(name)).content
    assert (
        client.get(path, parameters_for(name, page="0", page_size="x", per_page="-1", sort="x", format="html")).content == plain
    )


def test_practice_names_parameters_as_parts_of_the_query(clinic, api):
    problem = api().get(f"{clinic.base}/patients", {"page": "0"}).json()["detail"]
    assert problem == [{"loc": ["query", "page"], "msg": "The value must be at least 1", "type": "greater_than_equal"}]


@pytest.mark.parametrize("page", ["1000001", "1" * 30, "9223372036854775808"])
@pytest.mark.parametrize("name", ["practice", "general"])
def test_page_beyond_reason_is_422(clinic, name, page):
    wire = Wire(name, clinic)
    assert wire.named(wire.client().get(wire.patients, {"page": page})) == ["page"]


@pytest.mark.parametrize("name", ["practice", "general"])
def test_page_beyond_the_end_is_empty_and_knows_the_total(clinic, name):
    wire = Wire(name, clinic)
    clinic.patient()
    response = wire.client().get(wire.patients, {"page": "1000000", "page_size": "200"})
    assert response.status_code == 200
    body = response.json()
    assert (body["items"], body["total"]) == ([], 1) if name == "practice" else (body, response.headers["X-Total"]) == ([], "1")


def test_all_bad_filters_are_told_at_once(clinic, api):
    wire = Wire("practice", clinic)
    response = api().get(wire.patients, {"status": "nope", "dob_from": "nope", "location_uuid": "nope"})
    assert set(wire.named(response)) == {"status", "dob_from", "location_uuid"}


@pytest.mark.parametrize("parameter", ["primary_provider_uuid", "location_uuid", "tag_definition_uuid"])
@pytest.mark.parametrize("path", ["", "/cursor"])
def test_filter_by_a_foreign_row_is_404_as_by_an_unknown_one(clinic, neighbour, api, parameter, path):
    wire = Wire("practice", clinic)
    foreign = neighbour.catalogs[parameter.removesuffix("_uuid").removeprefix("primary_")]
    unknown = wire.checked(api().get(f"{wire.patients}{path}", {parameter: UUID}), 404)
    other = wire.checked(api().get(f"{wire.patients}{path}", {parameter: str(foreign.uuid)}), 404)
    assert other.content == unknown.content


def test_upper_case_uuid_filters_as_well(clinic, api):
    provider = clinic.catalogs["provider"]
    clinic.patient(primary_provider_id=provider.pk)
    answer = api().get(f"{clinic.base}/patients", {"primary_provider_uuid": str(provider.uuid).upper()})
    assert answer.json()["total"] == 1


WILDCARDS = (
    "%",
    "_",
    "\\",
    "%_\\",
    "a%",
    "_da",
    "%%",
    "[a-z]",
    "*",
    "?",
    ".*",
    "^A",
    "(",
    "[",
    "'",
    '"',
    "';--",
    "\\'",
    "a' OR '1'='1",
)


@pytest.mark.parametrize("text", WILDCARDS)
def test_wildcards_are_letters_like_others(clinic, text):
    clinic.patient(first_name="Ada", last_name="Lovelace")
    exact = clinic.patient(first_name=f"x{text}y", last_name="Plain")
    for name in ("practice", "general"):
        wire = Wire(name, clinic)
        answer = wire.client().get(wire.patients, {"search": f"x{text}y"})
        found = answer.json()["items"] if name == "practice" else answer.json()
        assert [row["first_name"] for row in found] == [exact.first_name]
        assert wire.client().get(wire.patients, {"search": text}).status_code == 200
    typed = Wire("practice", clinic).client().get(f"{clinic.base}/patients/search", {"q": f"x{text}"}).json()
    assert [row["first_name"] for row in typed["items"]] == [exact.first_name]


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u200b", "\u202e", "\u0301", "\u200b \u0301"])
def test_typeahead_of_nothing_that_can_be_seen_finds_nobody(clinic, api, text):
    clinic.patient()
    assert api().get(f"{clinic.base}/patients/search", {"q": text}).json() == {"items": [], "total": 0}


@pytest.mark.parametrize(
    "text", ["ﷺ" * 200, "\U0010ffff" * 200, "a " * 100, "1-" * 100, "e\u0301" * 100, "İ" * 200, "ß" * 200, "\ufffe"]
)
def test_unusual_text_is_searched_for_without_harm(clinic, text):
    for name, path, parameter in (
        ("practice", "", "search"),
        ("practice", "/cursor", "search"),
        ("practice", "/search", "q"),
        ("general", "", "search"),
    ):
        wire = Wire(name, clinic)
        assert wire.client().get(f"{wire.patients}{path}", {parameter: text}).status_code == 200


@pytest.mark.parametrize("name", DIALECTS)
def test_unknown_parameters_are_ignored_whatever_they_hold(clinic, name):
    wire = Wire(name, clinic)
    clinic.patient()
    plain = wire.client().get(wire.patients).content
    odd = {
        "nope": "\x00",
        "id": "1",
        "organization_id": "1",
        "format": "html",
        "fields": "password",
        "__proto__": "x",
        "": "",
        "a\x00": "b",
    }
    answer = wire.client().get(wire.patients, odd)
    assert answer.status_code == 200
    assert plain in answer.content


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("query", ["%", "%zz=%zz", "&&&&", "=", "=&=", "a=%ff%fe", "%ED%A0%80=1", ";", "?" * 500])
def test_query_that_cannot_be_read_is_no_harm(clinic, name, query):
    wire = Wire(name, clinic)
    assert wire.client()("GET", f"{wire.patients}?{query}").status_code == 200


@pytest.mark.parametrize("name", DIALECTS)
def test_too_many_parameters_are_400(clinic, name):
    wire = Wire(name, clinic)
    wire.limited(
        wire.checked(wire.client()("GET", wire.patients + "?" + "a=1&" * (settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)), 400)
    )


@pytest.mark.parametrize("name", ["practice", "general"])
def test_bytes_that_are_no_text_find_nobody(clinic, name):
    wire = Wire(name, clinic)
    clinic.patient()
    answer = wire.client()("GET", f"{wire.patients}?search=%ff%fe")
    assert (answer.json()["items"] if name == "practice" else answer.json()) == []


def test_patient_cannot_sort_or_filter_beyond_their_own_record(clinic, api):
    clinic.patient(last_name="Other")
    own = clinic.own_patient
    for query in ({"sort_by": "chart_number"}, {"search": "other"}, {"sort_by": "status", "sort_dir": "desc"}):
        items = api(Role.PATIENT).get(f"{clinic.base}/patients", query).json()["items"]
        assert {item["id"] for item in items} <= {str(own.uuid)}
    assert Patient.objects.count() == 2
