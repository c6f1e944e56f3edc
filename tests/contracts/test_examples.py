"""The examples of the documents are what real requests sent and got. RENEW_EXAMPLES=1 writes those of this run."""

import json
import os

import pytest

from config.rest.components import operations
from config.rest.descriptions import EXAMPLES, examples
from config.rest.dialects import DIALECTS
from config.rest.schema import document
from tests.contracts.examples import RUNS, stable


@pytest.mark.parametrize("name", DIALECTS)
def test_examples_are_what_was_sent_and_came_back(clinic, api, general, name):
    found = RUNS[name](clinic, general if name == "general" else api).all()
    if os.environ.get("RENEW_EXAMPLES"):
        (EXAMPLES / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")

    assert examples(name) == found, "Bodies or answers have changed. If that is meant, run `make contracts`."


def _variants(body: dict) -> list[dict]:
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    return schema.get("anyOf", [schema])


@pytest.mark.parametrize("name", DIALECTS)
def test_every_body_and_answer_has_an_example(name):
    """Of several that an operation gives, the usual one has."""
    schemas = document(name)["components"]["schemas"]
    bare = []
    for operation in operations(document(name)):
        good = next(response for status, response in operation["responses"].items() if status < "300")
        taken, given = _variants(operation.get("requestBody", {})), _variants(good)
        for variant in (*taken, *given[:1]):
            if "$ref" in variant and "examples" not in schemas[variant["$ref"].rpartition("/")[2]]:
                bare.append((operation["operationId"], variant["$ref"]))

    assert bare == []


@pytest.mark.parametrize("name", DIALECTS)
def test_examples_name_no_server_of_a_test(name):
    assert "testserver" not in json.dumps(examples(name))


def test_an_absolute_address_is_of_a_server_in_the_examples():
    found = stable({"nextPageUrl": "http://testserver/v1/export/hcps?perPage=1&cursor=abc", "path": "/v1/patients?cursor=abc"})
    assert found["nextPageUrl"].startswith("https://anamnesis.example/v1/export/hcps?perPage=1&cursor=")
    assert found["path"].startswith("/v1/patients?cursor=")


def test_what_differs_from_run_to_run_is_replaced_and_nothing_else():
    one, other = "0191f0a2-5c1e-7b3a-9d40-0123456789ab", "0191f0a2-5c1e-7b3a-9d40-ba9876543210"
    found = stable({"id": one, "other": other, "again": one, "at": "2031-07-08T01:02:03.456+02:00", "day": "2024-03-09", "n": 3})

    assert found["id"] == found["again"] != found["other"]
    assert {key: found[key] for key in ("at", "day", "n")} == {"at": "2024-03-02T09:30:00.000-05:00", "day": "2024-03-09", "n": 3}
