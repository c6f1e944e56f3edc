"""What the OpenAPI documents say about schemas and properties that do not describe themselves, read from descriptions.toml."""

import json
import re
import tomllib
from pathlib import Path

_TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Name, or `Schema.name` -> text.
PROPERTIES: dict[str, str] = _TEXTS["properties"]
SCHEMAS: dict[str, str] = _TEXTS["schemas"]
SELF_EVIDENT = frozenset(_TEXTS["self_evident"])
EXAMPLES = Path(__file__).parent / "examples"
# What stands around objects, by the end of its name.
AROUND = {
    "RequestBody": "{} in its wrapper.",
    "CursorPage": "A page of {}, by cursor.",
    "Page": "A page of {}.",
    "List": "{}, as found.",
    "Response": "One {}.",
}


def python_name(name: str) -> str:
    """Return `dateOfBirth` or `Date_Of_Birth` as `date_of_birth`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def of_property(schema: str, name: str) -> str:
    """Return what the documents say about the property `name` of `schema`, "" where its name says it all."""
    own = python_name(name)
    noun, _, kind = own.rpartition("_")
    told = PROPERTIES.get(f"{schema}.{own}") or PROPERTIES.get(own)
    if told is None and kind in ("uuid", "id") and noun:
        return f"The UUID of the {noun.replace('_', ' ')}."
    return told or ""


def of_schema(name: str) -> str:
    """Return what the documents say about the schema `name`, if its serializer has not said it; "" for nothing."""
    around = next((end for end in AROUND if name.endswith(end)), "")
    return SCHEMAS.get(name) or (AROUND[around].format(f"`{name.removesuffix(around)}`") if around else "")


def examples(dialect: str) -> dict[str, dict]:
    """Return an example of each body and answer of a dialect, by schema: what tests sent to a server, and got from it.

    `make contracts` renews them (tests/contracts/examples.py).
    """
    return json.loads((EXAMPLES / f"{dialect}.json").read_bytes())


def describe(schemas: dict[str, dict]) -> None:
    """Describe the schemas and properties that do not describe themselves."""
    for name, schema in schemas.items():
        if text := of_schema(name):
            schema.setdefault("description", text)
        for key, found in schema.get("properties", {}).items():
            if text := of_property(name, key):
                found.setdefault("description", text)
