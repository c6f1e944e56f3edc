"""Building blocks of OpenAPI schemas."""

from collections.abc import Mapping
from typing import Any

Schema = dict
# Holds the name of a schema until it is among the components.
NAME = "x-component"

TEXT: Schema = {"type": "string"}
NULLABLE_TEXT: Schema = {"type": "string", "nullable": True}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
DATE: Schema = {"type": "string", "format": "date"}
EMPTY: Schema = {"type": "object", "maxProperties": 0, NAME: "EmptyMeta"}


def nullable(schema: Schema) -> Schema:
    """Return `schema` with null allowed."""
    return {**schema, "nullable": True}


def named(name: str, schema: Schema) -> Schema:
    """Return `schema`, which shall be the component `name` of every document that it is part of (config/rest/components.py)."""
    return {**schema, NAME: name}


def component(name: str) -> Schema:
    """Return the reference to the component `name` among the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def enum(words: list[str]) -> Schema:
    """Return the schema of one of `words`."""
    return {"type": "string", "enum": words}


def object_schema(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def parameter(name: str, schema: Schema, description: str = "", place: str = "query", *, required: bool = False) -> Any:
    """Return a parameter object. Those in a path are always required."""
    described = {"description": description} if description else {}
    needed = {"required": True} if required or place == "path" else {}
    return {"name": name, "in": place, **needed, **described, "schema": schema}
