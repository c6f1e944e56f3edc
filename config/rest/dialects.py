"""What the OpenAPI document of each dialect says beyond its views: envelopes, errors, credentials, ids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.rest import general, practice, public
from config.rest.openapi import EMPTY, TEXT, UUID, Schema, array, named, object_schema
from config.rest.views import DialectViewSet


@dataclass(frozen=True)
class Tag:
    """A group of operations: those whose paths, below the dialect's base and the organization, begin with one of `steps`."""

    name: str
    description: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """One dialect as its document shows it.

    `problem` is the body of every error but 422, `invalid` that of 422; `single` wraps one object. `tags` are the groups
    of its operations, of which the last takes what no other one names; `first_call` is the path of a read that needs no id.
    `forbids_hidden` says that an object outside the
    caller's scope can be 403.
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
    tags: tuple[Tag, ...]
    first_call: str
    single: Callable[[Schema], Schema] = lambda item: item
    forbids_hidden: bool = False

    def tag_of(self, step: str) -> Tag:
        """Return the group of the operations whose paths begin with `step`."""
        return next((tag for tag in self.tags if step in tag.steps), self.tags[-1])

    @property
    def header(self) -> str:
        """How a request carries its key."""
        scheme = next(iter(self.credentials.values()))
        return f"{scheme['name']}: $KEY" if "name" in scheme else "Authorization: Bearer $KEY"


_BEARER = {"apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, as the administrators issue it."}}


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
    problem=named("Problem", object_schema({"detail": TEXT})),
    invalid=named("ValidationProblem", object_schema({"detail": array(practice.VALUE_PROBLEM)})),
    tags=(
        Tag("Patients", "Patients, what is on their charts, and where they stand with the clinic.", ("patients",)),
        Tag("Alert definitions", "The kinds of chart alerts of an organization.", ("patient-alert-definitions",)),
        Tag("Field definitions", "The custom fields of an organization's patient records.", ("patient-field-definitions",)),
        Tag("Tag definitions", "The labels that staff put on patients.", ("patient-tag-definitions",)),
        Tag("Appointments", "Appointments of the patients whom the caller sees.", ("appointments",)),
        Tag("Events", "What has changed, in the order of commit, for clients that keep a copy.", ("events",)),
        Tag("Changes", "Patients and their charts in the order of change, for clients that keep a copy.", ("changes",)),
        Tag("Caller", "Who the key belongs to, and what it may do.", ("me",)),
        Tag("Catalogs", "What patient records refer to, as each organization names it. Administrators write these."),
    ),
    first_call="/api/v1/me",
)

_ERROR = named("ProblemError", object_schema({"code": TEXT, "message": TEXT}, attribute=TEXT))
_PROBLEM = named("Problem", object_schema({"meta": EMPTY, "errors": array(_ERROR)}))

PUBLIC = Dialect(
    name="public",
    title="Anamnesis: public API",
    description="Patients in the scope of the key's user, in camelCase. Lists are cursor pages that lead both ways.",
    base="/v1/",
    view_class=public.ViewSet,
    credentials=_BEARER,
    identifier=UUID,
    problem=_PROBLEM,
    invalid=_PROBLEM,
    tags=(
        Tag("Patients", "Patients, what they measure, and what is expected of them.", ("patients",)),
        Tag("Alerts", "Alerts that measurements have raised.", ("alerts",)),
        Tag("Changes", "Patients, measurements and alerts in the order of change, for clients that keep a copy.", ("changes",)),
        Tag("Export", "Reports for business intelligence: by pages, or whole as CSV or NDJSON.", ("export",)),
        Tag("API keys", "The keys of a user, for administrators.", ("users",)),
        Tag("Caller", "Who the key belongs to, and what it may do."),
    ),
    first_call="/v1/me",
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
    problem=named("Problem", object_schema({"errors": TEXT})),
    invalid=named("ValidationProblem", object_schema({"errors": {"type": "object", "additionalProperties": array(TEXT)}})),
    tags=(Tag("Patients", "Patients, and what they measure."),),
    first_call="/general/v1/patients",
    forbids_hidden=True,
)

DIALECTS = {dialect.name: dialect for dialect in (PRACTICE, PUBLIC, GENERAL)}


def dialect_of(view_class: type[DialectViewSet]) -> Dialect:
    """Return the dialect that a view class speaks."""
    return DIALECTS[view_class.dialect]
