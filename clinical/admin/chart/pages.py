"""The chart page of a patient, its blocks, and the summary on paper."""

import datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts import audit
from accounts.admin.pages import page
from accounts.permissions import READS_IDENTITY_NUMBERS, Permission
from accounts.scope import Actor
from clinical.admin.chart import timeline
from clinical.admin.chart.banner import Banner
from clinical.admin.chart.blocks import BANNER, BLOCKS, PRINTED, PRINTED_WHOLE
from clinical.admin.chart.reading import PERIODS, Block, Chart, Options, read_blocks
from clinical.templatetags.chart import ADDED
from patients.admin.life_cycle import possible_events
from patients.admin.pages import PatientPage
from patients.models import Patient
from patients.services.rules import SEALED

# The blocks whose lengths stand in the tabs.
COUNTED = ("problems", "medications")


class ChartReader(PatientPage):
    """Base of the pages that show blocks of a chart."""

    def read(self, blocks: list[Block], options: Options | None = None) -> dict[str, Any]:
        """Return the context of `blocks`."""
        return read_audited(Chart(self.patient, self.actor, options=options or Options()), blocks)


def read_audited(chart: Chart, blocks: list[Block]) -> dict[str, Any]:
    """Return the context of `blocks`, and audit that the other patients whom they name were listed."""
    shown = read_blocks(chart, blocks)
    audit_listed(chart, shown)
    return {"chart": chart, **shown}


def read_banner(actor: Actor, patient: Patient) -> dict[str, Any]:
    """Return the context of the banner above another page about `patient`."""
    return read_audited(Chart(patient, actor), [BANNER])


def audit_listed(chart: Chart, shown: dict[str, Any]) -> None:
    """Audit that the family, and those whose alerts stand for all of it, were shown beside the patient."""
    family, banner = shown.get("family"), shown.get("banner")
    listed = {member.pk for member in family.members} if family else set()
    listed |= others_of(banner) if banner else set()
    if listed:
        patients = [(chart.patient.organization_id, pk) for pk in sorted(listed)]
        audit.record_read(chart.actor, "patient.search", patients=patients)


def others_of(banner: Banner) -> set[int]:
    """Return the ids of the other patients whose alerts a banner shows."""
    return {alert.patient_id for alert in banner.alerts} - {banner.patient.pk}


@page("patients/patient/<int:patient_id>/", name="chart")
class ChartPage(ChartReader):
    """The chart of a patient at a glance."""

    template_name = "admin/chart/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = self.read([BANNER, *BLOCKS.values()])
        return super().get_context_data(**shown, **menus_of(shown), **kwargs)


def menus_of(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the menus and tabs of the banner above a chart of which at least the blocks COUNTED are shown."""
    chart: Chart = shown["chart"]
    return {
        "added": ADDED,
        "life_cycle": possible_events(chart.patient, {chart.actor.role}),
        "can_merge": chart.actor.role in Permission.ADMINISTER.roles and not chart.patient.deleted_at,
        "has_numbers": has_numbers_for(chart),
        "sections": sections_of(shown),
    }


def sections_of(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the ids and titles of the sections that the tabs lead to."""
    return [
        ("problems", _("Problems %(count)s") % {"count": shown["problems"].active}),
        ("medications", _("Medications %(count)s") % {"count": shown["medications"].current}),
        ("vital-signs", _("Vital signs")),
        ("measurements", _("Measurements")),
        ("monitoring", _("Monitoring")),
        ("timeline", _("Timeline")),
        ("appointments", _("Appointments")),
        ("contact", _("Contact")),
        ("family", _("Family")),
        ("access", pgettext("chart", "Access")),
    ]


def has_numbers_for(chart: Chart) -> bool:
    """Tell whether the actor may see an identity number of the patient in clear."""
    stored = any(getattr(chart.patient, f"{name}_sealed") for name in SEALED)
    return stored and chart.actor.role in READS_IDENTITY_NUMBERS


@page("patients/patient/<int:patient_id>/block/<slug:block>/", name="chart_block")
class BlockFragment(ChartReader):
    """One block of the chart, anew: after a change, or with other rows. Whoever sees it has opened the chart before."""

    framed = False
    audited_action = "refresh"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if kwargs["block"] not in {*BLOCKS, BANNER.name, "timeline"}:
            raise Http404

    def get_template_names(self) -> list[str]:
        name = self.kwargs["block"].replace("-", "_")
        if name == "timeline" and "before" in self.request.GET:
            return ["admin/chart/timeline_entries.html"]
        return [f"admin/chart/{name}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        name, options = self.kwargs["block"], options_of(self.request)
        if name == "timeline":
            chart = Chart(self.patient, self.actor, options=options)
            return super().get_context_data(chart=chart, timeline=timeline.read(chart), **kwargs)
        if name == BANNER.name:
            shown = self.read([BANNER, *(BLOCKS[counted] for counted in COUNTED)])
            return super().get_context_data(**shown, **menus_of(shown), **kwargs)
        return super().get_context_data(**self.read([BLOCKS[name]], options), **kwargs)


def options_of(request: HttpRequest) -> Options:
    """Return the options that an address has. Raises BadRequest where they make no sense."""
    given = request.GET
    days, only = given.get("days", str(PERIODS[0])), given.get("only", timeline.ALL)
    if days not in map(str, PERIODS) or only not in timeline.FILTERS:
        raise BadRequest(_("There is no such period or kind."))
    before = _moment(given["before"]) if "before" in given else None
    return Options(given.get("show") == "all", int(days), given.get("as") == "table", only, before)


def _moment(text: str) -> datetime.datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest(_("This is no moment."))
    return moment


@page("patients/patient/<int:patient_id>/print/", name="chart_print")
class PrintedSummary(ChartReader):
    """The summary of a chart on paper, without the frame of the admin."""

    template_name = "admin/chart/print.html"
    framed = False
    audited_action = "print"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        whole = self.read([BLOCKS[name] for name in PRINTED_WHOLE], Options(whole=True))
        shown = self.read([BANNER, *(BLOCKS[name] for name in PRINTED)])
        return super().get_context_data(**shown | whole, printed_by=self.request.user, title=self.get_title(), **kwargs)
