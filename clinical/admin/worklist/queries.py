"""Which alerts the worklist shows, in which order, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db.models import BooleanField, Case, Count, IntegerField, Min, Q, QuerySet, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.scope import Actor, Viewer, scope, viewer_of
from accounts.site import actor_of
from clinical.models import Flag, MonitoringAlert, MonitoringAlertStatus
from config.core.compiled_queries import QueryDefinition

OPEN, ESCALATED, PROCESSED = MonitoringAlertStatus.OPEN, MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED
MINE = "mine"


@dataclass(frozen=True)
class Tab:
    """A part of the worklist. `moment` is the column that tells when an alert came into it."""

    name: str
    title: str | Promise
    url_name: str
    moment: str
    nothing: str | Promise


TABS: Mapping[str, Tab] = MappingProxyType(
    {
        tab.name: tab
        for tab in (
            Tab(OPEN, pgettext_lazy("alerts", "Open"), "admin:worklist", "created_at", _("No alert is open.")),
            Tab(MINE, _("Escalated to me"), "admin:worklist_mine", "escalated_at", _("Nothing is escalated to you.")),
            Tab(ESCALATED, _("All escalated"), "admin:worklist_escalated", "escalated_at", _("No alert is escalated.")),
            Tab(PROCESSED, _("Processed"), "admin:worklist_processed", "processed_at", _("No alert has been processed.")),
        )
    }
)
# Red first.
RANK = Case(When(flag=Flag.RED, then=0), When(flag=Flag.ORANGE, then=1), default=2, output_field=IntegerField())


def alerts_of(actor: Actor | Viewer) -> QuerySet[MonitoringAlert]:
    """Return the alerts of the patients whom `actor` sees, archived ones left out."""
    return scope(actor, MonitoringAlert.objects.filter(patient__deleted_at=None)).order_by()


def in_tab(actor: Actor | Viewer, name: str) -> Q:
    """Return the condition that an alert belongs into a tab."""
    return _to(actor) if name == MINE else Q(status=name)


def _to(actor: Actor | Viewer) -> Q:
    return Q(status=ESCALATED, escalated_to_id=actor.user_id)


def has_left(alert: MonitoringAlert, name: str, actor: Actor) -> bool:
    """Tell whether an alert that a tab showed no longer belongs into it."""
    if name == MINE:
        return alert.status != ESCALATED or alert.escalated_to_id != actor.user_id
    return alert.status != name


def in_order(rows: QuerySet[MonitoringAlert], name: str) -> QuerySet[MonitoringAlert]:
    """Return `rows` as a tab shows them: red first, then the oldest first; what was processed last comes first."""
    return rows.order_by("-processed_at", "-pk") if name == PROCESSED else rows.order_by(RANK, "pk")


def next_after(rows: QuerySet[MonitoringAlert], alert: MonitoringAlert) -> int | None:
    """Return the id of the one of `rows` that follows `alert` in the order of the worklist, of the first one after the last."""
    ranked = rows.exclude(pk=alert.pk).annotate(rank=RANK)
    place = {Flag.RED: 0, Flag.ORANGE: 1}.get(Flag(alert.flag), 2)
    later = ranked.filter(Q(rank__gt=place) | Q(rank=place, pk__gt=alert.pk))
    ids = (found.order_by("rank", "pk").values_list("pk", flat=True).first() for found in (later, ranked))
    return next((pk for pk in ids if pk is not None), None)


def unclaimed(actor: Actor) -> Q:
    """Return the condition that nobody else is looking at an alert."""
    return Q(claimed_by=None) | Q(claimed_by_id=actor.user_id) | Q(claimed_until__lte=timezone.now())


def due_reviews(actor: Actor) -> QuerySet[MonitoringAlert]:
    """Return the processed alerts that `actor` is to look at again by now, the longest due first."""
    due = Q(status=PROCESSED, review_by_id=actor.user_id, review_at__lte=timezone.now(), reviewed_at=None)
    return alerts_of(actor).filter(due).order_by("review_at", "pk")


def counts_of(request: HttpRequest) -> dict[str, Any]:
    """Return how many alerts stand in each tab but the last, and how many open ones have each flag; read once a request.

    Under the names with `_since` is when the oldest open alert of a flag was raised, or the oldest one escalated to the caller.
    """
    kept = vars(request)
    if "alert_counts" not in kept:
        kept["alert_counts"] = _counts(actor_of(request))
    return kept["alert_counts"]


@dataclass(frozen=True)
class WaitingAlerts(QueryDefinition):
    """Numbers of the open and the escalated alerts of a viewer's patients by status, flag and whether they are escalated to the
    viewer, each with when the first was raised and the first escalated; every page of the admin asks.
    """

    viewer: Viewer

    def queryset(self) -> QuerySet:
        waiting = alerts_of(self.viewer).filter(status__in=[OPEN, ESCALATED])
        mine = Case(When(_to(self.viewer), then=True), default=False, output_field=BooleanField())
        groups = waiting.annotate(mine=mine).values_list("status", "flag", "mine")
        return groups.annotate(number=Count("pk"), raised=Min("created_at"), escalated=Min("escalated_at"))


def _counts(actor: Actor) -> dict[str, Any]:
    counts: dict[str, Any] = dict.fromkeys((*Flag.values, OPEN, MINE, ESCALATED), 0)
    since: dict[str, Any] = {f"{name}_since": None for name in (*Flag.values, MINE)}
    for status, flag, mine, number, raised, escalated in WaitingAlerts(viewer_of(actor)).fetch():
        for name in [status, *([flag] if status == OPEN else []), *([MINE] if mine else [])]:
            counts[name] += number
        if status == OPEN:
            since[f"{flag}_since"] = raised
        elif mine:
            since[f"{MINE}_since"] = min(filter(None, [since[f"{MINE}_since"], escalated]), default=None)
    return counts | since


def with_people(rows: QuerySet[MonitoringAlert]) -> QuerySet[MonitoringAlert]:
    """Return `rows` with everything that a line of the worklist names."""
    people = ("claimed_by", "escalated_by", "escalated_to", "processed_by", "review_by")
    return rows.select_related("patient", "program", "protocol", "instrument", "measurement", "organization", *people)
