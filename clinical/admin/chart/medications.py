"""Medications: those that are taken now, and how many are on hold or stopped."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery
from clinical.models import Medication, MedicationStatus
from clinical.monitoring.causes import listed

SHOWN = 12
# For so many days a medication counts as new or changed.
RECENT = datetime.timedelta(days=14)
COLUMNS = ("pk", "name", "dosage", "frequency", "route", "status", "date_start", "date_stop", "discontinuation_reason")


@dataclass(frozen=True)
class Row:
    """A medication."""

    pk: int
    name: str
    dosage: str
    how: str
    since: datetime.date | None
    until: datetime.date | None
    status: str
    reason: str
    news: str

    @property
    def is_active(self) -> bool:
        """Whether the patient takes it."""
        return self.status == MedicationStatus.ACTIVE

    @property
    def status_label(self) -> str:
        """The status in words."""
        return str(MedicationStatus(self.status).label)


@dataclass(frozen=True)
class Medications:
    """The block: `rows`, how many are current and how many `rest` in words, and what changed last."""

    rows: list[Row]
    current: int
    rest: str
    last_name: str
    last_at: datetime.datetime | None
    whole: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    named = chart.rows(Medication).filter(deleted_at=None).annotate(name=Coalesce("medication_definition__name", "med_descript"))
    active_first = Case(When(status=MedicationStatus.ACTIVE, then=Value(0)), default=Value(1), output_field=IntegerField())
    wanted = named if chart.whole else named.filter(status=MedicationStatus.ACTIVE)
    latest = wanted.order_by(active_first, "-date_start", "-pk")
    return {
        "medications": Asked(chart.first(latest, SHOWN), (*COLUMNS, "version", "updated_at")),
        "medication_counts": Asked(named.order_by().values("status").annotate(count=Count("pk")), ("status", "count")),
        "medication_changed": Asked(named.order_by("-updated_at", "-pk")[:1], ("name", "updated_at")),
    }


def build(chart: Chart, answers: Answers) -> Medications:
    counts = {row.status: row.count for row in answers["medication_counts"]}
    rows = [_row(chart, found) for found in answers["medications"]]
    changed = next(iter(answers["medication_changed"]), None)
    return Medications(
        rows=sorted(rows, key=lambda row: (not row.is_active, row.name.casefold() if row.is_active else "", row.pk)),
        current=counts.get(MedicationStatus.ACTIVE, 0),
        rest=_rest(counts),
        last_name=changed.name if changed else "",
        last_at=changed.updated_at if changed else None,
        whole=chart.options.whole,
    )


def _row(chart: Chart, found: Any) -> Row:
    return Row(
        pk=found.pk,
        name=found.name,
        dosage=found.dosage or "",
        how=", ".join(filter(None, (found.frequency, found.route))),
        since=found.date_start,
        until=found.date_stop,
        status=found.status,
        reason=found.discontinuation_reason or "",
        news=_news(chart, found),
    )


def _news(chart: Chart, found: Any) -> str:
    if found.status != MedicationStatus.ACTIVE:
        return ""
    if found.date_start and chart.today - RECENT <= found.date_start <= chart.today:
        return pgettext("medication", "new")
    return pgettext("medication", "changed") if found.version > 1 and found.updated_at > chart.now - RECENT else ""


def _rest(counts: dict[str, int]) -> str:
    """Return "1 on hold and 3 stopped"."""
    held = counts.get(MedicationStatus.ON_HOLD, 0)
    stopped = counts.get(MedicationStatus.COMPLETED, 0) + counts.get(MedicationStatus.DISCONTINUED, 0)
    told = ((held, _("%(count)s on hold")), (stopped, _("%(count)s stopped")))
    return listed([words % {"count": count} for count, words in told if count])
