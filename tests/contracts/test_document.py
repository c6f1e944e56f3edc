"""The generated documents hold what the contract tables promise."""

import pytest

from config.rest.schema import document
from tests.contracts.documents import answer_of, body_of, documented, kind, resolved
from tests.contracts.facts import all_operations, table

OPERATIONS = all_operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.body]
COMMON = {"401", "429", "503"}
BODY = {"400", "413", "415", "422"}


def _agrees(fact: dict, found: str) -> bool:
    """A plain string of the contract may be documented with a format or with its words."""
    promised = fact["type"]
    if promised[0].isupper():
        promised = "object[]" if promised.endswith("[]") else "object"
    if promised.endswith("[]") and found.endswith("[]"):
        promised, found = promised[:-2], found[:-2]
    return found == promised or (promised == "string" and (found == "enum" or found.startswith("string")))


def _compare(dialect: str, schema: dict, name: str, *, answer: bool) -> list[str]:
    """Return the differences between a documented object and the table's schema `name`, nested ones included."""
    shown = resolved(dialect, schema)
    properties, facts = shown.get("properties", {}), table(dialect).schemas[name]
    found = [f"{name} differs in {sorted(set(properties) ^ set(facts))}"] if set(properties) != set(facts) else []
    required = set(facts) if answer else {field for field, fact in facts.items() if fact.get("required")}
    if set(shown.get("required", ())) != required:
        found.append(f"{name} requires {sorted(set(shown.get('required', ())) ^ required)} otherwise")
    for field in sorted(set(properties) & set(facts)):
        found += _compare_field(dialect, properties[field], facts[field], f"{name}.{field}", answer=answer)
    return found


def _compare_field(dialect: str, schema: dict, fact: dict, place: str, *, answer: bool) -> list[str]:
    shown = resolved(dialect, schema)
    found = [] if _agrees(fact, kind(dialect, shown)) else [f"{place} is {kind(dialect, shown)}"]
    if "enum" in fact and {word for word in shown["enum"] if word is not None} != set(fact["enum"]):
        found.append(f"{place} has other words")
    if answer and fact.get("required") and shown.get("nullable"):
        found.append(f"{place} can be null")
    inner = fact["type"].removesuffix("[]")
    if inner[0].isupper():
        for variant in _variants(shown["items"] if fact["type"].endswith("[]") else shown)[:1]:
            found += _compare(dialect, variant, inner, answer=answer)
    return found


def _variants(schema: dict) -> list[dict]:
    return schema.get("anyOf") or [schema]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_answer_is_as_promised(operation):
    first = _variants(answer_of(operation))[0]
    if operation.answer.endswith("[]"):
        first = _variants(first["items"])[0]

    assert _compare(operation.table.name, first, operation.answer.removesuffix("[]"), answer=True) == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_body_is_as_promised(operation):
    assert _compare(operation.table.name, _variants(body_of(operation))[0], operation.body, answer=False) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_query_parameters_are_as_promised(operation):
    found = [parameter for parameter in documented(operation).get("parameters", ()) if parameter["in"] == "query"]
    shown = {parameter["name"]: parameter["schema"] for parameter in found}
    needed = {parameter["name"] for parameter in found if parameter.get("required")}

    assert shown.keys() == operation.query.keys()
    assert needed == {name for name, fact in operation.query.items() if fact.get("required")}
    for name, fact in operation.query.items():
        assert _agrees(fact, kind(operation.table.name, shown[name])), name
        assert shown[name].get("default") == fact.get("default"), name
        assert "enum" not in fact or set(shown[name]["enum"]) == set(fact["enum"]), name


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_errors_are_documented(operation):
    expected = COMMON | (BODY if operation.body else set()) | ({"400", "422"} if operation.query else set())

    assert expected <= documented(operation)["responses"].keys()


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_operation_names_its_credentials(operation):
    dialect = operation.table.name
    (scheme,) = (name for entry in documented(operation)["security"] for name in entry)
    declared = document(dialect)["components"]["securitySchemes"][scheme]

    if dialect == "general":
        assert (declared["type"], declared["in"], declared["name"]) == ("apiKey", "header", "X-User-Token")
    else:
        assert (declared["type"], declared["scheme"]) == ("http", "bearer")


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_answer_headers_are_documented(operation):
    shown = documented(operation)["responses"][str(operation.status)]["headers"]

    assert {"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", *operation.headers} <= shown.keys()


def test_answer_without_a_body_is_documented_without_one():
    """And the id of a key, which is no UUID, as the text that it is."""
    revoke = document("public")["paths"]["/v1/users/{user_id}/apikeys/{key_id}"]["delete"]

    assert [status for status in revoke["responses"] if status < "300"] == ["204"]
    assert "content" not in revoke["responses"]["204"]
    assert {found["name"]: found["schema"] for found in revoke["parameters"]}["key_id"] == {"type": "string"}


def test_create_takes_an_idempotency_key():
    create = documented(table("practice").operation("POST /api/v1/{org_id}/patients"))

    assert "Idempotency-Key" in {found["name"] for found in create["parameters"] if found["in"] == "header"}
    assert "409" in create["responses"]


def test_patients_get_a_reduced_shape():
    dialect = "practice"
    variants = _variants(answer_of(table(dialect).operation("GET /api/v1/{org_id}/patients/{patient_uuid}")))

    assert len(variants) == 2
    assert _compare(dialect, variants[1], "ReducedPatient", answer=True) == []
