"""Reports in the admin: which, of which days and which care group, how many rows, then the file; and the last downloads."""

import datetime
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.fields import LocalDateField, LocalForm, country_of
from accounts.admin.forms import RowField
from accounts.admin.organizations import OFFICE
from accounts.admin.pages import Page, page
from accounts.admin.parameters import check_list_parameters
from accounts.admin.trail import own_events
from accounts.audit_words import Way, in_way
from accounts.models import AuditEvent, CareGroup
from accounts.navigation import Entry, add_entry
from accounts.scope import Actor, scope, scope_of
from config.core.exceptions import Unavailable
from config.core.orm import word_for
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import Query
from config.rest.problems import Rejected
from config.rest.streaming import Stream, start_eagerly
from exports.admin.trail.rows import Row, audited_patients, rows_of
from exports.days import Days, within
from exports.registry import REPORTS, Report
from exports.writers import FAILURE_TRAILERS, FORMATS, MEDIA_TYPES, marked

LAST = 10
# How far back the last downloads are looked for, and how many events of them: a large report leaves several.
LAST_DAYS, LAST_EVENTS = 31, 100
PARAMETERS = frozenset({"report", "group", "format", "since", "until"})
TITLES: Mapping[str, Promise] = {
    "patients": _("Patients"),
    "measurements": _("Measurements"),
    "alerts": _("Monitoring alerts"),
    "hcps": _("Staff"),
    "patientsMutations": _("Changes of programs, groups and status"),
    "starRatings": _("Ratings of the care"),
    "plannedActions": _("Planned measurements"),
    "patientsWorkflowHistory": _("Workflows that fired"),
    "patientsProgramsHistory": _("Enrolments in programs"),
    "patientsSettingsHistory": _("Changes of settings"),
    "usersStatusChangeReasons": _("Changes of the status of logins"),
}
EXCEL = "excel"
FILES = (("csv", "CSV"), (EXCEL, _("CSV for Excel")), ("ndjson", "NDJSON"))

add_entry(Entry("Access", 4, _("Reports"), "chart", "admin:reports"))


class ReportForm(LocalForm):
    """Which report, of which days and care group, in which format."""

    report = forms.ChoiceField(choices=[(name, TITLES[name]) for name in REPORTS], label=_("Report"))
    since = LocalDateField(label=pgettext_lazy("first day", "From"), past=True, required=False)
    until = LocalDateField(label=pgettext_lazy("last day", "To"), past=True, required=False)
    group = RowField(CareGroup.objects.none(), required=False, empty_label=_("All"), label=_("Care group"))
    format = forms.ChoiceField(choices=FILES, label=_("Format"))

    def __init__(self, data: Mapping[str, Any] | None, *, actor: Actor, **kwargs: Any):
        super().__init__(data, auto_id="report-%s", **kwargs)
        self.actor = actor
        for name in ("since", "until"):
            self.fields[name].widget.attrs["placeholder"] = gettext("Any day")
        self.fields["group"].queryset = scope(actor, CareGroup.objects.filter(deleted_at=None))  # type: ignore[attr-defined]
        self.fields["group"].label_from_instance = lambda row: row.name  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        try:
            self.chosen.days.check(self._days())
        except Rejected as refusal:
            for problem in refusal.problems:
                self.add_error(str(problem.path[-1]), f"{problem.message}.")
        if given["group"] and self.care_group is None:
            self.add_error("group", gettext("This report has no care groups."))
        return given

    @property
    def chosen(self) -> Report:
        """The report."""
        return REPORTS[self.cleaned_data["report"]]

    @property
    def care_group(self) -> str | None:
        """The lookup of the care group of the report's rows; None where they have none."""
        return scope_of(self.chosen.model).care_group

    def _days(self) -> dict[str, datetime.date | None]:
        return {name: self.cleaned_data[name] for name in ("since", "until")}

    def query(self) -> Query:
        """Return the rows of the report."""
        query = within(self.chosen.query(self.actor), self._days(), self.actor)
        group = self.cleaned_data["group"]
        return query.filter(**{str(self.care_group): group.pk}) if group else query


class ReportPage(Page):
    """Base of the page and the files: what the address says."""

    section = "admin:reports"
    title = _("Reports")

    @cached_property
    def form(self) -> ReportForm:
        """The form, filled in where the address names a report. Raises BadRequest where it says something else."""
        check_list_parameters(self.request, PARAMETERS)
        given = self.request.GET if self.request.GET else None
        return ReportForm(given, actor=self.actor, country=country_of(self.request.user))


@page("reports/", name="reports")
class ReportsPage(ReportPage):
    """A form, the number of rows of what was chosen, and the last downloads."""

    template_name = "admin/reports.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        valid = self.form.is_bound and self.form.is_valid()
        about = {"form": self.form, "query": self.request.GET.urlencode(), "needs_days": _needing_days()}
        if self.actor.role in OFFICE:
            about["last"] = last = last_downloads(self.actor)
            audit.record_read(self.actor, "audit_event.search", patients=audited_patients(last))
        return super().get_context_data(rows=self.form.query().count() if valid else None, **about, **kwargs)


def _needing_days() -> str:
    titles = [str(TITLES[name]).lower() for name, report in REPORTS.items() if report.days is Days.REQUIRED]
    return get_text_list(titles, gettext("and"))


def last_downloads(actor: Actor) -> list[Row]:
    """Return the last downloads of reports in the actor's organization, by any door, one row for each."""
    since = timezone.now() - datetime.timedelta(days=LAST_DAYS)
    events = own_events(actor, actor.organization_id).filter(in_way(Way.EXPORTED), at__gte=since, outcome=AuditEvent.Outcome.OK)
    # Who read a chart is no report.
    events = events.exclude(action="patient.export_readers")
    first: dict[tuple[str, str], Any] = {}
    for event in events.order_by("-at", "-pk")[:LAST_EVENTS]:
        first.setdefault((event.request_id or str(event.pk), event.action), event)
    return rows_of(actor, list(first.values())[:LAST])


@page("reports/file/", name="report_file")
class ReportFile(ReportPage):
    """The file, as a stream: the same rows and the same audit event as the public API's."""

    framed = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.form.is_bound or not self.form.is_valid():
            raise BadRequest(gettext("This report cannot be made."))
        name, form = self.form.cleaned_data["report"], self.form.cleaned_data["format"]
        kind = "csv" if form == EXCEL else form
        report = self.form.chosen
        chunks = report.chunks(self.form.query(), self.actor, self._auditing(report, kind), kind)

        def parts() -> Iterable[bytes]:
            written = FORMATS[kind](report.kinds, start_eagerly(chunks))
            return marked(written) if form == EXCEL else written

        trailer = FAILURE_TRAILERS[kind](report.kinds, {"errors": [{"detail": Unavailable.message}]})
        named = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
        stream = Stream(parts, trailer, self.actor)  # type: ignore[arg-type]
        return StreamingHttpResponse(stream, content_type=f"{MEDIA_TYPES[kind]}; charset=utf-8", headers=named)

    def _auditing(self, report: Report, kind: str) -> Any:
        plan, action = response_plan(report.serializer_class), f"{word_for(report.model)}.{kind}"
        return lambda rows: audit.record_read(self.actor, action, patients=plan.affected_patients(rows))
