"""Problems: those that are active, and how many were resolved."""

import datetime
from dataclasses import dataclass

from django.db.models import Case, Count, IntegerField, Value, When
from django.utils.translation import gettext as _

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery
from clinical.models import CodeSystem, Disease, FunctionStatus, ProblemStatus
from clinical.monitoring.causes import listed

SHOWN = 8
COLUMNS = ("pk", "disease_definition__name", "disease_definition__concept_code", "disease_definition__concept_system")


@dataclass(frozen=True)
class Row:
    """A problem. `coded` is its code with the name of the terminology."""

    pk: int
    name: str
    coded: str
    kind: str
    since: datetime.date | None
    until: datetime.date | None
    status: str
    note: str

    @property
    def is_active(self) -> bool:
        """Whether the problem is present."""
        return self.status == ProblemStatus.ACTIVE

    @property
    def status_label(self) -> str:
        """The status in words."""
        return str(ProblemStatus(self.status).label)


@dataclass(frozen=True)
class Problems:
    """The block: `rows`, and how many are active, resolved and inactive."""

    rows: list[Row]
    active: int
    rest: str
    whole: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    rows = chart.rows(Disease).filter(deleted_at=None)
    active_first = Case(When(problem_status=ProblemStatus.ACTIVE, then=Value(0)), default=Value(1), output_field=IntegerField())
    wanted = rows if chart.whole else rows.filter(problem_status=ProblemStatus.ACTIVE)
    latest = wanted.order_by(active_first, "-date_start", "-pk")
    return {
        "problems": Asked(
            chart.first(latest, SHOWN),
            (*COLUMNS, "function_status", "date_start", "date_stop", "problem_status", "patient_note"),
        ),
        "problem_counts": Asked(
            rows.order_by().values("problem_status").annotate(count=Count("pk")), ("problem_status", "count")
        ),
    }


def build(chart: Chart, answers: Answers) -> Problems:
    counts = {row.problem_status: row.count for row in answers["problem_counts"]}
    told = ((ProblemStatus.RESOLVED, _("%(count)s resolved")), (ProblemStatus.INACTIVE, _("%(count)s inactive")))
    rest = [words % {"count": counts[status]} for status, words in told if status in counts]
    rows = [
        Row(
            pk=found.pk,
            name=found.disease_definition__name,
            coded=_coded(found.disease_definition__concept_system, found.disease_definition__concept_code),
            kind="" if found.function_status == FunctionStatus.PROBLEM else str(FunctionStatus(found.function_status).label),
            since=found.date_start,
            until=found.date_stop,
            status=found.problem_status,
            note=found.patient_note or "",
        )
        for found in answers["problems"]
    ]
    return Problems(rows, counts.get(ProblemStatus.ACTIVE, 0), listed(rest), chart.options.whole)


def _coded(system: str | None, code: str | None) -> str:
    return f"{CodeSystem(system).label} {code}" if system and code else ""
