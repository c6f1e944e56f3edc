"""Grammar of the practice dialect: snake_case, numbered pages, FastAPI-style errors, an organization in the path."""

from typing import Any, ClassVar

from django.db import models

from accounts.models import Organization, User
from accounts.scope import scope, scope_of
from config.core.exceptions import NotFound
from config.rest import views
from config.rest.authentication import bearer
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.lookups import CatalogLookup, LinkedRows, LinkedUsers
from config.rest.compiled.plans import Criterion, LookedUp, Query
from config.rest.filters import read_choice
from config.rest.formats import parse_uuid
from config.rest.problems import Problem
from config.rest.responses import Answer

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
"""REST framework's error codes -> the `type` words of this dialect; a code of ours stands for itself."""


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


class ReferenceField(LookedUp):
    """`{"uuid": …, "name": …}` of a row of `model`, null where there is none.

    Linked patients and users show a name only to those who may see them; catalogs come from the
    stamped cache. Rows of a model without a `name` have null there.
    """

    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "nullable": True,
        "properties": {"uuid": {"type": "string", "format": "uuid"}, "name": {"type": "string", "nullable": True}},
        "required": ["uuid", "name"],
    }
    _lookups: ClassVar[dict[type[models.Model], Any]] = {}

    def __init__(self, model: type[models.Model], name: tuple[str, ...] = ("name",), **kwargs):
        super().__init__(self._lookup(model, name), schema=self.schema, **kwargs)

    @classmethod
    def _lookup(cls, model: type[models.Model], name: tuple[str, ...]):
        if model not in cls._lookups:
            linked = scope_of(model).care_group or scope_of(model).patient_user
            if model is User:
                cls._lookups[model] = LinkedUsers(reference)
            else:
                cls._lookups[model] = LinkedRows(model, name, reference) if linked else CatalogLookup(model, reference)
        return cls._lookups[model]


class ReferenceNameField(ReferenceField):
    """The name that a reference shows, alone."""

    schema = {"type": "string", "nullable": True}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, show=lambda found: found and found["name"], **kwargs)


def reference(uuid: str, name: str | None) -> dict:
    """Return a reference as answers show it."""
    return {"uuid": uuid, "name": name}


class ViewSet(views.DialectViewSet):
    """A view set under /api/v1/{org_id}/."""

    envelopes = {"list": "numbered_page"}
    page_size = 50
    organization_id: int
    """The organization that the path names. Where it names none, actions do not ask."""
    zone: str
    """The time zone of that organization."""
    sorts: ClassVar[dict[str, Keyset]] = {}
    default_sort: ClassVar[str] = ""

    def credentials(self, request):
        return bearer(request)

    def error_body(self, problems):
        return Errors.body(problems)

    def enter(self) -> None:
        """Find the organization of the path in the caller's scope."""
        if "org_id" not in self.kwargs:
            return
        uuid = parse_uuid(self.kwargs["org_id"])
        if uuid is not None and uuid == self.actor.organization_uuid:
            self.organization_id, self.zone = self.actor.organization_id, self.actor.timezone
            return
        rows = scope(self.actor, Organization.objects.all()).values_list("pk", "timezone")
        found = rows.filter(uuid=uuid).first() if uuid else None
        if found is None:
            raise NotFound("Organization")
        self.organization_id, self.zone = found

    def named_by(self, keyword: str, model: type[models.Model]) -> Criterion:
        uuid = parse_uuid(self.kwargs[keyword])
        if uuid is None:
            raise views.unknown(model)
        return views.equal_to("uuid", uuid, models.UUIDField())

    def numbered_page(self, query: Query, order: tuple[str, ...]) -> Answer:
        """Answer `{items, page, page_size, total}`."""
        page = self.fetch_numbered(query, order)
        return Answer({"items": page.items, "page": page.number, "page_size": page.size, "total": page.total})

    def keyset_page(self, query: Query, keyset: Keyset) -> Answer:
        """Answer `{data, page_info: {end_cursor, has_next_page}}`."""
        page, items = self.fetch_keyset(query, keyset, "after", "first")
        return Answer({"data": items, "page_info": {"end_cursor": page.end, "has_next_page": page.next is not None}})

    def sorting(self) -> tuple[str, str]:
        """Return the validated sort_by and sort_dir."""
        by = read_choice(self.request.GET, "sort_by", default=self.default_sort, choices=tuple(self.sorts))
        return by, read_choice(self.request.GET, "sort_dir", default="asc", choices=("asc", "desc"))


class UnknownPath(views.UnknownPath, ViewSet):
    """Every path under /api/ that the table of contents does not list."""

    def enter(self) -> None:
        """An unknown path is unknown whatever organization it names."""
