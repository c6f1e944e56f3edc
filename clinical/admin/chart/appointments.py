"""Appointments: the next ones, and the last one."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from clinical.admin.chart.reading import ALL_ROWS, Answers, Asked, Chart, ChartQuery
from clinical.models import Appointment, AppointmentStatus

SHOWN = 3
COLUMNS = ("pk", "starts_at", "ends_at", "status", "note", "provider__name", "provider__title", "location__name")
OFF = (AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW)


@dataclass(frozen=True)
class Row:
    """An appointment. `with_whom` is the provider and the place."""

    pk: int
    starts_at: datetime.datetime
    minutes: int | None
    status: str
    with_whom: str
    note: str

    @property
    def status_label(self) -> str:
        """The status in words."""
        return str(AppointmentStatus(self.status).label)

    @property
    def can_change(self) -> bool:
        """Whether it can still be moved and cancelled."""
        return self.status in (AppointmentStatus.SCHEDULED, AppointmentStatus.CONFIRMED)


@dataclass(frozen=True)
class Appointments:
    """The block: those from today on, those before, latest first, and how many there are in all."""

    upcoming: list[Row]
    past: list[Row]
    total: int
    whole: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    rows = chart.rows(Appointment).filter(deleted_at=None)
    upcoming, past = rows.filter(starts_at__gte=chart.midnight), rows.filter(starts_at__lt=chart.midnight)
    whole = chart.whole
    return {
        "upcoming": Asked(_some(upcoming if whole else upcoming.exclude(status__in=OFF), "", SHOWN, whole), COLUMNS),
        "past": Asked(_some(past, "-", 1, whole), COLUMNS),
        "appointment_count": Asked(rows.order_by().values("organization_id").annotate(count=Count("pk")), ("count",)),
    }


def _some(rows: QuerySet, sign: str, limit: int, whole: bool) -> QuerySet:
    return rows.order_by(f"{sign}starts_at", f"{sign}pk")[: ALL_ROWS if whole else limit]


def build(chart: Chart, answers: Answers) -> Appointments:
    return Appointments(
        upcoming=[_row(found) for found in answers["upcoming"]],
        past=[_row(found) for found in answers["past"]],
        total=sum(row.count for row in answers["appointment_count"]),
        whole=chart.options.whole,
    )


def _row(found: Any) -> Row:
    provider = " ".join(filter(None, (found.provider__title, found.provider__name)))
    return Row(
        pk=found.pk,
        starts_at=found.starts_at,
        minutes=round((found.ends_at - found.starts_at).total_seconds() / 60) if found.ends_at else None,
        status=found.status,
        with_whom=", ".join(filter(None, (provider, found.location__name))),
        note=(found.note or "").strip(),
    )
