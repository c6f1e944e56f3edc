"""What the home page shows of monitoring: alerts that wait, those to look at first, and measurements that have not come."""

import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, Min, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.home import Part, home_block
from accounts.scope import Actor, scope
from accounts.site import actor_of
from clinical.admin.worklist.queries import MINE, OPEN, alerts_of, counts_of, in_order, in_tab, with_people
from clinical.admin.worklist.rows import rows_of
from clinical.models import Flag, PlannedAction
from clinical.services.monitoring.evaluation import LOOK_BACK
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
    rows = rows_of(list(in_order(with_people(alerts_of(actor).filter(in_tab(actor, OPEN))), OPEN)[:FIRST]), actor)
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


def _late(actor: Actor) -> list[Overdue]:
    """Return the measurements that are late by LATE and have not come since, at most MAX_LATE, the latest first."""
    now = timezone.now()
    same = {"patient": OuterRef("patient"), "instrument": OuterRef("instrument")}
    done = PlannedAction.objects.filter(**same, completed_at__isnull=False, expires_at__gt=OuterRef("expires_at"))
    rows = scope(actor, PlannedAction.objects.filter(FOLLOWED, ~Exists(done), completed_at=None))
    rows = rows.filter(expires_at__gt=now - LOOK_BACK, expires_at__lte=now - LATE)
    grouped = rows.values("organization_id", "patient_id", *_COLUMNS, "instrument__name").annotate(since=Min("expires_at"))
    return [_overdue(row) for row in grouped.order_by("since", "patient_id", "instrument_id")[:MAX_LATE]]


def _overdue(row: dict[str, Any]) -> Overdue:
    columns = {name.removeprefix("patient__"): row[name] for name in _COLUMNS}
    patient = Patient(pk=row["patient_id"], organization_id=row["organization_id"], **columns)
    return Overdue(patient, row["instrument__name"], row["since"])
