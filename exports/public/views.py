"""Reports in the public dialect: by pages as JSON, and whole as CSV or NDJSON."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from django.db.models import DateTimeField
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from rest_framework.serializers import ModelSerializer

from accounts.models import User, UserStatusChange
from accounts.permissions import Task
from clinical.models import Measurement, MonitoringAlert, PlannedAction, StarRating, WorkflowFiring
from config.rest import public
from config.rest.cursors import Keyset
from config.rest.parameters import Parameters
from config.rest.reading import Query
from exports import reports
from exports.public.filters import NoDays, OptionalDays, RequiredDays
from exports.writers import csv_chunks, ndjson_chunks
from patients.models import Enrolment, Patient, PatientMutation, SettingChange

BY_CREATION = Keyset("created_at", DateTimeField(), by_creation=True)
CHUNK = 1_000
"""Rows that a stream holds at a time."""
FORMATS: Mapping[str, tuple[str, Callable]] = {
    "csv": ("text/csv", csv_chunks),
    "ndjson": ("application/x-ndjson", ndjson_chunks),
}


class ReportViewSet(public.ViewSet):
    """A report about the rows in the caller's scope, in the order of their creation."""

    report_class: ClassVar[type[ModelSerializer]]
    filterset_class: ClassVar[type[Parameters]] = OptionalDays
    tasks = {"list": Task.READ_AS_STAFF, "csv": Task.READ_AS_STAFF, "ndjson": Task.READ_AS_STAFF}

    streams = {name: media_type for name, (media_type, _) in FORMATS.items()}

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        """Return the lines of a table of contents for the report `name`."""
        return [
            path(f"export/{name}", cls.as_view({"get": "list", "post": "list"})),
            path(f"export/{name}.csv", cls.as_view({"get": "csv", "post": "csv"})),
            path(f"export/{name}.ndjson", cls.as_view({"get": "ndjson", "post": "ndjson"})),
        ]

    def get_serializer_class(self):
        return self.report_class

    def query(self) -> Query:
        """Return the query of the rows that the days ask for."""
        filters = self.filterset_class.criteria(self.request.GET, self.actor, None)
        return Query(self.model, [*self.in_scope(), *filters])

    def chunks(self, query: Query) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of `query` as the report shows them; each chunk is audited before it leaves."""
        plan = self.answer_plan()
        for rows in BY_CREATION.walk(query, plan, CHUNK):
            self.shown(rows)
            yield plan.objects(rows, self.actor)

    def list(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get a page of the report, or with `Accept: text/csv` or `application/x-ndjson` all of it."""
        accepted = request.headers.get("Accept", "")
        asked = next((name for name, (media_type, _) in FORMATS.items() if accepted.startswith(media_type)), None)
        return self.stream(asked) if asked else self.cursor_page(self.query(), BY_CREATION)

    def csv(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as CSV."""
        return self.stream("csv")

    def ndjson(self, request, *args, **kwargs) -> HttpResponseBase:
        """Get the whole report as NDJSON."""
        return self.stream("ndjson")

    def stream(self, name: str) -> HttpResponseBase:
        """Answer with the whole report, a chunk at a time."""
        media_type, chunks_of = FORMATS[name]
        columns = [str(column) for column in self.report_class.Meta.fields]
        response = StreamingHttpResponse(
            chunks_of(columns, self.chunks(self.query())), content_type=f"{media_type}; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{type(self).__name__.removesuffix("Report")}.{name}"'
        return response


class PatientsReport(ReportViewSet):
    """All patients."""

    model = Patient
    report_class = reports.PatientsReportOut
    filterset_class = NoDays


class MeasurementsReport(ReportViewSet):
    """What patients have measured."""

    model = Measurement
    report_class = reports.MeasurementsReportOut
    filterset_class = RequiredDays


class AlertsReport(ReportViewSet):
    """Monitoring alerts."""

    model = MonitoringAlert
    report_class = reports.AlertsReportOut
    filterset_class = RequiredDays


class HcpsReport(ReportViewSet):
    """The people who work for the organization."""

    model = User
    report_class = reports.HcpsReportOut
    filterset_class = NoDays


class PatientsMutationsReport(ReportViewSet):
    """Changes of patients' programs, protocols, groups and status."""

    model = PatientMutation
    report_class = reports.PatientsMutationsReportOut
    filterset_class = NoDays


class StarRatingsReport(ReportViewSet):
    """What patients think of their care."""

    model = StarRating
    report_class = reports.StarRatingsReportOut
    filterset_class = NoDays


class PlannedActionsReport(ReportViewSet):
    """Measurements that are expected of patients."""

    model = PlannedAction
    report_class = reports.PlannedActionsReportOut


class PatientsWorkflowHistoryReport(ReportViewSet):
    """Workflows that fired."""

    model = WorkflowFiring
    report_class = reports.PatientsWorkflowHistoryReportOut


class PatientsProgramsHistoryReport(ReportViewSet):
    """Enrolments in programs."""

    model = Enrolment
    report_class = reports.PatientsProgramsHistoryReportOut


class PatientsSettingsHistoryReport(ReportViewSet):
    """Changes of patients' settings."""

    model = SettingChange
    report_class = reports.PatientsSettingsHistoryReportOut


class UsersStatusChangeReasonsReport(ReportViewSet):
    """Changes of the status of logins."""

    model = UserStatusChange
    report_class = reports.UsersStatusChangeReasonsReportOut


REPORTS: Mapping[str, type[ReportViewSet]] = {
    "patients": PatientsReport,
    "measurements": MeasurementsReport,
    "alerts": AlertsReport,
    "hcps": HcpsReport,
    "patientsMutations": PatientsMutationsReport,
    "starRatings": StarRatingsReport,
    "plannedActions": PlannedActionsReport,
    "patientsWorkflowHistory": PatientsWorkflowHistoryReport,
    "patientsProgramsHistory": PatientsProgramsHistoryReport,
    "patientsSettingsHistory": PatientsSettingsHistoryReport,
    "usersStatusChangeReasons": UsersStatusChangeReasonsReport,
}
"""Report type -> its view."""
