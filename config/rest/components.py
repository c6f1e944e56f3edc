"""The named schemas of an OpenAPI document: every object and every enumeration stands once among its components.

The rest of this package writes schemas in place, with `nullable` as OpenAPI 3.0 has it, which is short. Out of a schema that
stands in its place, generators make a class for each place, under a name that they invent. So `with_components` moves it among
the components, and writes null as OpenAPI 3.1 does, where a reference may be null, too.

A schema is called, in this order: as `named` says; an enumeration as its TextChoices; one that several places have under the
same property as that property; else as what it is part of and the property.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import TextChoices

from config.rest.openapi import NAME, Schema, component

# TextChoices whose names say too little in a document.
ENUM_NAMES = {"Status": "PatientStatus", "Flag": "MonitoringFlag"}
# What describes a schema where it stands, and is no part of it.
ANNOTATIONS = ("description", "default", "example", "nullable")
SEVERAL = ("anyOf", "oneOf", "allOf")


def pascal(name: str) -> str:
    """Return `page_info`, `pageInfo` or `page-info` as `PageInfo`."""
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").replace(".", "_").split("_"))


@cache
def _enum_names() -> dict[frozenset[str], set[str]]:
    """Return the words of each TextChoices -> the names of those that have just these."""
    found: dict[frozenset[str], set[str]] = defaultdict(set)
    for choices in _subclasses(TextChoices):
        found[frozenset(choices.values)].add(ENUM_NAMES.get(choices.__name__, choices.__name__))
    return found


def _subclasses(base: Any) -> Iterator[Any]:
    for found in base.__subclasses__():
        yield found
        yield from _subclasses(found)


def _is_shared(schema: Schema) -> bool:
    """Whether `schema` becomes a component: an object, or an enumeration of words."""
    return NAME in schema or "enum" in schema or (schema.get("type") == "object" and "allOf" not in schema)


def _core(schema: Schema) -> Schema:
    """Return `schema` without what describes its place, and an enumeration without null."""
    core = {name: value for name, value in schema.items() if name not in (NAME, *ANNOTATIONS)}
    if "enum" in core:
        core["enum"] = [word for word in core["enum"] if word is not None]
    return core


class _Components:
    """Moves the schemas of one document among its components."""

    def __init__(self, document: Schema):
        self.document = document
        self.schemas: dict[str, Schema] = document["components"].get("schemas", {})
        # Property -> the different schemas without a name that places have under it, each with the number of places.
        self.by_property: dict[str, list[list]] = defaultdict(list)

    def move(self) -> None:
        for place in self._places():
            self._count(*place)
        own = list(self.schemas)
        for name in own:
            self.schemas[name] = self._shared(self._inner(self.schemas[name], name))
        for holder, key, owner, name in self._media():
            holder[key] = self._placed(holder[key], owner, name)

    def _places(self) -> Iterator[tuple[Schema, str]]:
        """Yield every schema, with the name under which it stands."""
        for schema in self.schemas.values():
            yield from _within(schema)
        for holder, key, _, name in self._media():
            yield holder[key], name
            yield from _within(holder[key], name)

    def _media(self) -> Iterator[tuple[Schema, str, str, str]]:
        """Yield where a schema of a parameter, a body or a response is held, with its owner and its name."""
        for operation in operations(self.document):
            owner = pascal(operation["operationId"])
            for parameter in operation.get("parameters", ()):
                yield parameter, "schema", owner, parameter["name"]
            contents = [("request", operation.get("requestBody", {}))]
            contents += [("response", response) for response in operation["responses"].values()]
            for name, body in contents:
                for media in body.get("content", {}).values():
                    yield media, "schema", owner, name
        for title, response in self.document["components"].get("responses", {}).items():
            for media in response.get("content", {}).values():
                yield media, "schema", title, "problem"

    def _count(self, schema: Schema, name: str) -> None:
        if not _is_shared(schema) or NAME in schema:
            return
        core = _core(schema)
        for counted in self.by_property[name]:
            if counted[0] == core:
                counted[1] += 1
                return
        self.by_property[name].append([core, 1])

    def _name(self, schema: Schema, owner: str, name: str) -> str:
        if NAME in schema:
            return schema[NAME]
        if "enum" in schema and (known := _enum_names().get(frozenset(_core(schema)["enum"]))):
            if len(known) > 1:
                raise ImproperlyConfigured(f"Two TextChoices have the words of {owner}.{name}: {sorted(known)}")
            return next(iter(known))
        alike = self.by_property[name]
        return pascal(name) if len(alike) == 1 and alike[0][1] > 1 else owner + pascal(name)

    def _placed(self, schema: Schema, owner: str, name: str) -> Schema:
        """Return what stands in the place of `schema`: a reference, or where it is not shared the schema itself."""
        if not _is_shared(schema):
            return _with_null(self._inner(schema, owner, name))
        title = self._name(schema, owner, name)
        moved = self._shared(self._inner(_core(schema), title))
        if self.schemas.setdefault(title, moved) != moved:
            raise ImproperlyConfigured(f"Two schemas are called {title}; the second is {owner}.{name}")
        kept = {key: schema[key] for key in ANNOTATIONS if key in schema}
        return _with_null({"allOf": [component(title)], **kept})

    @staticmethod
    def _shared(schema: Schema) -> Schema:
        return _with_null({key: value for key, value in schema.items() if key != NAME})

    def _inner(self, schema: Schema, owner: str, name: str = "") -> Schema:
        """Return `schema` with everything in it placed."""
        inner = dict(schema)
        if "properties" in inner:
            inner["properties"] = {key: self._placed(found, owner, key) for key, found in inner["properties"].items()}
        if isinstance(inner.get("additionalProperties"), dict):
            inner["additionalProperties"] = self._placed(inner["additionalProperties"], owner, "value")
        if "items" in inner:
            inner["items"] = self._placed(inner["items"], owner, _singular(name))
        for several in SEVERAL:
            if several in inner:
                inner[several] = [self._placed(found, owner, name) for found in inner[several]]
        return inner


def _within(schema: Schema, name: str = "") -> Iterator[tuple[Schema, str]]:
    """Yield the schemas inside of `schema`, which stands under `name`, each with the name under which it stands."""
    inside = list(schema.get("properties", {}).items())
    if "items" in schema:
        inside.append((_singular(name), schema["items"]))
    if isinstance(schema.get("additionalProperties"), dict):
        inside.append(("value", schema["additionalProperties"]))
    inside += [(name, found) for several in SEVERAL for found in schema.get(several, ())]
    for key, found in inside:
        yield found, key
        yield from _within(found, key)


def _singular(name: str) -> str:
    return name.removesuffix("s") if name.endswith("s") else f"{name}_item"


def _with_null(schema: Schema) -> Schema:
    """Return `schema` with null as OpenAPI 3.1 writes it, and a reference that stands alone without its `allOf`."""
    schema = dict(schema)
    null = schema.pop("nullable", False)
    alone = list(schema) == ["allOf"] and len(schema["allOf"]) == 1
    if not null:
        return schema["allOf"][0] if alone else schema
    if "allOf" in schema:
        return {"anyOf": [*schema.pop("allOf"), {"type": "null"}], **schema}
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    # A schema without a type takes null as it is.
    return schema


def operations(document: Schema) -> Iterator[Schema]:
    """Yield the operations of a document."""
    for path in document["paths"].values():
        yield from path.values()


def with_components(document: Schema) -> Schema:
    """Return `document` with the schemas that it writes in place among its components, and no component that nothing uses."""
    _Components(document).move()
    components = document["components"]
    used = _used(document)
    for kind in ("schemas", "responses", "headers"):
        components[kind] = {name: found for name, found in sorted(components[kind].items()) if (kind, name) in used}
    return document


def _used(document: Schema) -> set[tuple[str, str]]:
    """Return the kind and the name of every component that operations refer to, directly or through others."""
    used: set[tuple[str, str]] = set()
    waiting = list(_references(document["paths"]))
    while waiting:
        kind, name = found = waiting.pop()
        if found not in used:
            used.add(found)
            waiting += _references(document["components"][kind][name])
    return used


def _references(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            kind, name = found["$ref"].removeprefix("#/components/").split("/")
            yield kind, name
        inside: Iterable[Any] = found.values()
    else:
        inside = found if isinstance(found, list) else ()
    for inner in inside:
        yield from _references(inner)
