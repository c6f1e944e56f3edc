"""An OpenAPI document as the documentation pages show it: groups of operations, and the schemas that these link to.

Everything is text and tables of one page, so that the browser's own search finds it and nothing is loaded when it is opened.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from config.core.caching import cached
from config.rest.openapi import Schema
from config.rest.schema import document

# Keywords of a schema that limit a value, and how a page words them.
LIMITS = {
    "default": "{} if absent",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "pattern": "as {}",
}


@dataclass(frozen=True)
class Value:
    """A parameter or a property."""

    name: str
    kind: SafeString
    required: bool
    description: str
    limits: str
    place: str = ""
    """Where a parameter stands: path, query or header."""


@dataclass(frozen=True)
class Answer:
    """A response: its status, what it means, and what its body holds, if it has one."""

    status: str
    description: str
    media_type: str
    kind: SafeString
    example: str


@dataclass(frozen=True)
class Operation:
    """An operation, with all that is needed to call it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Value]
    body: Answer | None
    answers: list[Answer]
    is_deprecated: bool


@dataclass(frozen=True)
class Group:
    """Operations that belong together."""

    name: str
    description: str
    operations: list[Operation]

    @property
    def anchor(self) -> str:
        """What the address of the group ends in."""
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True)
class Shape:
    """A schema: an object with its properties, or an enumeration with its words."""

    name: str
    description: str
    properties: list[Value]
    words: list[str]

    @property
    def is_body(self) -> bool:
        """Whether it is sent, and so says what must be; an answer has every key."""
        return self.name.endswith(("Request", "RequestBody"))


@dataclass(frozen=True)
class Reference:
    """All that a page shows of one document."""

    groups: list[Group]
    shapes: list[Shape]

    @property
    def total(self) -> int:
        """How many operations there are."""
        return sum(len(group.operations) for group in self.groups)


@cached
def reference(name: str) -> Reference:
    """Return the document of the dialect `name` as its page shows it."""
    made = document(name)
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in made["tags"]}
    for path, verbs in made["paths"].items():
        for method, operation in verbs.items():
            found[operation["tags"][0]].append(_operation(made, path, method, operation))
    groups = [Group(tag["name"], tag["description"], found[tag["name"]]) for tag in made["tags"]]
    return Reference(groups, [_shape(title, schema) for title, schema in made["components"]["schemas"].items()])


def _operation(made: Schema, path: str, method: str, operation: Schema) -> Operation:
    body = operation.get("requestBody")
    answers = [_answer(made, status, response) for status, response in operation["responses"].items()]
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=[_parameter(found) for found in operation.get("parameters", ())],
        body=_answer(made, "", {"description": "", **body}) if body else None,
        answers=answers,
        is_deprecated=operation.get("deprecated", False),
    )


def _parameter(found: Schema) -> Value:
    return _value(found["name"], {**found["schema"], "description": found["description"]}, found.get("required"), found["in"])


def _value(name: str, schema: Schema, required: Any, place: str = "") -> Value:
    limits = [words.format(_plainly(schema[key])) for key, words in LIMITS.items() if schema.get(key) not in (None, "")]
    return Value(name, _kind(schema), bool(required), schema.get("description", ""), ", ".join(limits), place)


def _plainly(limit: Any) -> str:
    return f"{limit:,}" if isinstance(limit, int) and not isinstance(limit, bool) else str(limit)


def _answer(made: Schema, status: str, response: Schema) -> Answer:
    if "$ref" in response:
        response = made["components"]["responses"][response["$ref"].rpartition("/")[2]]
    contents: list[tuple[str, Schema]] = list(response.get("content", {}).items())
    media_type, media = contents[0] if contents else ("", {})
    kind = _kind(media["schema"]) if media else SafeString()
    return Answer(status, response["description"], media_type, kind, example_of(made, media.get("schema", {})))


def example_of(made: Schema, schema: Schema) -> str:
    """Return the example of a body as text; "" where it has none."""
    schema = schema.get("anyOf", [schema])[0]
    name = schema.get("$ref", "").rpartition("/")[2]
    found = made["components"]["schemas"].get(name, {}).get("examples")
    return json.dumps(found[0], indent=2, ensure_ascii=False) if found else ""


def _shape(title: str, schema: Schema) -> Shape:
    required = schema.get("required", ())
    properties = [_value(name, found, name in required) for name, found in schema.get("properties", {}).items()]
    return Shape(title, schema.get("description", ""), properties, schema.get("enum", []))


def _kind(schema: Schema) -> SafeString:
    """Return the type of `schema` in words, with links to the schemas of the page."""
    if "$ref" in schema:
        return format_html('<a href="#schema-{0}">{0}</a>', schema["$ref"].rpartition("/")[2])
    if variants := schema.get("anyOf") or schema.get("allOf"):
        return format_html_join(" or ", "{}", ((_kind(variant),) for variant in variants))
    if "items" in schema:
        return format_html("list of {}{}", _kind(schema["items"]), " or null" if "null" in schema["type"] else "")
    return format_html("{}", _scalar(schema))


def _scalar(schema: Schema) -> str:
    found = schema.get("type", "any")
    kinds = [found] if isinstance(found, str) else list(found)
    if form := schema.get("format"):
        kinds[0] += f" ({form})"
    return " or ".join(kinds)
