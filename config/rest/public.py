"""Grammar of the public dialect: camelCase, `{data, meta, errors}`, cursors that lead both ways."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone

from config.rest import views
from config.rest.authentication import BearerAuthentication
from config.rest.compiled.cursors import KeysetPage
from config.rest.compiled.plans import Computed
from config.rest.compiled.queries import Criterion, comparison
from config.rest.filters import StrictFilterSet, UpdatedSinceFilter
from config.rest.formats import parse_uuid
from config.rest.openapi import EMPTY, INTEGER, NULLABLE_TEXT, TEXT, Schema, array, named, object_schema
from config.rest.pagination import Envelope, KeysetPagination
from config.rest.problems import Problem
from config.rest.responses import ApiResponse

A_MINUTE = datetime.timedelta(minutes=1)


class Errors:
    """`{"meta": {}, "errors": [{"code", "message", "attribute"?}]}`."""

    MESSAGES = {"account_inactive": "Your account is not active"}

    @staticmethod
    def body(problems: list[Problem]) -> dict:
        return {"meta": {}, "errors": [Errors.item(problem) for problem in problems]}

    @staticmethod
    def item(problem: Problem) -> dict:
        code = "validation" if problem.status == 422 else problem.code
        error = {"code": code, "message": Errors.message(problem)}
        return error | ({"attribute": ".".join(map(str, problem.path))} if problem.path else {})

    @staticmethod
    def message(problem: Problem) -> str:
        if problem.code in ("invalid_date", "invalid_date_time"):
            return f"{words(str(problem.path[-1]))} must be ISO8601 formatted"
        return Errors.MESSAGES.get(problem.code, problem.message)


class CamelCase:
    """Mixin for serializers: fields are declared in Python's case and named on the wire in camelCase."""

    def get_fields(self):
        renamed = {}
        for name, field in super().get_fields().items():
            if (wire := camel(name)) != name and field.source is None:
                field.source = name
            renamed[wire] = field
        return renamed


class CamelCaseFilterSet(StrictFilterSet):
    """Filters that are declared in Python's case and named on the wire in camelCase."""

    @classmethod
    def get_filters(cls):
        return {camel(name): declared for name, declared in super().get_filters().items()}


def camel(name: str) -> str:
    """Return `first_name` as `firstName`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def words(name: str) -> str:
    """Return `startDate` as `Start date`."""
    return re.sub("([A-Z])", r" \1", name).capitalize()


class UpdatedSinceFilterSet(CamelCaseFilterSet):
    """Filters of lists of rows that change."""

    updated_since = UpdatedSinceFilter()


class LocalDateTime(Computed):
    """A date-time in the zone that another column names: ISO 8601 to the second, with its offset."""

    def __init__(self, column: str, zone: str = "timezone", **kwargs):
        schema = {"type": "string", "format": "date-time", "nullable": kwargs.pop("nullable", False)}
        super().__init__(local_time, (column, zone), schema=schema, **kwargs)


def local_time(actor: Any, moment: datetime.datetime | None, zone: str) -> str | None:
    """Return `moment` in `zone`, None for none.

    RFC 3339 has no seconds in an offset, and the clocks of long ago had them: the offset is then that of the minute before.
    """
    if moment is None:
        return None
    local = moment.astimezone(ZoneInfo(zone))
    offset: Any = local.utcoffset()
    if offset.seconds % 60:
        local = moment.astimezone(datetime.timezone(offset // A_MINUTE * A_MINUTE))
    return local.isoformat(timespec="seconds")


class CursorPagination(KeysetPagination):
    """`{data, meta}`, with the cursors and the addresses, relative to the server, of the pages beside this one."""

    component = "Page"
    cursor_query_param = "cursor"
    page_size_query_param = "perPage"

    def get_paginated_response(self, data: list[dict]) -> ApiResponse:
        return ApiResponse({"data": data, "meta": self.meta(self.page)})

    @property
    def address(self) -> str:
        """The address of this list, without a query."""
        return self.request.path

    def meta(self, page: KeysetPage) -> dict[str, Any]:
        """Return the page's meta; addresses keep every parameter but the cursor."""
        kept = {name: value for name, value in self.request.GET.items() if name != self.cursor_query_param}

        def page_address(cursor: str | None) -> str | None:
            return f"{self.address}?{urlencode({**kept, self.cursor_query_param: cursor})}" if cursor else None

        return {
            "perPage": page.size,
            "nextCursor": page.next,
            "nextPageUrl": page_address(page.next),
            "prevCursor": page.previous,
            "prevPageUrl": page_address(page.previous),
        }

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        names = ("nextCursor", "nextPageUrl", "prevCursor", "prevPageUrl")
        meta = named("PageMeta", object_schema({"perPage": INTEGER, **dict.fromkeys(names, NULLABLE_TEXT)}))
        return object_schema({"data": array(schema), "meta": meta})


class ChangesPagination(CursorPagination):
    """Pages of a list of changes: `changesCursor` leads on from any of them, at once or later."""

    component = "Page"

    def meta(self, page: KeysetPage) -> dict[str, Any]:
        forwards = {name: value for name, value in super().meta(page).items() if not name.startswith("prev")}
        return {**forwards, "changesCursor": page.end}

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        names = {"nextCursor": NULLABLE_TEXT, "nextPageUrl": NULLABLE_TEXT, "changesCursor": TEXT}
        meta = named("ChangesMeta", object_schema({"perPage": INTEGER, **names}))
        return object_schema({"data": array(schema), "meta": meta})


class AbsoluteCursorPagination(CursorPagination):
    """Pages whose addresses name the server, too, by the scheme and host that the client used."""

    @property
    def address(self) -> str:
        return self.request.build_absolute_uri(self.request.path)


def data_envelope(item: Schema) -> Schema:
    """Return the schema of a response with one object."""
    return object_schema({"data": item, "meta": EMPTY})


class Creation(Envelope):
    """What the document shows around a new patient: `{status, data, meta}`, with the time of the response."""

    component = "Created"

    def body(self, data: dict) -> dict[str, Any]:
        """Return the body around `data`."""
        return {"status": "success", "data": data, "meta": {"timestamp": timezone.now().replace(microsecond=0)}}

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        moment = {"type": "string", "format": "date-time"}
        status = {"type": "string", "enum": ["success"]}
        return object_schema({"status": status, "data": schema, "meta": object_schema({"timestamp": moment})})


class ViewSet(views.DialectViewSet):
    """A view set under /v1/."""

    dialect = "public"
    authentication_classes = [BearerAuthentication]
    pagination_class = CursorPagination
    page_size = 50

    def error_body(self, problems):
        return Errors.body(problems)

    def lookup_criterion(self, model: type[models.Model], url_kwarg: str) -> Criterion:
        uuid = parse_uuid(self.kwargs[url_kwarg])
        if uuid is None:
            raise views.not_found_error(model)
        return comparison(model, "uuid", uuid)

    def translate_problem(self, problem: Problem) -> Problem:
        """In this dialect a reference to an unknown object is a value that does not validate."""
        problem = super().translate_problem(problem)
        return replace(problem, status=422) if problem.code == "unknown_reference" else problem

    def respond(self, data: Any, status: int = 200, extra: Mapping[str, Any] | None = None) -> ApiResponse:
        return ApiResponse({"data": {**data, **extra} if extra else data, "meta": {}}, status)


class UnknownPath(views.UnknownPath, ViewSet):
    """Every path under /v1/ that the table of contents does not list."""
