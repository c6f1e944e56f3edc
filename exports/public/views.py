"""Reports in the public dialect: by pages as JSON, and whole as CSV or NDJSON."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from accounts.permissions import Permission
from config.core.exceptions import Unavailable
from config.rest import public
from config.rest.compiled.queries import Query
from config.rest.problems import Problem
from config.rest.responses import to_json
from config.rest.streaming import Stream, start_eagerly
from exports.public.filters import FILTER_SETS
from exports.registry import BY_CREATION, REPORTS, Report
from exports.writers import FORMATS, Kinds

MEDIA_TYPES: Mapping[str, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
# How a report that breaks off ends: with what no reader takes for a row, in CSV one cell more than there are columns.
FAILURE_TRAILERS: Mapping[str, Callable[[Kinds, Any], bytes]] = {
    "csv": lambda kinds, error: f'"{Unavailable.message}"{"," * len(kinds)}\r\n'.encode(),
    "ndjson": lambda kinds, error: to_json(error) + b"\n",
}


class ReportViewSet(public.ViewSet):
    """A report about the rows in the caller's scope, in the order of their creation."""

    report_type: ClassVar[str]
    report: ClassVar[Report]
    permissions = {"list": Permission.READ_STAFF_ONLY, "csv": Permission.READ_STAFF_ONLY, "ndjson": Permission.READ_STAFF_ONLY}
    stream_media_types = MEDIA_TYPES
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
        accepted = request.headers.get("Accept", "").lower()
        stream = next((name for name, media_type in MEDIA_TYPES.items() if accepted.startswith(media_type)), None)
        return self.stream(stream) if stream else super().list(request, *args, **kwargs)

    def csv(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as CSV."""
        return self.stream("csv")

    def ndjson(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as NDJSON."""
        return self.stream("ndjson")

    def stream(self, form: str) -> HttpResponseBase:
        """Respond with the whole report, a chunk at a time."""
        query: Any = self.filter_queryset(self.get_queryset())  # type: ignore[arg-type]
        kinds, chunks = self.report.kinds, self.report.chunks(query, self.actor, self.audit_read)
        trailer = FAILURE_TRAILERS[form](kinds, self.error_body([Problem(503, "unavailable", Unavailable.message)]))
        stream = Stream(lambda: FORMATS[form](kinds, start_eagerly(chunks)), trailer, self.actor)
        response = StreamingHttpResponse(stream, content_type=f"{MEDIA_TYPES[form]}; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.report_type}.{form}"'
        return response


VIEWS = [ReportViewSet.of(report_type, report) for report_type, report in REPORTS.items()]
