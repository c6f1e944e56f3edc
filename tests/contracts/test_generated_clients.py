"""What generators of clients make of the documents: a method of each operation, a class of each schema, all well named."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.management.commands.contracts import NAMES
from config.rest.components import operations, with_components
from config.rest.descriptions import PROPERTIES, SCHEMAS, SELF_EVIDENT, python_name
from config.rest.dialects import DIALECTS
from config.rest.openapi import TEXT, component, enum, named, nullable, object_schema
from config.rest.schema import document, names

REFERENCE = {"$ref"}
NULL = {"type": "null"}
# Words of the JSON Schema of a value, and what may hold other schemas.
ONE, SEVERAL = ("items", "additionalProperties"), ("anyOf", "oneOf", "allOf")


def within(schema: dict, place: str) -> Iterator[tuple[str, dict]]:
    """Yield `schema` and the schemas in it, each with its place."""
    yield place, schema
    for name, found in schema.get("properties", {}).items():
        yield from within(found, f"{place}.{name}")
    for keyword in ONE:
        if isinstance(schema.get(keyword), dict):
            yield from within(schema[keyword], f"{place}[]")
    for keyword in SEVERAL:
        for found in schema.get(keyword, ()):
            yield from within(found, place)


def placed(name: str) -> Iterator[tuple[str, dict]]:
    """Yield the schemas of parameters, bodies and answers of a dialect, and those in them: where a client would invent a name."""
    for operation in operations(document(name)):
        place = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            yield from within(parameter["schema"], f"{place}({parameter['name']})")
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                yield from within(media["schema"], place)
    for title, response in document(name)["components"]["responses"].items():
        for media in response["content"].values():
            yield from within(media["schema"], title)


def components(name: str) -> Iterator[tuple[str, dict]]:
    """Yield the schemas inside of the components of a dialect."""
    for title, schema in document(name)["components"]["schemas"].items():
        found = within(schema, title)
        next(found)
        yield from found


@pytest.mark.parametrize("name", DIALECTS)
def test_every_object_and_enumeration_has_a_name(name):
    invented = [place for place, schema in (*placed(name), *components(name)) if {"enum", "properties"} & schema.keys()]
    free = [place for place, schema in (*placed(name), *components(name)) if "object" in schema.get("type", ())]

    assert (invented, free) == ([], [])


@pytest.mark.parametrize("name", DIALECTS)
def test_a_value_has_one_type(name):
    """Variants are objects, or an object or an enumeration and null: for each other one, clients make a class around a text."""
    for place, schema in (*placed(name), *components(name)):
        assert not {"oneOf", "nullable", "x-component"} & schema.keys(), place
        for variant in schema.get("anyOf", ()):
            assert variant == NULL or variant.keys() == REFERENCE, place


@pytest.mark.parametrize("name", DIALECTS)
def test_every_content_has_a_schema(name):
    contents = [
        (media_type, media["schema"])
        for operation in operations(document(name))
        for body in (operation.get("requestBody", {}), *operation["responses"].values())
        for media_type, media in body.get("content", {}).items()
    ]

    assert {media_type: schema["type"] for media_type, schema in contents if media_type != "application/json"} == (
        {"text/csv": "string", "application/x-ndjson": "string"} if name == "public" else {}
    )
    assert all(schema.keys() & {"$ref", "type", "anyOf"} for _, schema in contents)


@pytest.mark.parametrize("name", DIALECTS)
def test_operations_are_called_by_a_verb_and_a_noun(name):
    ids = Counter(operation["operationId"] for operation in operations(document(name)))

    assert [found for found, times in ids.items() if times > 1] == []
    assert [found for found in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", found)] == []


def test_schemas_of_the_practice_document_stay_few():
    """Each is a file of a client, and a class to learn."""
    assert len(document("practice")["components"]["schemas"]) < 280


def test_names_are_the_committed_ones():
    same = names() == NAMES.read_text()

    assert same, "Names of operations or schemas have changed. If that is meant, run `make contracts` and commit the difference."


def test_documents_say_where_and_under_which_licence():
    for name in DIALECTS:
        assert document(name)["servers"][0]["url"] == "/"
        assert document(name)["info"]["license"]["identifier"] == "Apache-2.0"


@pytest.mark.parametrize("name", DIALECTS)
def test_groups_are_listed_and_used(name):
    used = [tag for operation in operations(document(name)) for tag in operation["tags"]]

    assert {tag["name"] for tag in document(name)["tags"]} == set(used)
    assert all(tag["description"] for tag in document(name)["tags"])


# --- how schemas get their names ------------------------------------------------------------------


def made(**schemas: dict) -> dict[str, dict]:
    """Return the components of a document of one operation that answers with the components `schemas`."""
    answer = {"content": {"application/json": {"schema": {"anyOf": [component(name) for name in schemas]}}}}
    operation = {"operationId": "get_it", "responses": {"200": answer}}
    given = {"schemas": dict(schemas), "responses": {}, "headers": {}}
    return with_components({"paths": {"/": {"get": operation}}, "components": given})["components"]["schemas"]


def test_an_enumeration_is_called_as_its_choices():
    found = made(Visit=object_schema({"scope": enum(["patient", "family"])}))

    assert found["Visit"]["properties"]["scope"] == component("AlertScope")
    assert found["AlertScope"] == enum(["patient", "family"])


def test_a_schema_that_two_places_share_is_called_as_their_property():
    found = made(A=object_schema({"way": enum(["up", "down"])}), B=object_schema({"way": nullable(enum(["up", "down", None]))}))

    assert found["Way"] == enum(["up", "down"])
    assert found["B"]["properties"]["way"] == {"anyOf": [component("Way"), NULL]}


def test_schemas_that_differ_are_called_as_what_they_are_part_of():
    found = made(A=object_schema({"way": enum(["up"])}), B=object_schema({"way": enum(["left"])}))

    assert {"AWay", "BWay"} <= found.keys()


def test_two_schemas_cannot_have_one_name():
    one, other = (named("Same", object_schema({key: TEXT})) for key in ("a", "b"))

    with pytest.raises(ImproperlyConfigured, match="Same"):
        made(A=object_schema({"one": one, "other": other}))


def test_null_is_a_type_and_what_takes_anything_takes_it():
    found = made(A=object_schema({"text": nullable(TEXT), "any": {"nullable": True}}))

    assert found["A"]["properties"] == {"text": {"type": ["string", "null"]}, "any": {}}


def test_what_nothing_refers_to_is_left_out():
    given = {"schemas": {"Lonely": TEXT}, "responses": {}, "headers": {"Lonely": {"schema": TEXT}}}

    assert with_components({"paths": {}, "components": given})["components"] == {"schemas": {}, "responses": {}, "headers": {}}


# --- descriptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIALECTS)
def test_everything_is_described_but_what_its_name_says(name):
    """What is missing belongs into config/rest/descriptions.toml, or into the docstring of a serializer, a filter or a view."""
    schemas = document(name)["components"]["schemas"]
    bare = [title for title, schema in schemas.items() if not schema.get("description") and "enum" not in schema]
    bare += [
        f"{title}.{key}"
        for title, schema in schemas.items()
        for key, found in schema.get("properties", {}).items()
        if not found.get("description") and python_name(key) not in SELF_EVIDENT
    ]
    for operation in operations(document(name)):
        bare += [operation["operationId"]] * (not (operation["summary"] and operation["description"]))
        parameters = operation.get("parameters", ())
        bare += [f"{operation['operationId']}({found['name']})" for found in parameters if not found.get("description")]

    assert bare == []


def texts(found: object) -> Iterator[str]:
    """Yield the descriptions and summaries of a document."""
    if isinstance(found, dict):
        yield from (text for key, text in found.items() if key in ("description", "summary") and isinstance(text, str))
    for inner in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from texts(inner)


@pytest.mark.parametrize("name", DIALECTS)
def test_no_text_speaks_of_the_code(name):
    spoken = re.compile(r"TextChoices|[Ss]erializer|Mixin|[Bb]ase of|``|^Done\.")

    assert [text for text in texts(document(name)) if spoken.search(text)] == []


def test_every_description_is_used():
    """A property is described once, under a name that some document has."""
    schemas = [found for name in DIALECTS for found in document(name)["components"]["schemas"].items()]
    places = [(title, python_name(key)) for title, schema in schemas for key in schema.get("properties", {})]
    used = {key for _, key in places} | {f"{title}.{key}" for title, key in places}

    assert PROPERTIES.keys() - used == set()
    assert SELF_EVIDENT - used == set()
    assert SCHEMAS.keys() - dict(schemas).keys() == set()
