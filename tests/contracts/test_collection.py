"""The Postman collection of each API: every operation, its parameters and the example of its body, as the document has them."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from django.core.management import call_command

from accounts.models import Role
from config.rest.collection import ORGANIZATION, collection
from config.rest.dialects import DIALECTS
from config.rest.schema import document
from tests.conftest import ApiClient
from tests.rest.wire import TOKEN_HEADER

pytestmark = pytest.mark.django_db


def requests(name: str) -> dict[tuple[str, str], dict]:
    """Return the requests of a collection by method and path, this as documents write it."""
    found = [item["request"] for group in collection(name)["item"] for item in group["item"]]
    return {(request["method"], _path(request["url"])): request for request in found}


def _path(url: dict) -> str:
    return "/" + "/".join(re.sub(r"^:(\w+)$|^\{\{(\w+)}}$", r"{\1\2}", part) for part in url["path"])


def operations(name: str) -> Iterator[tuple[tuple[str, str], dict]]:
    for path, verbs in document(name)["paths"].items():
        for verb, operation in verbs.items():
            yield (verb.upper(), path), operation


@pytest.mark.parametrize("name", DIALECTS)
def test_every_operation_is_in_it_in_its_group(name):
    groups = {item["name"]: group["name"] for group in collection(name)["item"] for item in group["item"]}

    assert requests(name).keys() == dict(operations(name)).keys()
    assert groups == {operation["summary"]: operation["tags"][0] for _, operation in operations(name)}


@pytest.mark.parametrize("name", DIALECTS)
def test_parameters_are_those_of_the_document_and_only_required_ones_are_on(name):
    found = requests(name)
    for key, operation in operations(name):
        url, documented = found[key]["url"], operation.get("parameters", ())
        for place, fields in (("query", url["query"]), ("header", found[key]["header"])):
            expected = {each["name"]: not each.get("required", False) for each in documented if each["in"] == place}
            assert {each["key"]: each["disabled"] for each in fields if each["key"] != "Content-Type"} == expected, key
        variables = {each["key"] for each in url["variable"]}
        assert variables == {each["name"] for each in documented if each["in"] == "path"} - {ORGANIZATION}, key


@pytest.mark.parametrize("name", DIALECTS)
def test_bodies_are_the_examples_of_the_document(name):
    schemas, found, compared = document(name)["components"]["schemas"], requests(name), 0
    for key, operation in operations(name):
        if "requestBody" not in operation:
            assert "body" not in found[key], key
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        title = schema.get("anyOf", [schema])[0]["$ref"].rpartition("/")[2]
        assert json.loads(found[key]["body"]["raw"]) == schemas[title]["examples"][0], key
        compared += 1
    assert compared > 0


@pytest.mark.parametrize("name", DIALECTS)
def test_requests_of_it_are_answered(clinic, name):
    """Those that need no id; the others need what is filled in by hand."""
    filled = {"server": "", "key": clinic.keys[Role.HC_ADMIN], ORGANIZATION: str(clinic.organization.uuid)}
    answered = {}
    for (method, path), request in requests(name).items():
        if method == "GET" and not request["url"]["variable"]:
            address = re.sub(r"\{\{(\w+)}}", lambda found: filled[found[1]], request["url"]["raw"])
            answered[path] = ApiClient(filled["key"], TOKEN_HEADER[name]).get(address).status_code
    assert answered
    assert {path: status for path, status in answered.items() if status != HTTPStatus.OK} == {}


@pytest.mark.parametrize(("name", "further"), [("practice", [ORGANIZATION]), ("public", []), ("general", [])])
def test_variables_are_what_all_requests_share(name, further):
    made = collection(name, "https://clinic.example")
    assert {each["key"]: each["value"] for each in made["variable"]} == {
        "server": "https://clinic.example",
        **dict.fromkeys(["key", *further], ""),
    }


@pytest.mark.parametrize("name", DIALECTS)
def test_requests_carry_the_key_as_the_dialect_has_it(name):
    auth = collection(name)["auth"]
    carried = {each["key"]: each["value"] for each in auth[auth["type"]]}
    bearer = {"token": "{{key}}"}
    assert carried == (bearer if name != "general" else {"key": "X-User-Token", "value": "{{key}}", "in": "header"})


def test_it_is_downloaded_as_a_file_that_names_the_server(client):
    response = client.get("/docs/public/collection.json", headers={"host": "testserver:8000"})
    assert response["Content-Disposition"] == 'attachment; filename="anamnesis-public.postman_collection.json"'
    assert response.json() == collection("public", "http://testserver:8000")


@pytest.mark.parametrize("name", DIALECTS)
def test_every_page_leads_to_it(client, name):
    for path in ("/docs/", f"/docs/{name}/"):
        assert f'href="/docs/{name}/collection.json"' in client.get(path).content.decode()


def test_it_is_written_beside_the_documents_where_somebody_wants_it(tmp_path):
    call_command("contracts", directory=tmp_path, collections=True)
    written = {path.name: json.loads(path.read_bytes()) for path in tmp_path.glob("*.json")}
    assert written == {f"anamnesis-{name}.postman_collection.json": collection(name) for name in DIALECTS}
