"""The OpenAPI documents, one a dialect, read off what the views declare for their own use.

A body is the action's serializer in `request_serializer_classes`; a response is what
`get_serializer_class` returns for the roles that may do the action; parameters come from the path, the
filter set, the ordering, the query parameters and the paginator; statuses from all of these. What is the same for a
whole dialect stands in config/rest/dialects.py.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import uritemplate
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.renderers import OpenApiYamlRenderer
from rest_framework import serializers

from accounts.permissions import Permission
from accounts.scope import Actor, Role
from config.core.compiled_queries import columns_of
from config.rest.bulk_reader import UnreadRows
from config.rest.compiled.plans import Computed, Constant, LoadedField
from config.rest.dialects import DIALECTS, Dialect, dialect_of
from config.rest.fields import BaseVersion, Decimal
from config.rest.filters import StrictFilterSet
from config.rest.openapi import INTEGER, TEXT, Schema, parameter
from config.rest.pagination import Envelope

VERSION = "1.0"

# Errors by status: the name of the answer in the document, and what it means.
PROBLEMS = {
    400: ("BadRequest", "The request cannot be read."),
    401: ("Unauthorized", "There is no valid key, or its user is not active."),
    403: ("Forbidden", "The caller's role does not allow this."),
    404: ("NotFound", "There is no such object in the caller's scope."),
    409: ("Conflict", "The request collides with what is stored."),
    411: ("LengthRequired", "The body came without its length."),
    413: ("TooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not application/json."),
    422: ("Invalid", "Values do not validate; the answer names them."),
    429: ("TooManyRequests", "The limit of requests a minute is used up."),
    503: ("Unavailable", "The server cannot answer now."),
}

# Headers of answers, by their names in the document.
HEADERS: dict[str, Schema] = {
    "RequestId": {"description": "The request's id in the server's log.", "required": True, "schema": TEXT},
    "RateLimit": {"description": "Requests a minute.", "required": True, "schema": INTEGER},
    "RateLimitRemaining": {"description": "Requests left in this minute.", "required": True, "schema": INTEGER},
    "RetryAfter": {"description": "Seconds to wait.", "required": True, "schema": INTEGER},
    "Replayed": {"description": "true where this is the first answer again.", "schema": {"type": "string", "enum": ["true"]}},
    "Total": {"description": "Rows in all.", "required": True, "schema": INTEGER},
    "Page": {"description": "This page's number.", "required": True, "schema": INTEGER},
    "PageSize": {"description": "How many rows a page holds.", "required": True, "schema": INTEGER},
}

ALWAYS = {"X-Request-Id": "RequestId"}
COUNTED = {**ALWAYS, "X-RateLimit-Limit": "RateLimit", "X-RateLimit-Remaining": "RateLimitRemaining"}

IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x2b\x2d-\x7e]+$"},
    "Makes the request safe to repeat: for a day the same key gives the first answer again.",
    "header",
)

# The status of an action that succeeds, where it is not 200.
SUCCESS = {"create": "201", "destroy": "204"}
# What an action is called where its method has no docstring.
SUMMARIES = {
    "list": "List {many}",
    "retrieve": "Get {one}",
    "create": "Create {one}",
    "update": "Change {one}",
    "partial_update": "Change {one}",
    "archive": "Archive {one}",
}


def headers(names: dict[str, str]) -> Schema:
    """Return the headers of an answer: wire name -> name in HEADERS."""
    return {wire: {"$ref": f"#/components/headers/{name}"} for wire, name in names.items()}


def content(schema: Schema) -> Schema:
    """Return `schema` as JSON content."""
    return {"application/json": {"schema": schema}}


class DialectSchema(AutoSchema):
    """One operation of a dialect's document."""

    view: Any
    """A DialectViewSet, made for this operation."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that the view speaks."""
        return dialect_of(type(self.view))

    @property
    def envelope(self) -> Envelope | None:
        """What stands around the objects of a response with many; None for one object."""
        view = self.view
        if view.action in view.envelopes:
            return view.envelopes[view.action]()
        return view.pagination_class() if view.action == "list" else None

    @property
    def _steps(self) -> list[str]:
        """The words of the path below the dialect's base."""
        steps = self.path.removeprefix(self.dialect.base).split("/")
        return [step for step in steps if not step.startswith("{")]

    # --- names ------------------------------------------------------------------------------------
    def get_operation_id(self) -> str:
        # Where an action has several verbs, all but the first name theirs.
        verbs = [verb for verb, action in self.view.action_map.items() if action == self.view.action and verb != "head"]
        verb = [] if self.method.lower() == verbs[0] else [self.method.lower()]
        return re.sub(r"[-.]", "_", "_".join([*self._steps, self.view.action, *verb]))

    def get_tags(self) -> list[str]:
        return self._steps[:1]

    def get_summary(self) -> str:
        """Return the action's own first line, or the usual words with the model's name."""
        documented = getattr(self.view, self.view.action).__doc__
        if documented:
            return documented.strip().splitlines()[0].removesuffix(".")
        names = self.view.model._meta
        plural_only = names.verbose_name == names.verbose_name_plural
        one = names.verbose_name if plural_only else f"{'an' if names.verbose_name[0] in 'aeiou' else 'a'} {names.verbose_name}"
        return SUMMARIES[self.view.action].format(one=one, many=names.verbose_name_plural)

    def get_description(self) -> str:  # type: ignore[override]
        return (type(self.view).__doc__ or "").strip().splitlines()[0]

    def get_auth(self) -> list[dict]:
        return [{name: []} for name in self.dialect.credentials]

    def _get_serializer_name(self, serializer, direction, bypass_extensions=False) -> str:
        name = type(getattr(serializer, "child", serializer)).__name__
        if direction == "request" and serializer.partial:
            return name.removesuffix("In").removesuffix("Patch") + "PatchIn"
        return name

    # --- what goes in -----------------------------------------------------------------------------
    def _get_parameters(self) -> list[Schema]:
        ids = {self.view.lookup_url_kwarg: self.view.lookup_schema or self.dialect.identifier}
        names = uritemplate.variables(self.path)
        path = [parameter(name, ids.get(name, self.dialect.identifier), place="path") for name in names]
        honoured = [IDEMPOTENCY_KEY] if self.view.action in self.view.idempotent_actions else []
        return [*path, *self._query(), *honoured]

    def _query(self) -> list[Schema]:
        view = self.view
        own = [
            parameter(declared.name, declared.schema, required=declared.required)
            for declared in view.query_parameters.get(view.action, ())
        ]
        if view.action in view.stream_media_types:
            return [*self._filters(), *own]
        if self.envelope is None:
            return own
        return [*self.envelope.get_schema_operation_parameters(view), *self._sorting(), *self._filters(), *own]

    def _sorting(self) -> Iterator[Schema]:
        if fields := getattr(self.view, "ordering_fields", {}):
            yield parameter("sort_by", {"type": "string", "enum": sorted(fields), "default": self.view.default_sort})
            yield parameter("sort_dir", {"type": "string", "enum": ["asc", "desc"], "default": "asc"})

    def _filters(self) -> Iterator[Schema]:
        filters = self.view.filterset_class or StrictFilterSet
        for name, declared in filters.base_filters.items():
            text = (type(declared).__doc__ or name).strip().splitlines()[0]
            yield parameter(name, declared.schema, text, required=name in filters.required)

    def _get_request_body(self, direction="request") -> Schema | None:
        if self.view.action not in self.view.request_serializer_classes:
            return None
        self.view.actor = Actor(role=Role.HC_ADMIN)
        schema = self.resolve_serializer(self.view.get_request_serializer(), "request").ref
        wrapper = getattr(self.view, "wrapper", "")
        inner = {"type": "object", "properties": {wrapper: schema}, "required": [wrapper]} if wrapper else schema
        if many := self.view.batch_serializer_classes.get(self.view.action):
            inner = {"anyOf": [inner, self.resolve_serializer(many[0], "request").ref]}
        return {"content": content(inner), "required": True}

    # --- what comes back --------------------------------------------------------------------------
    def _get_response_bodies(self, direction="response") -> Schema:
        status = SUCCESS.get(self.view.action, "200")
        problems = {str(code): {"$ref": f"#/components/responses/{PROBLEMS[code][0]}"} for code in sorted(self._problems())}
        return {status: self._nothing() if status == "204" else self._answer(), **problems}

    def _nothing(self) -> Schema:
        return {"description": "Done.", "headers": headers(COUNTED)}

    def _answer(self) -> Schema:
        shapes = [self.resolve_serializer(shape, "response").ref for shape in self._shapes()]
        item = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        named = {**COUNTED, **({"Idempotent-Replayed": "Replayed"} if self.view.action in self.view.idempotent_actions else {})}
        wrap = self.dialect.single
        if self.envelope:
            wrap, named = self.envelope.get_paginated_response_schema, named | self.envelope.response_headers
        if media_type := self.view.stream_media_types.get(self.view.action):
            return {"description": "Done.", "headers": headers(named), "content": {media_type: {}}}
        answer = wrap(item)
        if many := self.view.batch_serializer_classes.get(self.view.action):
            answer = {"anyOf": [answer, self.resolve_serializer(many[1], "response").ref]}
        return {"description": "Done.", "headers": headers(named), "content": content(answer)}

    def _shapes(self) -> list[type[serializers.Serializer]]:
        """Return the serializers of the answers that the roles which may do this get."""
        shapes = []
        for role in Role:
            if role in self.view.required_permission.roles:
                self.view.actor = Actor(role=role)
                shapes.append(self.view.get_serializer_class())
        return list(dict.fromkeys(shapes))

    def _problems(self) -> set[int]:
        """Return the statuses of what can go wrong."""
        names_object = bool(uritemplate.variables(self.path))
        writes = self.method in ("POST", "PUT", "PATCH")
        query = bool(self._query())
        found = {401, 429, 503}
        found |= {404} if names_object else set()
        found |= (
            {403}
            if self.view.required_permission is not Permission.READ or (names_object and self.dialect.forbids_hidden)
            else set()
        )
        found |= {400, 411, 413, 415, 422} if writes else set()
        found |= {400, 422} if query else set()
        return found | ({409} if writes and self._can_collide() else set())

    def _can_collide(self) -> bool:
        body = self.view.request_serializer_classes.get(self.view.action)
        versioned = body and any(isinstance(field, BaseVersion) for field in body().fields.values())
        unique = any(status == 409 for status, *_ in self.view.constraint_errors.values())
        return bool(versioned) or unique or self.view.action in self.view.idempotent_actions

    # --- serializers ------------------------------------------------------------------------------
    def _map_serializer_field(self, field, direction, bypass_extensions=False) -> Schema:
        """Return the schema of a field. Rows of a batch may be anything, as each has its own errors; decimals may be numbers."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, UnreadRows):
            return {**schema, "items": {"anyOf": [schema["items"], {}]}, "maxItems": field.max_length}
        if isinstance(field, serializers.ListSerializer) and (most := getattr(field, "max_length", None)):
            return {**schema, "maxItems": most}
        if isinstance(field, Decimal) and direction == "request":
            return _number_or_digits(field, schema)
        return schema

    def _map_serializer(self, serializer, direction, bypass_extensions=False) -> Schema:
        """Return the schema of a serializer: answers have every key, and null where its column can be null."""
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        fields = serializer.fields
        properties = {name: _plain(found) for name, found in schema.get("properties", {}).items()}
        if direction == "response":
            schema["properties"] = {name: _answered(fields[name], found) for name, found in properties.items()}
            schema["required"] = list(properties)
            return schema
        required = {*schema.get("required", ()), *(name for name, field in fields.items() if isinstance(field, BaseVersion))}
        ordered = {"required": [name for name in properties if name in required]} if required else {}
        return {**schema, "properties": properties, **ordered}


def _plain(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in ("readOnly", "writeOnly", "title", "x-spec-enum-id")}


def _number_or_digits(field: Decimal, schema: Schema) -> Schema:
    number: Schema = {"type": "number"}
    number |= {} if field.min_value is None else {"minimum": float(field.min_value)}
    number |= {} if field.max_value is None else {"maximum": float(field.max_value)}
    digits = {name: schema[name] for name in ("type", "format", "pattern")}
    return {"anyOf": [number, digits], **{name: value for name, value in schema.items() if name not in digits}}


def _answered(field: serializers.Field, schema: Schema) -> Schema:
    """Return a field's schema in an answer: what is stored, whatever bodies must look like."""
    null = _can_be_null(field, schema)
    kept = {name: value for name, value in schema.items() if name not in ("nullable", "minimum", "maximum", "default")}
    if isinstance(field, serializers.EmailField):
        kept = dict(TEXT)
    if "enum" in kept:
        kept["enum"] = [word for word in kept["enum"] if word is not None] + ([None] if null else [])
    return {**kept, "nullable": True} if null else kept


def _can_be_null(field: serializers.Field, schema: Schema) -> bool:
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    declared = isinstance(field, (Computed, Constant, serializers.BaseSerializer)) or (
        isinstance(field, LoadedField) and field.render is not None
    )
    if model is None or declared:
        return schema.get("nullable", False)
    return any(column.null for column in columns_of(model, str(field.source)))


class DialectGenerator(SchemaGenerator):
    """Generates the document of one dialect from the views that speak it."""

    endpoints: Any

    def __init__(self, dialect: Dialect):
        self.dialect = dialect
        super().__init__()

    def _initialise_endpoints(self) -> None:
        super()._initialise_endpoints()
        self.endpoints = [found for found in self.endpoints if issubclass(found[3].cls, self.dialect.view_class)]

    def get_schema(self, request=None, public=False) -> Schema:
        document = super().get_schema(request, public)
        document["info"] = {"title": self.dialect.title, "version": VERSION, "description": self.dialect.description}
        document["components"] |= self._shared()
        return document

    def _shared(self) -> dict[str, Any]:
        return {
            "headers": HEADERS,
            "responses": {name: self._problem(status, words) for status, (name, words) in PROBLEMS.items()},
            "securitySchemes": dict(self.dialect.credentials),
        }

    def _problem(self, status: int, description: str) -> Schema:
        named = ALWAYS if status == 503 else COUNTED
        waiting = {"Retry-After": "RetryAfter"} if status in (429, 503) else {}
        schema = self.dialect.invalid if status == 422 else self.dialect.problem
        return {"description": description, "headers": headers({**named, **waiting}), "content": content(schema)}


@lru_cache
def document(name: str) -> Schema:
    """Return the OpenAPI document of the dialect `name`: practice, public or general."""
    return DialectGenerator(DIALECTS[name]).get_schema(public=True)


@lru_cache
def document_yaml(name: str) -> bytes:
    """Return the document as YAML."""
    return OpenApiYamlRenderer().render(document(name))
