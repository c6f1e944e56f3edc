"""The generated documents hold what the contract tables promise."""

import re

import pytest

from config.rest.components import operations
from config.rest.descriptions import PROPERTIES, python_name
from config.rest.dialects import DIALECTS
from config.rest.filters import BooleanFilter, DateFilter, DayFilter, MomentFilter, TextFilter
from config.rest.schema import document
from tests.contracts.documents import NULL, answer_of, body_of, documented, kind, resolved, takes_null
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
    required = {field for field, fact in facts.items() if (not fact.get("left_out") if answer else fact.get("required"))}
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
    if answer and (fact.get("required") or fact.get("left_out")) and takes_null(schema):
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
    shown = {parameter["name"]: resolved(operation.table.name, parameter["schema"]) for parameter in found}
    needed = {parameter["name"] for parameter in found if parameter.get("required")}

    assert shown.keys() == operation.query.keys()
    assert needed == {name for name, fact in operation.query.items() if fact.get("required")}
    for name, fact in operation.query.items():
        assert _agrees(fact, kind(operation.table.name, shown[name])), name
        assert shown[name].get("default") == fact.get("default"), name
        assert "enum" not in fact or set(shown[name]["enum"]) == set(fact["enum"]), name


def test_errors_are_documented():
    for operation in OPERATIONS:
        expected = COMMON | (BODY if operation.body else set()) | ({"400", "422"} if operation.query else set())
        assert expected <= documented(operation)["responses"].keys(), str(operation)


def test_every_operation_names_its_credentials():
    for operation in OPERATIONS:
        dialect = operation.table.name
        (scheme,) = (name for entry in documented(operation)["security"] for name in entry)
        declared = document(dialect)["components"]["securitySchemes"][scheme]
        if dialect == "general":
            assert (declared["type"], declared["in"], declared["name"]) == ("apiKey", "header", "X-User-Token"), str(operation)
        else:
            assert (declared["type"], declared["scheme"]) == ("http", "bearer"), str(operation)


def test_answer_headers_are_documented():
    for operation in OPERATIONS:
        shown = documented(operation)["responses"][str(operation.status)]["headers"]
        expected = {"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", *operation.headers}
        assert expected <= shown.keys(), str(operation)


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


REDUCED = {
    "": "ReducedPatient",
    "/alerts/{alert_uuid}": "ReducedAlert",
    "/communication-logs/{log_uuid}": "ReducedCommunicationLog",
}


@pytest.mark.parametrize(("path", "schema"), REDUCED.items())
def test_patients_get_a_reduced_shape(path, schema):
    dialect = "practice"
    variants = _variants(answer_of(table(dialect).operation(f"GET /api/v1/{{org_id}}/patients/{{patient_uuid}}{path}")))

    assert len(variants) == 2
    assert _compare(dialect, variants[1], schema, answer=True) == []


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_said_of_a_property_agrees_with_its_type(name):
    """A text is for all schemas that have a property of the name, unless it is for one of them."""
    wrong = []
    for title, schema in document(name)["components"]["schemas"].items():
        for key, found in schema.get("properties", {}).items():
            text, types = found.get("description", ""), found.get("type", found.get("anyOf", ()))
            if "null" in text.lower() and "null" not in types and NULL not in types:
                wrong.append((title, key, text))
            if text.startswith("The UUID") and ("string" not in types or text.endswith(" by.")):
                wrong.append((title, key, text))

    assert wrong == []


def test_every_text_for_one_schema_is_of_a_property_that_there_is():
    there = {
        f"{title}.{python_name(key)}"
        for name in DIALECTS
        for title, schema in document(name)["components"]["schemas"].items()
        for key in schema.get("properties", {})
    }
    assert {key for key in PROPERTIES if "." in key} - there == set()


@pytest.mark.parametrize("name", DIALECTS)
def test_no_two_operations_have_the_same_summary(name):
    summaries = [operation["summary"] for operation in operations(document(name))]
    assert {summary for summary in summaries if summaries.count(summary) > 1} == set()


@pytest.mark.parametrize("name", DIALECTS)
def test_parameters_are_described_by_whole_sentences(name):
    """The column is named in the sentence, not after it."""
    texts = {found["description"] for operation in operations(document(name)) for found in operation.get("parameters", ())}
    assert {text for text in texts if re.search(r": (\w+ ?){1,3}\.$", text) or not text.endswith(".")} == set()


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (DateFilter(field_name="date_of_birth", lookup_expr="gte"), "whose date of birth is not before this date, YYYY-MM-DD."),
        (DateFilter(field_name="date_first_visit", lookup_expr="lt"), "whose first visit is before this date, YYYY-MM-DD."),
        (DayFilter("created_at"), "whose creation is not before this day, YYYY-MM-DD, in the caller's time zone."),
        (DayFilter("not_before", until=True), "whose beginning is not after this day, YYYY-MM-DD, in the caller's time zone."),
        (
            MomentFilter("communication_datetime", until=True),
            "whose time is not after this moment, RFC 3339 with its offset, or this day, YYYY-MM-DD.",
        ),
        (BooleanFilter(field_name="status_is_active"), "that are active; with false, only the others."),
        (TextFilter(field_name="category"), "with exactly this category."),
    ],
)
def test_a_filter_says_what_it_compares(declared, text):
    assert declared.description == f"Only those {text}"
