"""Grammar of the practice dialect: snake_case, numbered pages, FastAPI-style errors, an organization in the path."""

from typing import Any, ClassVar

from django.db import models
from rest_framework.filters import BaseFilterBackend

from accounts.models import Organization, User
from accounts.scope import scope, scope_of
from config.core.caching import cached
from config.core.exceptions import NotFound
from config.rest import views
from config.rest.authentication import BearerAuthentication
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.loaders import CatalogLoader, Loader, NamedRowLoader, UserLoader
from config.rest.compiled.plans import LoadedField
from config.rest.compiled.queries import Criterion, comparison
from config.rest.entity_tags import ConditionalViewSet
from config.rest.filters import StrictFilterBackend
from config.rest.formats import parse_uuid
from config.rest.openapi import BOOLEAN, INTEGER, NULLABLE_TEXT, TEXT, UUID, Schema, array, named, nullable, object_schema
from config.rest.pagination import Envelope, KeysetPagination, NumberedPagination
from config.rest.problems import Problem
from config.rest.query_parameters import read_choice
from config.rest.responses import ApiResponse

# REST framework's error codes -> the `type` words of this dialect; a code of ours stands for itself.
TYPES = {
    "required": "missing",
    "null": "null_not_allowed",
    "blank": "string_too_short",
    "max_length": "string_too_long",
    "min_value": "greater_than_equal",
    "max_value": "less_than_equal",
    "invalid_choice": "enum",
    "invalid": "value_error",
}


# One problem with a value, as `Errors.item` tells it.
VALUE_PROBLEM = named("ValueProblem", object_schema({"loc": array({"type": ["string", "integer"]}), "msg": TEXT, "type": TEXT}))
REFERENCE = named("Reference", object_schema({"uuid": UUID, "name": NULLABLE_TEXT}))


class Errors:
    """`{"detail": "text"}`, or for values `{"detail": [{"loc", "msg", "type"}]}`."""

    @staticmethod
    def body(problems: list[Problem]) -> dict:
        if problems[0].status != 422:
            return {"detail": problems[0].message}
        return {"detail": [Errors.item(problem) for problem in problems]}

    @staticmethod
    def item(problem: Problem) -> dict:
        """Return one problem with a value as `{"loc", "msg", "type"}`."""
        code = TYPES.get(problem.code, problem.code)
        return {"loc": [problem.where or "body", *problem.path], "msg": problem.message, "type": code}


def reference(uuid: str, name: str | None) -> dict:
    """Return a reference as responses show it."""
    return {"uuid": uuid, "name": name}


@cached
def reference_loader(model: type[models.Model], name: tuple[str, ...]) -> Loader:
    """Return the loader of references to rows of `model`, whose name the columns `name` make."""
    if model is User:
        return UserLoader(reference)
    named = scope_of(model).care_group or scope_of(model).patient_user
    return NamedRowLoader(model, name, reference) if named else CatalogLoader(model, reference)


class ReferenceField(LoadedField):
    """`{"uuid": …, "name": …}` of a row of `model`, null where there is none.

    Linked patients and users show a name only to those who may see them; catalogs come from the
    stamped cache. Rows of a model without a `name` have null there.
    """

    schema: ClassVar[Schema] = nullable(REFERENCE)

    def __init__(self, model: type[models.Model], name: tuple[str, ...] = ("name",), **kwargs):
        super().__init__(reference_loader(model, name), schema=self.schema, **kwargs)


class ReferenceNameField(ReferenceField):
    """The name that a reference shows, alone."""

    schema = NULLABLE_TEXT

    def __init__(self, *args, **kwargs):
        super().__init__(*args, render=lambda found: found and found["name"], **kwargs)


class ItemsPagination(NumberedPagination):
    """`{items, page, page_size, total}`."""

    component = "Page"

    def get_paginated_response(self, data: list[dict]) -> ApiResponse:
        return ApiResponse({"items": data, "page": self.number, "page_size": self.size, "total": self.total})

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        return object_schema({"items": array(schema), "page": INTEGER, "page_size": INTEGER, "total": INTEGER})


class CursorPagination(KeysetPagination):
    """`{data, page_info: {end_cursor, has_next_page}}`."""

    component = "CursorPage"
    cursor_query_param = "after"
    page_size_query_param = "first"

    def get_paginated_response(self, data: list[dict]) -> ApiResponse:
        info = {"end_cursor": self.page.end, "has_next_page": self.page.next is not None}
        return ApiResponse({"data": data, "page_info": info})

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        info = named("PageInfo", object_schema({"end_cursor": NULLABLE_TEXT, "has_next_page": BOOLEAN}))
        return object_schema({"data": array(schema), "page_info": info})


class FoundItems(Envelope):
    """`{items, total}`."""

    component = "List"

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        return object_schema({"items": array(schema), "total": INTEGER})


class PlainList(Envelope):
    """A plain array."""

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        return array(schema)


class SortFilter(BaseFilterBackend):
    """Orders by `sort_by`, where the view declares `ordering_fields`, and by `sort_dir`, where it declares `default_sort_dir`."""

    def filter_queryset(self, request, queryset, view):
        ordering = queryset.ordering
        if view.ordering_fields:
            by = read_choice(request.GET, "sort_by", default=view.default_sort, choices=tuple(view.ordering_fields))
            ordering = view.ordering_fields[by]
        if view.default_sort_dir:
            direction = read_choice(request.GET, "sort_dir", default=view.default_sort_dir, choices=("asc", "desc"))
            ordering = self._directed(ordering, descending=direction == "desc")
        return queryset.order_by(ordering)

    def _directed(self, ordering: Keyset | tuple[str, ...], *, descending: bool) -> Keyset | tuple[str, ...]:
        if isinstance(ordering, Keyset):
            return ordering.directed(descending=descending)
        return tuple(f"-{column}" for column in ordering) if descending else ordering


class ViewSet(ConditionalViewSet):
    """A view set under /api/v1/{org_id}/."""

    dialect = "practice"
    authentication_classes = [BearerAuthentication]
    pagination_class: Any = ItemsPagination
    filter_backends = [SortFilter, StrictFilterBackend]
    page_size = 50
    organization_id: int
    """The organization that the path names. Where it names none, actions do not ask."""
    timezone: str
    """The time zone of that organization."""
    ordering_fields: ClassVar[dict[str, Keyset]] = {}
    """What `sort_by` may name, and the order it asks for; `default_sort` where it is absent."""
    default_sort: ClassVar[str] = ""
    default_sort_dir: ClassVar[str] = ""
    """The direction of lists that `sort_dir` can turn, where it is absent: "asc", or "desc" for the newest first."""

    def error_body(self, problems):
        return Errors.body(problems)

    def resolve_path_scope(self) -> None:
        """Find the organization of the path in the caller's scope."""
        if "org_id" not in self.kwargs:
            return
        uuid = parse_uuid(self.kwargs["org_id"])
        if uuid is not None and uuid == self.actor.organization_uuid:
            self.organization_id, self.timezone = self.actor.organization_id, self.actor.timezone
            return
        rows = scope(self.actor, Organization.objects.all()).values_list("pk", "timezone")
        found = rows.filter(uuid=uuid).first() if uuid else None
        if found is None:
            raise NotFound("Organization")
        self.organization_id, self.timezone = found

    def lookup_criterion(self, model: type[models.Model], url_kwarg: str) -> Criterion:
        uuid = parse_uuid(self.kwargs[url_kwarg])
        if uuid is None:
            raise views.not_found_error(model)
        return comparison(model, "uuid", uuid)


class UnknownPath(views.UnknownPath, ViewSet):
    """Every path under /api/ that the table of contents does not list."""

    def resolve_path_scope(self) -> None:
        """An unknown path is unknown whatever organization it names."""
