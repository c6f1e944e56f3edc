"""What the home page shows of monitoring: alerts that wait, those to look at first, and measurements that have not come."""

import datetime
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import DateTimeField, Exists, Min, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.home import Part, home_block
from accounts.scope import Actor, Viewer, scope, viewer_of
from accounts.site import actor_of
from clinical.admin.worklist.queries import MINE, OPEN, alerts_of, counts_of, in_order, in_tab, with_people
from clinical.admin.worklist.rows import rows_of
from clinical.models import Flag, MonitoringAlert, PlannedAction
from clinical.services.monitoring.evaluation import LOOK_BACK
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.instances import InstanceQuery
from patients.models import FOLLOWED, Patient

FIRST = 5
# How long a planned measurement may be late before people look for it.
LATE = datetime.timedelta(days=1)
# How many missing measurements are read; the page says if there may be more.
MAX_LATE = 200
_NAMED = 3


# Of a patient, what their name and age are made of.
_COLUMNS = ("patient__first_name", "patient__last_name", "patient__date_of_birth", "patient__date_time_deceased")


class Overdue(NamedTuple):
    """A measurement that was expected up to `since` and has not come."""

    patient: Patient
    instrument: str
    since: datetime.datetime


@home_block(
    Part("monitoring", "top", 10, "admin/home/counters.html"),
    Part("monitoring", "main", 10, "admin/home/first.html", needs="rows"),
    Part("desk", "side", 30, "admin/home/overdue.html", needs="overdue"),
)
def monitoring(request: HttpRequest) -> dict[str, Any]:
    """Four statements beside the counts, which the sidebar shows too."""
    actor, counts = actor_of(request), counts_of(request)
    rows = rows_of(FirstAlerts(viewer_of(actor)).instances(), actor)
    late = _late(actor)
    shown = {(row.alert.organization_id, row.alert.patient_id) for row in rows}
    return {
        "counters": [_counter(counts, flag) for flag in reversed(Flag)],
        "mine": {"count": counts[MINE], "since": counts[f"{MINE}_since"]},
        "open": counts[OPEN],
        "rows": rows,
        "overdue": late[:_NAMED],
        "overdue_patients": len({each.patient.pk for each in late}),
        "overdue_more": len(late) == MAX_LATE,
        "patients": shown | {(each.patient.organization_id, each.patient.pk) for each in late[:_NAMED]},
    }


def _counter(counts: dict[str, Any], flag: Flag) -> dict[str, Any]:
    return {"flag": flag, "count": counts[flag], "since": counts[f"{flag}_since"]}


@dataclass(frozen=True)
class FirstAlerts(InstanceQuery):
    """The open alerts that the worklist shows first."""

    viewer: Viewer

    def queryset(self) -> QuerySet[MonitoringAlert]:
        return in_order(with_people(alerts_of(self.viewer).filter(in_tab(self.viewer, OPEN))), OPEN)[:FIRST]


@dataclass(frozen=True)
class LateMeasurements(QueryDefinition):
    """Patients and instruments whose measurements were expected up to `latest` and have not come since, the latest first."""

    viewer: Viewer
    earliest: Any = parameter(DateTimeField())
    latest: Any = parameter(DateTimeField())

    def queryset(self) -> QuerySet:
        same = {"patient": OuterRef("patient"), "instrument": OuterRef("instrument")}
        done = PlannedAction.objects.filter(**same, completed_at__isnull=False, expires_at__gt=OuterRef("expires_at"))
        rows = scope(self.viewer, PlannedAction.objects.filter(FOLLOWED, ~Exists(done), completed_at=None))
        rows = rows.filter(expires_at__gt=self.earliest, expires_at__lte=self.latest)
        groups = rows.values_list("organization_id", "patient_id", *_COLUMNS, "instrument__name")
        return groups.annotate(since=Min("expires_at")).order_by("since", "patient_id", "instrument_id")[:MAX_LATE]


def _late(actor: Actor) -> list[Overdue]:
    """Return the measurements that are late by LATE and have not come since, at most MAX_LATE, the latest first."""
    now = timezone.now()
    return [_overdue(*row) for row in LateMeasurements(viewer_of(actor), now - LOOK_BACK, now - LATE).fetch()]


def _overdue(organization_id: int, patient_id: int, *row: Any) -> Overdue:
    *values, instrument, since = row
    columns = {name.removeprefix("patient__"): value for name, value in zip(_COLUMNS, values, strict=True)}
    return Overdue(Patient(pk=patient_id, organization_id=organization_id, **columns), instrument, since)
