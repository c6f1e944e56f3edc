"""Who opened a chart, from the audit trail."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import scope
from clinical.admin.chart.reading import LOOK_BACK, Answers, Asked, Chart, ChartQuery

OPENED = "patient.read"


@dataclass(frozen=True)
class Access:
    """The block: how often and by how many the chart was opened in 30 days, who was last, and what was refused."""

    times: int
    people: int
    last_by: str
    last_at: datetime.datetime | None
    refused: int
    refused_at: datetime.datetime | None
    days: int = LOOK_BACK.days


def ask(chart: ChartQuery) -> dict[str, Asked]:
    opened = openings(chart).filter(event__at__gte=chart.since)
    counted = opened.order_by().values("patient_id").annotate(times=Count("pk"), people=Count("event__user_id", distinct=True))
    refused = AuditEvent.objects.filter(patient_id=chart.patient_id, outcome=AuditEvent.Outcome.DENIED)
    since = refused.filter(at__gte=chart.since).order_by()
    return {
        "openings": Asked(counted, ("times", "people")),
        "last_opening": Asked(with_reader(chart, opened).order_by("-event_id", "-pk")[:1], ("event__at", "reader")),
        "refused": Asked(since.values("patient_id").annotate(times=Count("pk"), last=Max("at")), ("times", "last")),
    }


def openings(chart: ChartQuery) -> QuerySet[AuditedPatient]:
    """Return the openings of the chart, in scope. To be shown in a list is no opening."""
    mine = AuditedPatient.objects.filter(patient_id=chart.patient_id, event__action=OPENED)
    return scope(chart.viewer, mine.filter(event__outcome=AuditEvent.Outcome.OK))


def with_reader(chart: ChartQuery, opened: QuerySet) -> QuerySet:
    """Return openings with the name of who opened the chart as `reader`."""
    return opened.annotate(reader=chart.person("event__user_id"))


def build(chart: Chart, answers: Answers) -> Access:
    counted, last, refused = (next(iter(answers[name]), None) for name in ("openings", "last_opening", "refused"))
    return Access(
        times=counted.times if counted else 0,
        people=counted.people if counted else 0,
        last_by=_name(last),
        last_at=last.event__at if last else None,
        refused=refused.times if refused else 0,
        refused_at=refused.last if refused else None,
    )


def _name(last: Any) -> str:
    """Return who it was. Whoever is in no scope of the actor's is of the operator, or a task of the server."""
    return last.reader or _("the operator") if last else ""
