"""Pages of lists, and what else wraps many objects in one response. How they look is each dialect's own affair.

A paginator fetches the rows of a page from a compiled query (`paginate_queryset`) and wraps the
objects that the view makes of them (`get_paginated_response`). The two `…_schema…` methods are REST
framework's, and make the page in the OpenAPI documents.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.pagination import BasePagination
from rest_framework.request import Request

from config.core.exceptions import Gone
from config.rest.compiled.cursors import BadCursor, ExpiredCursor, Keyset, KeysetPage, OutdatedCursor
from config.rest.compiled.plans import ResponsePlan
from config.rest.compiled.queries import Query
from config.rest.openapi import TEXT, Schema, parameter
from config.rest.query_parameters import read_integer, read_once, refused

MAX_PAGE_SIZE = 200
MAX_PAGE = 1_000_000
# Characters in the long texts of a page's rows.
MAX_PAGE_LENGTH = 8_000_000


class Envelope:
    """What a response with many objects has around them: here nothing. Pages are envelopes, too."""

    response_headers: dict[str, str] = {}
    """Headers that come with the envelope: their names on the wire -> their names in the document."""
    component = ""
    """What the document adds to the name of an object for the body around many of them; empty where that is a plain array."""

    def get_schema_operation_parameters(self, view: Any) -> list[Schema]:
        """Return the query parameters that go with the envelope."""
        return []

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        """Return the schema of the body around objects of `schema`."""
        return schema


class NumberedPagination(Envelope, BasePagination):
    """Pages by number, with a count of all rows."""

    page_query_param = "page"
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Query, request: Request, view: Any = None) -> list[tuple]:
        query = request.GET
        self.number = read_integer(query, self.page_query_param, default=1, least=1, most=MAX_PAGE)
        self.size = read_integer(query, self.page_size_query_param, default=view.page_size, least=1, most=MAX_PAGE_SIZE)
        skipped = (self.number - 1) * self.size
        ordering = queryset.ordering.columns if isinstance(queryset.ordering, Keyset) else queryset.ordering
        if not ordering:
            raise ImproperlyConfigured("A list is paged in an order that ends in the id")
        rows, total = queryset.page(view.response_plan.columns, ordering, self.size, skipped)
        check_length(rows, view.response_plan, self.page_size_query_param)
        self.total = queryset.count() if total is None else total
        return rows

    def get_schema_operation_parameters(self, view: Any) -> list[Schema]:
        return [
            parameter(self.page_query_param, _number(1, MAX_PAGE), "The page's number."),
            parameter(self.page_size_query_param, _number(view.page_size, MAX_PAGE_SIZE), "How many rows a page holds."),
        ]


class KeysetPagination(Envelope, BasePagination):
    """Pages that begin where a cursor points. A cursor is good for its caller, path and filters only."""

    cursor_query_param: str
    page_size_query_param: str

    def paginate_queryset(self, queryset: Query, request: Request, view: Any = None) -> list[tuple]:
        size = read_integer(request.GET, self.page_size_query_param, default=view.page_size, least=1, most=MAX_PAGE_SIZE)
        cursor = read_once(request.GET, self.cursor_query_param)
        own = (self.cursor_query_param, self.page_size_query_param)
        filters = sorted((name, value) for name, value in request.GET.items() if value and name not in own)
        binding = f"{view.actor.user_id}|{request.path}|{filters}"
        try:
            self.page: KeysetPage = queryset.ordering.page(queryset, view.response_plan, binding, cursor, size)
        except BadCursor as error:
            message = "The cursor is malformed or was made for another list"
            raise refused(self.cursor_query_param, "invalid_cursor", message) from error
        except ExpiredCursor as error:
            raise Gone("What followed this cursor is no longer kept: begin again without one") from error
        except OutdatedCursor as error:
            raise Gone("You see other rows than when this cursor was made: begin again without one") from error
        check_length(self.page.rows, view.response_plan, self.page_size_query_param)
        self.request = request
        return self.page.rows

    def get_schema_operation_parameters(self, view: Any) -> list[Schema]:
        size = _number(view.page_size, MAX_PAGE_SIZE)
        cursor = "Where to go on: a cursor of this list, for the same caller and filters."
        return [
            parameter(self.page_size_query_param, size, "How many rows a page holds."),
            parameter(self.cursor_query_param, TEXT, cursor),
        ]


def check_length(rows: list[tuple], plan: ResponsePlan, page_size_param: str) -> None:
    """Refuse a page of `rows` whose texts are too long together. A page of fewer rows is possible: a text has its limit."""
    if plan.length(rows) > MAX_PAGE_LENGTH:
        raise refused(page_size_param, "page_too_long", "These rows hold too much text for one page: ask for fewer")


def _number(default: int, most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}
