"""The worklist, its news, and an alert opened in place."""

import datetime
from collections.abc import Collection
from functools import cached_property
from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.pages import Page, page
from accounts.admin.parameters import check_list_parameters
from accounts.permissions import Permission
from accounts.scope import Actor
from accounts.site import actor_of
from clinical.admin.worklist.details import SPANS, details_of
from clinical.admin.worklist.filters import WorklistFilter
from clinical.admin.worklist.queries import (
    MINE,
    OPEN,
    TABS,
    alerts_of,
    counts_of,
    due_reviews,
    has_left,
    in_order,
    in_tab,
    with_people,
)
from clinical.admin.worklist.rows import holder_of, rows_of
from clinical.models import MonitoringAlert
from config.core.orm import is_id

ROWS = 50
# How far the clocks of the server and of the database may be apart.
CLOCKS_DIFFER = datetime.timedelta(seconds=5)
PARAMETERS = frozenset({*WorklistFilter.base_fields, "page"})
CAN_PROCESS = Permission.WRITE_PATIENTS.roles


def audit_alerts(actor: Actor, action: str, alerts: Collection[MonitoringAlert]) -> None:
    """Audit that alerts are shown, as a read of their patients."""
    patients = sorted({(alert.organization_id, alert.patient_id) for alert in alerts})
    audit.record_read(actor, audit.action_word(MonitoringAlert, action), patients=patients)


class WorklistPage(Page):
    """Base of the tabs. A request of a script gets the list alone, which replaces the one it has."""

    title = gettext_lazy("Alerts")
    tab = OPEN.value

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.framed = "HX-Request" not in request.headers
        self.template_name = f"admin/worklist/{'page' if self.framed else 'list'}.html"

    @property
    def section(self) -> str:  # type: ignore[override]
        return "admin:worklist_mine" if self.tab == MINE else "admin:worklist"

    @cached_property
    def filter(self) -> WorklistFilter:
        """The filter, as the address has it. Raises BadRequest where it cannot be read."""
        check_list_parameters(self.request, PARAMETERS)
        chosen = WorklistFilter(self.request.GET, self.actor)
        if not chosen.is_valid():
            raise BadRequest(_("This list cannot read these parameters."))
        return chosen

    def get_alerts(self) -> QuerySet[MonitoringAlert]:
        """Return the alerts of the tab that the filter leaves."""
        rows = alerts_of(self.actor).filter(in_tab(self.actor, self.tab))
        return in_order(with_people(rows.filter(self.filter.condition())), self.tab)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = Paginator(self.get_alerts(), ROWS).get_page(self.request.GET.get("page"))
        due = list(with_people(due_reviews(self.actor))[:ROWS]) if self.tab == OPEN else []
        rows = rows_of([*due, *shown], self.actor)
        audit_alerts(self.actor, "search", [row.alert for row in rows])
        return {
            **super().get_context_data(**kwargs),
            "can_write": self.actor.role in CAN_PROCESS,
            "framed": self.framed,
            "tab": TABS[self.tab],
            "tabs": self._tabs(),
            "filter": self.filter,
            "filtered": any(self.request.GET.get(name) for name in WorklistFilter.base_fields),
            "address": self.request.get_full_path(),
            "query": self._query(),
            "shown": shown,
            "due": rows[: len(due)],
            "rows": rows[len(due) :],
            "now": timezone.now(),
        }

    def _tabs(self) -> list[dict[str, Any]]:
        counts = counts_of(self.request)
        return [
            {"title": tab.title, "url": reverse(tab.url_name), "count": counts.get(tab.name), "current": tab.name == self.tab}
            for tab in TABS.values()
        ]

    def _query(self) -> str:
        """Return the filter as an address has it, without the page."""
        query = self.request.GET.copy()
        query.pop("page", None)
        return query.urlencode()


@page("alerts/", name="worklist")
class OpenAlerts(WorklistPage):
    """The open alerts, and those that are due to be looked at again."""


@page("alerts/mine/", name="worklist_mine")
class MyAlerts(WorklistPage):
    """The alerts that are escalated to the actor."""

    tab = MINE


@page("alerts/escalated/", name="worklist_escalated")
class EscalatedAlerts(WorklistPage):
    """All escalated alerts."""

    tab = "escalated"


@page("alerts/processed/", name="worklist_processed")
class ProcessedAlerts(WorklistPage):
    """The processed alerts."""

    tab = "processed"


@page("alerts/news/<slug:tab>/", name="worklist_news")
class News(Page):
    """What has happened since a tab was shown: how many alerts have come, and who is looking at those it shows or took them.

    `since` is when it was shown, `shown` are ids of its alerts. Names nobody but staff.
    """

    template_name = "admin/worklist/news.html"
    framed = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tab = TABS.get(kwargs["tab"])
        since, ids = _moment(self.request.GET.get("since", "")), self.request.GET.getlist("shown")[: 2 * ROWS]
        if tab is None or since is None or not all(map(is_id, ids)):
            raise BadRequest(_("This cannot be read."))
        rows = alerts_of(self.actor)
        come = {f"{tab.moment}__gt": since - CLOCKS_DIFFER}
        new = rows.filter(in_tab(self.actor, tab.name), **come).exclude(pk__in=ids).count()
        states = [
            {"alert": alert, "holder": holder_of(alert, self.actor), "gone": has_left(alert, tab.name, self.actor)}
            for alert in rows.filter(pk__in=ids).select_related(*_PEOPLE).order_by("pk")
        ]
        shown = {"tab": tab, "since": since, "new": new, "states": states, "now": timezone.now()}
        return {**super().get_context_data(**kwargs), **shown}


_PEOPLE = ("claimed_by", "escalated_by", "processed_by")


def _moment(text: str) -> datetime.datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None


class AlertPage(Page):
    """Base of what is about the alert whose id is the argument `alert_id`; audits that it is shown."""

    framed = False
    alert: MonitoringAlert

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.alert = self.find_alert(kwargs["alert_id"])
        self.patient = self.alert.patient

    def find_alert(self, alert_id: int) -> MonitoringAlert:
        """Return the alert in scope, whatever its status. Raises Http404 where there is none."""
        return self.get_object_or_404(with_people(alerts_of(self.actor)), alert_id, "monitoring_alert")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        (row,) = rows_of([self.alert], self.actor)
        audit_alerts(self.actor, "retrieve", [self.alert])
        return super().get_context_data(**{"alert": self.alert, "row": row, "patient": self.patient, **kwargs})

    @classmethod
    def record_denied(cls, request: HttpRequest, name: str, **kwargs: Any) -> None:
        """Audit the refusal with the alert that the address named."""
        action = "read" if request.method in ("GET", "HEAD") else "update"
        named = {"subject_id": kwargs["alert_id"]} if is_id(str(kwargs.get("alert_id", ""))) else {}
        audit.record_denied(actor_of(request), f"monitoring_alert.{action}", subject="monitoring_alert", **named)


@page("alerts/<int:alert_id>/", name="alert")
class AlertDetails(AlertPage):
    """An alert opened in place: the chart of its values, its rule, and what to know before calling."""

    template_name = "admin/worklist/details.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tab, days = self.request.GET.get("tab"), self.request.GET.get("days")
        shown = next((span for span in SPANS if str(span) == days), SPANS[0])
        about = {"days": shown, "tab": tab if tab in TABS else "", "can_write": self.actor.role in CAN_PROCESS}
        return {**super().get_context_data(**kwargs), **about, **details_of(self.alert, shown)}
