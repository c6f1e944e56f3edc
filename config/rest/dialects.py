"""What the OpenAPI document of each dialect says beyond its views: envelopes, errors, credentials, ids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from config.rest import general, practice, public
from config.rest.views import MAX_PAGE, MAX_PAGE_SIZE, DialectViewSet

Schema = dict

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
EMPTY: Schema = {"type": "object", "maxProperties": 0}


def nullable(schema: Schema) -> Schema:
    """Return `schema` with null allowed."""
    return {**schema, "nullable": True}


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def shaped(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def parameter(name: str, schema: Schema, description: str = "", place: str = "query", *, required: bool = False) -> Schema:
    """Return a parameter object. Those in a path are always required."""
    described = {"description": description} if description else {}
    needed = {"required": True} if required or place == "path" else {}
    return {"name": name, "in": place, **needed, **described, "schema": schema}


def _number(default: int, most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}


def _pages(page_size: int) -> tuple[Schema, ...]:
    return (
        parameter("page", _number(1, MAX_PAGE), "The page's number."),
        parameter("page_size", _number(page_size, MAX_PAGE_SIZE), "How many rows a page holds."),
    )


def _cursor(cursor: str, size: str) -> Callable[[int], tuple[Schema, ...]]:
    def parameters(page_size: int) -> tuple[Schema, ...]:
        return (
            parameter(size, _number(page_size, MAX_PAGE_SIZE), "How many rows a page holds."),
            parameter(cursor, TEXT, "Where to go on: a cursor of this list, for the same caller and filters."),
        )

    return parameters


def _no_pages(page_size: int) -> tuple[Schema, ...]:
    return ()


@dataclass(frozen=True)
class Envelope:
    """How a list is wrapped: the body around its rows, and the parameters and headers that go with it.

    `parameters` takes the number of rows that a page of the list holds.
    """

    wrap: Callable[[Schema], Schema]
    parameters: Callable[[int], tuple[Schema, ...]] = _no_pages
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialect:
    """One dialect as its document shows it.

    `problem` is the body of every error but 422, `invalid` that of 422; `envelopes` are found by
    the names that views declare, `single` wraps one object. `outsiders` tells that an object
    which its reader may not see can be 403.
    """

    name: str
    title: str
    description: str
    base: str
    view_class: type[DialectViewSet]
    credentials: Mapping[str, Schema]
    identifier: Schema
    problem: Schema
    invalid: Schema
    envelopes: Mapping[str, Envelope]
    single: Callable[[Schema], Schema] = lambda item: item
    outsiders: bool = False

    @property
    def header(self) -> str:
        """How a request carries its key."""
        scheme = next(iter(self.credentials.values()))
        return f"{scheme['name']}: …" if "name" in scheme else "Authorization: Bearer …"


_BEARER = {"apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, as the administrators issue it."}}

_LOCATION = array({"anyOf": [TEXT, INTEGER]})

PRACTICE = Dialect(
    name="practice",
    title="Anamnesis: practice API",
    description=(
        "Patients of an organization that the path names. Lists are numbered pages or cursor pages; a change names "
        "the version that it was made on; a create may carry an Idempotency-Key."
    ),
    base="/api/v1/",
    view_class=practice.ViewSet,
    credentials=_BEARER,
    identifier=UUID,
    problem=shaped({"detail": TEXT}),
    invalid=shaped({"detail": array(shaped({"loc": _LOCATION, "msg": TEXT, "type": TEXT}))}),
    envelopes={
        "numbered_page": Envelope(
            lambda item: shaped({"items": array(item), "page": INTEGER, "page_size": INTEGER, "total": INTEGER}),
            _pages,
        ),
        "keyset_page": Envelope(
            lambda item: shaped(
                {"data": array(item), "page_info": shaped({"end_cursor": nullable(TEXT), "has_next_page": BOOLEAN})}
            ),
            _cursor("after", "first"),
        ),
        "found_items": Envelope(lambda item: shaped({"items": array(item), "total": INTEGER})),
        "plain_list": Envelope(array),
        "bare": Envelope(lambda item: item),
    },
)

_META = shaped(
    {
        "perPage": INTEGER,
        "nextCursor": nullable(TEXT),
        "nextPageUrl": nullable(TEXT),
        "prevCursor": nullable(TEXT),
        "prevPageUrl": nullable(TEXT),
    }
)
_ERRORS = shaped({"meta": EMPTY, "errors": array(shaped({"code": TEXT, "message": TEXT}, attribute=TEXT))})

PUBLIC = Dialect(
    name="public",
    title="Anamnesis: public API",
    description="Patients in the scope of the key's user, in camelCase. Lists are cursor pages that lead both ways.",
    base="/v1/",
    view_class=public.ViewSet,
    credentials=_BEARER,
    identifier=UUID,
    problem=_ERRORS,
    invalid=_ERRORS,
    envelopes={"cursor_page": Envelope(lambda item: shaped({"data": array(item), "meta": _META}), _cursor("cursor", "perPage"))},
    single=lambda item: shaped({"data": item, "meta": EMPTY}),
)

GENERAL = Dialect(
    name="general",
    title="Anamnesis: general API",
    description="Patients in the scope of the token's user, with integer ids. Lists are plain arrays.",
    base="/general/v1/",
    view_class=general.ViewSet,
    credentials={"userToken": {"type": "apiKey", "in": "header", "name": "X-User-Token"}},
    identifier={"type": "integer", "format": "int64", "minimum": 1, "maximum": general.MAX_ID},
    problem=shaped({"errors": TEXT}),
    invalid=shaped({"errors": {"type": "object", "additionalProperties": array(TEXT)}}),
    envelopes={
        "plain_list": Envelope(
            array,
            _pages,
            {"X-Total": "Total", "X-Page": "Page", "X-Page-Size": "PageSize"},
        )
    },
    outsiders=True,
)

DIALECTS = {dialect.name: dialect for dialect in (PRACTICE, PUBLIC, GENERAL)}


def dialect_of(view_class: type[DialectViewSet]) -> Dialect:
    """Return the dialect that a view class speaks."""
    return next(dialect for dialect in DIALECTS.values() if issubclass(view_class, dialect.view_class))
