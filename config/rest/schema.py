"""The OpenAPI documents, one a dialect, read off what the views declare for their own use.

A body is the action's serializer in `request_serializer_classes`; a response is what
`get_serializer_class` returns for the roles that may do the action; parameters come from the path, the
filter set, the ordering, the query parameters and the paginator; statuses from all of these. What is the same for a
whole dialect stands in config/rest/dialects.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uritemplate
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.renderers import OpenApiYamlRenderer
from rest_framework import serializers

from accounts.permissions import Permission
from accounts.scope import Actor, Role
from config.core.caching import cached, cached_once
from config.rest.changelog import releases
from config.rest.compiled.cursors import Keyset
from config.rest.components import operations, with_components
from config.rest.descriptions import describe, examples
from config.rest.dialects import DIALECTS, Dialect, dialect_of
from config.rest.entity_tags import ConditionalViewSet
from config.rest.fields import BaseVersion, Decimal
from config.rest.filters import StrictFilterSet
from config.rest.openapi import TEXT, Schema, enum, named, object_schema, parameter
from config.rest.pagination import Envelope
from config.rest.schema_fields import answered, number, plain
from config.rest.schema_responses import ALWAYS, COUNTED, DEPRECATED, HEADERS, PROBLEMS, content, headers

LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}

IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x2b\x2d-\x7e]+$"},
    "Makes the request safe to repeat: for a day the same key gives the first answer again.",
    "header",
)

IF_MATCH = parameter(
    "If-Match", {"type": "string"}, "The ETag that the object must still have. It stands in for base_version.", "header"
)
IF_NONE_MATCH = parameter("If-None-Match", {"type": "string"}, "A known ETag: 304 where the object still has it.", "header")

# The status of an action that succeeds, where it is not 200.
SUCCESS = {"create": "201", "destroy": "204"}


@dataclass(frozen=True)
class Words:
    """How the document speaks of an action: a verb, a summary and what comes back. `one` has an article, `the` has none."""

    verb: str
    summary: str
    answer: str


WORDS = {
    "list": Words("list", "List {many}", "A page of {many}."),
    "retrieve": Words("get", "Get {one}", "The {the}."),
    "create": Words("create", "Create {one}", "The {the} that was created."),
    "update": Words("update", "Update {one}", "The {the} as it is now."),
    "partial_update": Words("update", "Update {one}", "The {the} as it is now."),
    "archive": Words("archive", "Archive {one}", "The {the} as it is now."),
    "destroy": Words("delete", "Delete {one}", "It is done."),
}


def _title(schema: Schema) -> str:
    """Return the name of the component that `schema` refers to."""
    return schema["$ref"].rpartition("/")[2]


def _id_of(name: str) -> str:
    """Return what the path parameter `name` is: of `patient_uuid`, the patient's."""
    noun, _, kind = name.rpartition("_")
    whole = "organization" if noun == "org" else noun
    return f"The {kind.upper()} of the {whole}."


# It is asked four times an operation, and the fields are made from the model each time.
@cached
def _has_version(serializer_class: type[serializers.Serializer]) -> bool:
    return "version" in serializer_class().fields


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
    @property
    def _nouns(self) -> dict[str, str]:
        """What the operation is about: one with its article, one without, and many."""
        names = self.view.model._meta
        article = "an" if names.verbose_name[0].lower() in "aeiou" else "a"
        plural_only = names.verbose_name == names.verbose_name_plural
        one = names.verbose_name if plural_only else f"{article} {names.verbose_name}"
        return {"one": one, "the": str(names.verbose_name), "many": str(names.verbose_name_plural)}

    def get_operation_id(self) -> str:
        """Return verb_noun: `list_patients`, `get_patient`. An action that is called otherwise says so by `extend_schema`."""
        action = self.view.action
        verb = WORDS[action].verb if action in WORDS else action
        noun = self._nouns["many" if action == "list" else "the"]
        return re.sub(r"\W", "_", f"{verb}_{noun}".lower())

    def get_tags(self) -> list[str]:
        return [self.dialect.tag_of(self._steps[0]).name]

    def get_summary(self) -> str:
        """Return the action's own first line, or the usual words with the model's name."""
        documented = getattr(self.view, self.view.action).__doc__
        if documented:
            return documented.strip().splitlines()[0].removesuffix(".")
        return WORDS[self.view.action].summary.format(**self._nouns)

    def get_description(self) -> str:  # type: ignore[override]
        """Return what the view is about, and who may do this."""
        about = (type(self.view).__doc__ or "").strip().splitlines()[0]
        allowed = self.view.required_permission.roles
        who = "every role" if len(allowed) == len(Role) else ", ".join(role.value for role in Role if role in allowed)
        gone = f"\n\n{self.view.deprecation.description}" if self.view.deprecation else ""
        return f"{about}\n\nFor {who}.{gone}"

    def is_deprecated(self) -> bool:
        return self.view.deprecation is not None

    def get_external_docs(self) -> dict[str, str] | None:  # type: ignore[override]
        if self.view.deprecation is None:
            return None
        return {"url": reverse("docs-changelog", args=[self.dialect.name]), "description": "Changelog"}

    def get_auth(self) -> list[dict]:
        return [{name: []} for name in self.dialect.credentials]

    def _get_serializer_name(self, serializer, direction, bypass_extensions=False) -> str:
        """Return what the component is called: `Patient` in responses, `PatientRequest` and `PatientUpdateRequest` in bodies."""
        own = type(getattr(serializer, "child", serializer)).__name__
        noun = re.sub(r"^(Practice|Public|General)(?=[A-Z])|(Patch)?In$|Out$", "", own)
        if direction == "response":
            return noun
        return f"{noun}UpdateRequest" if serializer.partial or own.endswith("PatchIn") else f"{noun}Request"

    # --- what goes in -----------------------------------------------------------------------------
    def _get_parameters(self) -> list[Schema]:
        ids = {self.view.lookup_url_kwarg: self.view.lookup_schema or self.dialect.identifier}
        names = uritemplate.variables(self.path)
        path = [parameter(name, ids.get(name, self.dialect.identifier), _id_of(name), "path") for name in names]
        honoured = [IDEMPOTENCY_KEY] if self.view.action in self.view.idempotent_actions else []
        return [*path, *self._query(), *honoured, *self._conditions()]

    def _conditions(self) -> list[Schema]:
        """Return what a request may say about the state of the object that the path names."""
        if not self._is_tagged() or self.view.lookup_url_kwarg not in uritemplate.variables(self.path):
            return []
        return [IF_NONE_MATCH] if self.method == "GET" else [IF_MATCH]

    def _is_tagged(self) -> bool:
        """Tell whether the response shows one versioned row, and so has an ETag."""
        tagged = isinstance(self.view, ConditionalViewSet) and self.envelope is None
        return tagged and any(map(_has_version, self._shapes()))

    def _query(self) -> list[Schema]:
        view = self.view
        own = [
            parameter(declared.name, declared.schema, declared.description, required=declared.required)
            for declared in view.query_parameters.get(view.action, ())
        ]
        if view.action in view.stream_media_types:
            return [*self._filters(), *own]
        if self.envelope is None:
            return own
        narrowing = [] if view.action in view.request_serializer_classes else [*self._sorting(), *self._filters()]
        return [*self.envelope.get_schema_operation_parameters(view), *narrowing, *own]

    def _sorting(self) -> Iterator[Schema]:
        if fields := getattr(self.view, "ordering_fields", {}):
            yield parameter("sort_by", enum(sorted(fields)) | {"default": self.view.default_sort}, "What the list is sorted by.")
        if default := getattr(self.view, "default_sort_dir", ""):
            yield parameter("sort_dir", enum(["asc", "desc"]) | {"default": default}, "Ascending or descending.")

    def _filters(self) -> Iterator[Schema]:
        filters = self.view.filterset_class or StrictFilterSet
        for name, declared in filters.base_filters.items():
            yield parameter(name, declared.schema, declared.description, required=name in filters.required)

    def _get_request_body(self, direction="request") -> Schema | None:
        if self.view.action not in self.view.request_serializer_classes:
            return None
        self.view.actor = Actor(role=Role.HC_ADMIN)
        schema = self.resolve_serializer(self.view.get_request_serializer(), "request").ref
        if wrapper := getattr(self.view, "wrapper", ""):
            schema = named(f"{_title(schema)}Body", object_schema({wrapper: schema}))
        if many := self.view.batch_serializer_classes.get(self.view.action):
            schema = {"anyOf": [schema, self.resolve_serializer(many[0], "request").ref]}
        return {"content": content(schema), "required": True}

    # --- what comes back --------------------------------------------------------------------------
    def _get_response_bodies(self, direction="response") -> Schema:
        status = SUCCESS.get(self.view.action, "200")
        unchanged = {"304": {"description": "Nothing has changed."}} if IF_NONE_MATCH in self._conditions() else {}
        problems = {str(code): {"$ref": f"#/components/responses/{PROBLEMS[code][0]}"} for code in sorted(self._problems())}
        return {status: self._nothing() if status == "204" else self._answer(), **unchanged, **problems}

    def _nothing(self) -> Schema:
        return {"description": self._told(), "headers": headers(self._counted())}

    def _counted(self) -> dict[str, str]:
        """Return the headers of every answer to a request that was counted."""
        return {**COUNTED, **(DEPRECATED if self.view.deprecation else {})}

    def _told(self) -> str:
        """Return what the response holds, in words: of an action of its own, what its serializer says."""
        action = self.view.action
        if action in self.view.stream_media_types:
            return "All rows of the report."
        if action in WORDS:
            return WORDS[action].answer.format(**self._nouns)
        return (self._shapes()[0].__doc__ or "").strip().splitlines()[0]

    def _answer(self) -> Schema:
        shapes = [self.resolve_serializer(shape, "response").ref for shape in self._shapes()]
        item = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        described = {"description": self._told(), "headers": headers(self._answer_headers())}
        if media_type := self.view.stream_media_types.get(self.view.action):
            rows = f"Rows of `{_title(shapes[0])}`, in the form that the media type says."
            return {**described, "content": {media_type: {"schema": {**TEXT, "description": rows}}}}
        if self.envelope:
            answer = self.envelope.get_paginated_response_schema(item)
            if self.envelope.component:
                answer = named(_title(shapes[0]) + self.envelope.component, answer)
        else:
            answer = self.dialect.single(item)
            if answer != item:
                answer = named(f"{_title(shapes[0])}Response", answer)
        if many := self.view.batch_serializer_classes.get(self.view.action):
            answer = {"anyOf": [answer, self.resolve_serializer(many[1], "response").ref]}
        return {**described, "content": content(answer)}

    def _answer_headers(self) -> dict[str, str]:
        replayed = {"Idempotent-Replayed": "Replayed"} if self.view.action in self.view.idempotent_actions else {}
        tagged = {"ETag": "ETag"} if self._is_tagged() else {}
        return {**self._counted(), **replayed, **tagged, **(self.envelope.response_headers if self.envelope else {})}

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
        found |= {400, 413, 415, 422} if writes else set()
        found |= {400, 422} if query else set()
        found |= {412} if IF_MATCH in self._conditions() else set()
        order = self.view.ordering
        found |= {410} if isinstance(order, Keyset) and (order.kept or order.by_change) else set()
        return found | ({409} if writes and self._can_collide() else set())

    def _can_collide(self) -> bool:
        body = self.view.request_serializer_classes.get(self.view.action)
        versioned = body and any(isinstance(field, BaseVersion) for field in body().fields.values())
        unique = any(status == 409 for status, *_ in self.view.constraint_errors.values())
        return bool(versioned) or unique or self.view.action in self.view.idempotent_actions

    # --- serializers ------------------------------------------------------------------------------
    def _map_serializer_field(self, field, direction, bypass_extensions=False) -> Schema:
        """Return the schema of a field: with the limit of a list, and of a decimal in a body as a number."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.ListSerializer) and (most := getattr(field, "max_length", None)):
            return {**schema, "maxItems": most}
        if isinstance(field, Decimal) and direction == "request":
            return number(field, schema)
        return schema

    def _map_serializer(self, serializer, direction, bypass_extensions=False) -> Schema:
        """Return the schema of a serializer: answers have every key, and null where its column can be null."""
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        fields = serializer.fields
        properties = {name: plain(found) for name, found in schema.get("properties", {}).items()}
        if direction == "response":
            schema["properties"] = {name: answered(fields[name], found) for name, found in properties.items()}
            schema["required"] = list(properties)
            return schema
        required = {*schema.get("required", ()), *(name for name, field in fields.items() if isinstance(field, BaseVersion))}
        ordered = {"required": [name for name in properties if name in required]} if required else {}
        return {**schema, "properties": properties, **ordered}


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
        document["openapi"] = "3.1.0"
        document["info"] = {
            "title": self.dialect.title,
            "version": releases(self.dialect.name)[0].version,
            "description": self.dialect.description,
            "license": LICENSE,
        }
        document["servers"] = [{"url": "/", "description": "The server that this document comes from."}]
        document["tags"] = self._tags(document)
        document["components"] |= self._shared()
        with_components(document)
        schemas = document["components"]["schemas"]
        describe(schemas)
        # An example of what is no longer there is for the tests to find.
        for name, example in examples(self.dialect.name).items():
            schemas.get(name, {})["examples"] = [example]
        return document

    def _tags(self, document: Schema) -> list[Schema]:
        """Return the groups that operations are in, in the order in which the dialect has them."""
        used = {name for operation in operations(document) for name in operation["tags"]}
        return [{"name": tag.name, "description": tag.description} for tag in self.dialect.tags if tag.name in used]

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


# drf-spectacular fails where two threads make documents.
@cached_once
def document(name: str) -> Schema:
    """Return the OpenAPI document of the dialect `name`: practice, public or general."""
    return DialectGenerator(DIALECTS[name]).get_schema(public=True)


@cached
def document_yaml(name: str) -> bytes:
    """Return the document as YAML."""
    return OpenApiYamlRenderer().render(document(name))


def names() -> str:
    """Return the names of all operations and schemas, a line each, as clients have them."""
    lines = []
    for dialect in DIALECTS:
        made = document(dialect)
        for path, verbs in made["paths"].items():
            lines += [f"{dialect} {operation['operationId']}: {verb.upper()} {path}" for verb, operation in verbs.items()]
        lines += [f"{dialect} schema {name}" for name in made["components"]["schemas"]]
    return "\n".join(lines) + "\n"
