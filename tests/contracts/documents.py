"""Reading an OpenAPI document: references followed, a schema told in the words of the contract tables."""

from typing import Any

from config.rest.schema import document
from tests.contracts.facts import FORMATS, Operation

NULL = {"type": "null"}


def takes_null(found: dict) -> bool:
    """Whether a schema allows null where it stands; one without a type allows everything."""
    return "null" in found.get("type", ()) or NULL in found.get("anyOf", ())


def resolved(dialect: str, found: dict) -> dict:
    """Follow `$ref`, an `allOf` of one, and an `anyOf` of one and null; null itself is left out of the answer."""
    for several in ("allOf", "anyOf"):
        variants = [variant for variant in found.get(several, ()) if variant != NULL]
        if len(variants) == 1:
            return resolved(dialect, variants[0]) | {name: value for name, value in found.items() if name != several}
    if isinstance(found.get("type"), list):
        kinds = [kind for kind in found["type"] if kind != "null"]
        return {**found, "type": kinds[0] if len(kinds) == 1 else kinds}
    if "$ref" not in found:
        return found
    target: Any = document(dialect)
    for step in found["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return resolved(dialect, target)


def documented(operation: Operation) -> dict:
    """Return the operation in its dialect's document."""
    return document(operation.table.name)["paths"][operation.path][operation.method.lower()]


def body_of(operation: Operation) -> dict:
    """Return the schema of the request body."""
    return documented(operation)["requestBody"]["content"]["application/json"]["schema"]


def answer_of(operation: Operation) -> dict:
    """Return the schema of the answer that tells success."""
    return documented(operation)["responses"][str(operation.status)]["content"]["application/json"]["schema"]


def kind(dialect: str, found: dict) -> str:
    """Return the type of a schema in the tables' words: `string (date)`, `enum`, `object`, `object[]`."""
    schema = resolved(dialect, found)
    if variants := schema.get("anyOf"):
        return kind(dialect, variants[0])
    if "type" not in schema:
        return "any"
    if isinstance(schema["type"], list):
        return schema["type"][0]
    if schema["type"] == "array":
        return f"{kind(dialect, schema['items'])}[]"
    if "enum" in schema:
        return "enum"
    form = schema.get("format")
    return f"{schema['type']} ({form})" if form in FORMATS else schema["type"]
