"""The running views keep what the contract tables promise: shapes of real answers, defaults, refusals."""

import pytest

from accounts.models import Role
from tests.contracts.bodies import general_body, practice_body, public_body
from tests.contracts.facts import table
from tests.factories import archive

PRACTICE, PUBLIC, GENERAL = table("practice"), table("public"), table("general")


def fields_named(response) -> set[str]:
    """Return the fields that a 422 of any dialect names."""
    body = response.json()
    if "detail" in body:
        return {problem["loc"][-1] for problem in body["detail"]}
    if isinstance(body["errors"], list):
        return {problem["attribute"] for problem in body["errors"]}
    return set(body["errors"])


def required_of(operation_table, schema: str) -> list[str]:
    return [name for name, fact in operation_table.schemas[schema].items() if fact.get("required")]


def enums_of(operation_table, schema: str) -> list[str]:
    return [name for name, fact in operation_table.schemas[schema].items() if fact["type"] == "enum"]


# --- practice -------------------------------------------------------------------------------------


def test_practice_bodies_cover_every_promised_field(clinic):
    assert practice_body(clinic).keys() == PRACTICE.schemas["NewPatient"].keys()


def test_practice_answers_have_the_promised_shape_for_full_and_bare_rows(clinic, api):
    bare = clinic.patient()
    client = api()
    created = client.post(f"{clinic.base}/patients", practice_body(clinic))
    assert created.status_code == 201, created.content

    answers = {
        "Patient": [created, *(client.get(f"{clinic.base}/patients/{uuid}") for uuid in (bare.uuid, created.json()["id"]))],
        "Page": [client.get(f"{clinic.base}/patients")],
        "CursorPage": [client.get(f"{clinic.base}/patients/cursor"), client.get(f"{clinic.base}/patients/cursor", {"first": 1})],
        "SearchResult": [client.get(f"{clinic.base}/patients/search", {"q": "some"})],
        "Me": [client.get("/api/v1/me"), api(Role.FC_ADMIN).get("/api/v1/me")],
    }

    for schema, responses in answers.items():
        for response in responses:
            assert list(PRACTICE.faults(schema, response.json())) == []
    assert answers["Page"][0].json()["total"] == 3
    assert answers["SearchResult"][0].json()["total"] == 1


def test_practice_empty_lists_have_the_promised_shape(clinic, api):
    for path, schema in {"": "Page", "/cursor": "CursorPage", "/search": "SearchResult"}.items():
        response = api().get(f"{clinic.base}/patients{path}")

        assert list(PRACTICE.faults(schema, response.json())) == []


def test_practice_bulk_answers_have_the_promised_shape(clinic, api):
    full = practice_body(clinic)
    rows = [full, {"first_name": 7}, {"first_name": "A", "last_name": "B", "chart_number": full["chart_number"]}, None]

    for meta in ({}, {"validate_only": True}, {"on_error": "abort"}, {"mode": "update"}):
        response = api().post(f"{clinic.base}/patients/bulk", {"meta": meta, "rows": rows})

        assert response.status_code == 200
        assert list(PRACTICE.faults("BulkResult", response.json())) == []


def test_practice_archived_rows_have_the_promised_shape(clinic, api):
    patient = archive(clinic.patient())

    response = api().get(f"{clinic.base}/patients/{patient.uuid}")

    assert list(PRACTICE.faults("Patient", response.json())) == []
    assert response.json()["deleted_at"] is not None


def test_practice_life_cycle_and_family_have_the_promised_shape(clinic, api):
    parent = clinic.patient()
    child = clinic.patient(responsible_party_id=parent.pk)
    one = f"{clinic.base}/patients/{child.uuid}"

    answers = [
        api().post(f"{one}/transition-status", {"base_version": 1, "new_status": "inactive"}),
        api().post(f"{one}/archive"),
        api().post(f"{one}/restore"),
    ]

    for response in answers:
        assert list(PRACTICE.faults("Patient", response.json())) == []
    family = api().get(f"{one}/family").json()
    assert list(PRACTICE.faults("Patient[]", family)) == []
    assert len(family) == 1


def test_practice_counts_and_duplicates_have_the_promised_shape(clinic, api):
    known = clinic.patient(email="known@live.test", location_id=clinic.catalogs["location"].pk)

    counts = api().get(f"{clinic.base}/patients/counts/by-location").json()
    body = {"last_name": known.last_name, "email": known.email}
    found = api().post(f"{clinic.base}/patients/check-duplicates", body).json()

    assert list(PRACTICE.faults("CountsByLocation", counts)) == []
    assert len(counts["items"]) == 1
    assert list(PRACTICE.faults("SearchResult", found)) == []
    assert found["total"] == 1


def test_public_issued_key_has_the_promised_shape(clinic, api):
    path = f"/v1/users/{clinic.users[Role.HC_PRIMARY].uuid}/apikeys"

    response = api().post(path, {"description": "live", "expiresAt": "2099-01-01T00:00:00Z"})

    assert response.status_code == 201
    assert list(PUBLIC.faults("IssuedApiKey", response.json())) == []


def test_practice_change_takes_every_promised_field(clinic, api):
    patient = clinic.patient(status="deceased")
    body = practice_body(clinic) | {"base_version": patient.version}
    del body["billing_account"]
    assert body.keys() == PRACTICE.schemas["ChangedPatient"].keys()

    response = api().patch(f"{clinic.base}/patients/{patient.uuid}", body)

    assert response.status_code == 200, response.content
    assert list(PRACTICE.faults("Patient", response.json())) == []


def test_practice_patients_see_the_reduced_shape(clinic, api):
    own = clinic.own_patient
    client = api(Role.PATIENT)

    one = client.get(f"{clinic.base}/patients/{own.uuid}").json()
    many = client.get(f"{clinic.base}/patients").json()

    assert list(PRACTICE.faults("ReducedPatient", one)) == []
    assert many["items"] == [one]


@pytest.mark.parametrize("name", required_of(PRACTICE, "NewPatient"))
def test_practice_create_names_a_missing_field(clinic, api, name):
    body = {field: value for field, value in practice_body(clinic).items() if field != name}

    response = api().post(f"{clinic.base}/patients", body)

    assert (response.status_code, fields_named(response)) == (422, {name})


def test_practice_change_needs_a_base_version(clinic, api):
    response = api().patch(f"{clinic.base}/patients/{clinic.patient().uuid}", {"first_name": "New"})

    assert (response.status_code, fields_named(response)) == (422, {"base_version"})
    assert response.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize("name", required_of(PRACTICE, "NewPatient"))
def test_practice_names_cannot_be_null(clinic, api, name):
    patient, body = clinic.patient(), practice_body(clinic) | {name: None}

    created = api().post(f"{clinic.base}/patients", body)
    changed = api().patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": patient.version, name: None})

    assert [(answer.status_code, fields_named(answer)) for answer in (created, changed)] == [(422, {name})] * 2


@pytest.mark.parametrize("name", enums_of(PRACTICE, "NewPatient"))
def test_practice_create_refuses_a_word_that_is_not_promised(clinic, api, name):
    response = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", name: "no such word"})

    assert (response.status_code, fields_named(response)) == (422, {name})


@pytest.mark.parametrize("path", ["", "/cursor"])
@pytest.mark.parametrize("name", ["sort_by", "sort_dir", "status"])
def test_practice_lists_refuse_a_word_that_is_not_promised(clinic, api, path, name):
    response = api().get(f"{clinic.base}/patients{path}", {name: "nope"})

    assert (response.status_code, fields_named(response)) == (422, {name})


def test_practice_lists_sort_as_promised_unless_told_otherwise(clinic, api):
    clinic.patient(first_name="Anna", last_name="Zorn")
    clinic.patient(first_name="Zoe", last_name="Adler")
    client = api()

    numbered = [row["last_name"] for row in client.get(f"{clinic.base}/patients").json()["items"]]
    by_cursor = [row["first_name"] for row in client.get(f"{clinic.base}/patients/cursor").json()["data"]]

    assert numbered == ["Adler", "Zorn"]
    assert by_cursor == ["Anna", "Zoe"]


DEFINITIONS = {
    "AlertDefinition": (
        "patient-alert-definitions",
        {"category": "Access", "default_is_urgent": True, "default_scope": "family"},
    ),
    "FieldDefinition": (
        "patient-field-definitions",
        {"field_type": "dropdown", "dropdown_options": ["Left", "Right"], "is_required": True},
    ),
    "TagDefinition": ("patient-tag-definitions", {"category": "Access", "color": "#0f766e"}),
}
"""Schema -> where its rows are found, and a value for every promised field but those that all definitions have."""


@pytest.mark.parametrize("schema", DEFINITIONS)
def test_practice_definitions_keep_their_promises_from_making_to_archiving(clinic, api, schema):
    path, own = DEFINITIONS[schema]
    body = {"name": "Made", "description": "Some text", "item_order": 3, **own}
    client, many = api(), f"{clinic.base}/{path}"
    assert body.keys() == PRACTICE.schemas[f"New{schema}"].keys()
    assert {*body, "base_version"} == PRACTICE.schemas[f"Changed{schema}"].keys()

    made = client.post(many, body)
    one = f"{many}/{made.json()['id']}"
    changed = client.patch(one, {**body, "name": "Changed", "base_version": 1})
    listed = client.get(many)
    archived = client.post(f"{one}/archive", {"base_version": 2})

    assert [answer.status_code for answer in (made, changed, archived)] == [201, 200, 200]
    for answer in (made, changed, archived, client.get(one)):
        assert list(PRACTICE.faults(schema, answer.json())) == []
    assert list(PRACTICE.faults(f"{schema}Page", listed.json())) == []
    assert {name: made.json()[name] for name in body} == body
    assert "Changed" in [row["name"] for row in listed.json()["items"]]


@pytest.mark.parametrize("schema", DEFINITIONS)
def test_practice_definitions_need_a_name_and_a_version_and_little_else(clinic, api, schema):
    many = f"{clinic.base}/{DEFINITIONS[schema][0]}"
    least = {"name": "Bare", "field_type": "text"}
    bare = api().post(many, least)
    assert (bare.status_code, list(PRACTICE.faults(schema, bare.json()))) == (201, [])
    assert fields_named(api().post(many, {})) == set(required_of(PRACTICE, f"New{schema}"))
    one = f"{many}/{bare.json()['id']}"
    assert fields_named(api().patch(one, {})) == fields_named(api().post(f"{one}/archive")) == {"base_version"}


# --- public ---------------------------------------------------------------------------------------


def test_public_bodies_cover_every_promised_field(clinic):
    assert public_body(clinic).keys() == PUBLIC.schemas["NewPatient"].keys()


def test_public_answers_have_the_promised_shape_for_full_and_bare_rows(clinic, api):
    bare = clinic.patient()
    clinic.patient(
        identifiers=[
            {
                "use": "official",
                "system": "urn:mrn",
                "value": "9",
                "type_system": "urn:t",
                "type_code": "MR",
                "type_display": "Record",
                "assigner": "City Hospital",
            }
        ]
    )
    client = api()
    created = client.post("/v1/patients", public_body(clinic))
    assert created.status_code == 201, created.content

    answers = {
        "CreatedPatient": [created],
        "OnePatient": [*(client.get(f"/v1/patients/{uuid}") for uuid in (bare.uuid, created.json()["data"]["id"]))],
        "Page": [client.get("/v1/patients"), client.get("/v1/patients", {"perPage": 1})],
        "AboutMe": [client.get("/v1/me"), api(Role.FC_ADMIN).get("/v1/me")],
    }

    for schema, responses in answers.items():
        for response in responses:
            assert list(PUBLIC.faults(schema, response.json())) == []
    assert {len(row["identifiers"]) for row in answers["Page"][0].json()["data"]} == {0, 1}


def test_public_empty_lists_have_the_promised_shape(clinic, api):
    assert list(PUBLIC.faults("Page", api().get("/v1/patients").json())) == []


@pytest.mark.parametrize("name", [*required_of(PUBLIC, "NewPatient"), "groupId"])
def test_public_create_names_a_missing_field(clinic, api, name):
    body = {field: value for field, value in public_body(clinic).items() if field != name}

    response = api().post("/v1/patients", body)

    assert (response.status_code, fields_named(response)) == (422, {name})


@pytest.mark.parametrize("name", enums_of(PUBLIC, "NewPatient"))
def test_public_create_refuses_a_word_that_is_not_promised(clinic, api, name):
    response = api().post("/v1/patients", public_body(clinic) | {name: "no such word"})

    assert (response.status_code, fields_named(response)) == (422, {name})


# --- general --------------------------------------------------------------------------------------


def test_general_bodies_cover_every_promised_field():
    assert general_body().keys() == GENERAL.schemas["NewPatient"].keys() == GENERAL.schemas["ChangedPatient"].keys()


def test_general_answers_have_the_promised_shape_for_full_and_bare_rows(clinic, general):
    bare = clinic.patient()
    client = general()
    created = client.post("/general/v1/patients", {"patient": general_body()})
    assert created.status_code == 201, created.content
    changed = client.put(f"/general/v1/patients/{bare.pk}", {"patient": general_body()})
    untouched = client.put(f"/general/v1/patients/{clinic.patient().pk}", {"patient": {}})

    for response in (created, changed, untouched, client.get(f"/general/v1/patients/{clinic.patient().pk}")):
        assert list(GENERAL.faults("Patient", response.json())) == []
    assert list(GENERAL.faults("Patient[]", client.get("/general/v1/patients").json())) == []


@pytest.mark.parametrize("name", required_of(GENERAL, "NewPatient"))
def test_general_create_names_a_missing_field(clinic, general, name):
    body = {field: value for field, value in general_body().items() if field != name}

    response = general().post("/general/v1/patients", {"patient": body})

    assert (response.status_code, fields_named(response)) == (422, {name})


def test_general_create_names_a_missing_wrapper(clinic, general):
    response = general().post("/general/v1/patients", general_body())

    assert (response.status_code, fields_named(response)) == (422, {"patient"})


@pytest.mark.parametrize("name", enums_of(GENERAL, "NewPatient"))
def test_general_create_refuses_a_word_that_is_not_promised(clinic, general, name):
    response = general().post("/general/v1/patients", {"patient": general_body() | {name: "no such word"}})

    assert (response.status_code, fields_named(response)) == (422, {name})


# --- sizes ----------------------------------------------------------------------------------------


def test_lists_hold_the_promised_number_of_rows_unless_told_otherwise(clinic, api, general):
    for _ in range(51):
        clinic.patient(last_name="Crowd")
    client = api()

    numbered = client.get(f"{clinic.base}/patients").json()
    by_cursor = client.get(f"{clinic.base}/patients/cursor").json()
    found = client.get(f"{clinic.base}/patients/search", {"q": "crowd"}).json()
    public = client.get("/v1/patients").json()
    plain = general().get("/general/v1/patients")

    assert (len(numbered["items"]), numbered["page"], numbered["page_size"], numbered["total"]) == (50, 1, 50, 51)
    assert (len(by_cursor["data"]), by_cursor["page_info"]["has_next_page"]) == (50, True)
    assert (len(found["items"]), found["total"]) == (20, 51)
    assert (len(public["data"]), public["meta"]["perPage"]) == (50, 50)
    assert (len(plain.json()), plain["X-Page-Size"], plain["X-Page"], plain["X-Total"]) == (25, "25", "1", "51")
