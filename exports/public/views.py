"""Reports in the public dialect: by pages as JSON, and whole as CSV or NDJSON."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from accounts.permissions import Permission
from config.core.exceptions import Unavailable
from config.rest import public
from config.rest.compiled.queries import Query
from config.rest.negotiation import preferred_type
from config.rest.problems import Problem
from config.rest.query_parameters import FlagParameter
from config.rest.schema import DialectSchema
from config.rest.streaming import Stream, start_eagerly
from exports.public.filters import FILTER_SETS
from exports.registry import BY_CREATION, REPORTS, Report
from exports.writers import FAILURE_TRAILERS, FORMATS, MEDIA_TYPES, Chunks, Kinds, marked

BOM = FlagParameter(
    "bom",
    "Begin with a byte order mark, by which Excel knows that the text is UTF-8. So does `Accept: application/vnd.ms-excel`.",
)
# Who accepts this gets CSV with a byte order mark.
EXCEL = "application/vnd.ms-excel"
# What a client may accept -> the stream that it then gets; for JSON, which comes first for who accepts anything, a page.
ACCEPTED: Mapping[str, str | None] = {
    "application/json": None,
    **{media_type: form for form, media_type in MEDIA_TYPES.items()},
    EXCEL: "csv",
}


class ReportSchema(DialectSchema):
    """An operation of a report. Both verbs do the same, so each has its name: `get_alerts_report_csv`, `export_alerts_csv`."""

    def get_operation_id(self) -> str:
        noun, form = self._noun("_"), "" if self.view.action == "list" else f"_{self.view.action}"
        return f"export_{noun}{form}" if self.method == "POST" else f"get_{noun}_report{form}"

    def get_summary(self) -> str:
        """Return the first line of the action with the name of the report, and with the verb where it is the less usual one."""
        summary = super().get_summary().replace("report", f"{self._noun(' ')} report", 1)
        return f"{summary}, by POST" if self.method == "POST" else summary

    def _noun(self, separator: str) -> str:
        """Return the name of the report in lower case: of `patientsMutations`, the two words."""
        return re.sub(r"(?=[A-Z])", separator, self.view.report_type).lower()


class ReportViewSet(public.ViewSet):
    """A report about the rows in the caller's scope, in the order of their creation."""

    report_type: ClassVar[str]
    report: ClassVar[Report]
    permissions = {"list": Permission.READ_STAFF_ONLY, "csv": Permission.READ_STAFF_ONLY, "ndjson": Permission.READ_STAFF_ONLY}
    pagination_class = public.AbsoluteCursorPagination
    schema = ReportSchema()
    stream_media_types = MEDIA_TYPES
    query_parameters = {"csv": (BOM,)}
    ordering = BY_CREATION

    @classmethod
    def of(cls, report_type: str, report: Report) -> type["ReportViewSet"]:
        """Return the view of `report`."""
        own = {
            "report_type": report_type,
            "report": report,
            "model": report.model,
            "serializer_class": report.serializer_class,
            "filterset_class": FILTER_SETS[report.days],
            "__doc__": report.about,
        }
        return type(report.serializer_class.__name__.removesuffix("Out"), (cls,), own)

    @classmethod
    def paths(cls) -> list[URLPattern]:
        """Return the lines of a table of contents for the report."""
        address = f"export/{cls.report_type}"
        return [
            path(address, cls.as_view({"get": "list", "post": "list"})),
            path(f"{address}.csv", cls.as_view({"get": "csv", "post": "csv"})),
            path(f"{address}.ndjson", cls.as_view({"get": "ndjson", "post": "ndjson"})),
        ]

    def get_queryset(self) -> Query:
        return self.report.query(self.actor)

    def list(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get a page of the report, or with `Accept: text/csv` or `application/x-ndjson` all of it."""
        stream = ACCEPTED.get(self.preferred_type)
        return self.stream(stream) if stream else super().list(request, *args, **kwargs)

    @property
    def preferred_type(self) -> str:
        """Which of the types of ACCEPTED the caller prefers, "" where it accepts none of them."""
        return preferred_type(self.request._request, ACCEPTED) or ""

    def csv(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as CSV."""
        return self.stream("csv")

    def ndjson(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as NDJSON."""
        return self.stream("ndjson")

    def stream(self, form: str) -> HttpResponseBase:
        """Respond with the whole report, a chunk at a time."""
        write = self._writer(form)
        query: Any = self.filter_queryset(self.get_queryset())  # type: ignore[arg-type]
        kinds, chunks = self.report.kinds, self.report.chunks(query, self.actor, self.audit_read, form)
        trailer = FAILURE_TRAILERS[form](kinds, self.error_body([Problem(503, "unavailable", Unavailable.message)]))
        stream = Stream(lambda: write(kinds, start_eagerly(chunks)), trailer, self.actor)
        response = StreamingHttpResponse(stream, content_type=f"{MEDIA_TYPES[form]}; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.report_type}.{form}"'
        return response

    def _writer(self, form: str) -> Callable[[Kinds, Chunks], Iterator[bytes]]:
        """Return the writer of a format. Raises Rejected."""
        if form == "csv" and (BOM.read(self.request.GET) or self.preferred_type == EXCEL):
            return lambda kinds, chunks: marked(FORMATS["csv"](kinds, chunks))
        return FORMATS[form]


VIEWS = [ReportViewSet.of(report_type, report) for report_type, report in REPORTS.items()]
