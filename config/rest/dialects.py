"""What the OpenAPI document of each dialect says beyond its views: envelopes, errors, credentials, ids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.rest import general, practice, public
from config.rest.openapi import EMPTY, INTEGER, TEXT, UUID, Schema, array, object_schema
from config.rest.views import DialectViewSet


@dataclass(frozen=True)
class Dialect:
    """One dialect as its document shows it.

    `problem` is the body of every error but 422, `invalid` that of 422; `single` wraps one object.
    `forbids_hidden` says that an object outside the caller's scope can be 403.
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
    single: Callable[[Schema], Schema] = lambda item: item
    forbids_hidden: bool = False

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
    problem=object_schema({"detail": TEXT}),
    invalid=object_schema({"detail": array(object_schema({"loc": _LOCATION, "msg": TEXT, "type": TEXT}))}),
)

_ERRORS = object_schema({"meta": EMPTY, "errors": array(object_schema({"code": TEXT, "message": TEXT}, attribute=TEXT))})

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
    single=public.data_envelope,
)

GENERAL = Dialect(
    name="general",
    title="Anamnesis: general API",
    description="Patients in the scope of the token's user, with integer ids. Lists are plain arrays.",
    base="/general/v1/",
    view_class=general.ViewSet,
    credentials={"userToken": {"type": "apiKey", "in": "header", "name": "X-User-Token"}},
    identifier={"type": "integer", "format": "int64", "minimum": 1, "maximum": general.MAX_ID},
    problem=object_schema({"errors": TEXT}),
    invalid=object_schema({"errors": {"type": "object", "additionalProperties": array(TEXT)}}),
    forbids_hidden=True,
)

DIALECTS = {dialect.name: dialect for dialect in (PRACTICE, PUBLIC, GENERAL)}


def dialect_of(view_class: type[DialectViewSet]) -> Dialect:
    """Return the dialect that a view class speaks."""
    return next(dialect for dialect in DIALECTS.values() if issubclass(view_class, dialect.view_class))
