"""Allergies and intolerances: those that are active, the gravest first."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery, total
from clinical.models import Allergy
from clinical.severities import GRAVEST_FIRST, severity_word
from patients.models import AllergyReviewStatus

SHOWN = 5
# More of them are in the banner.
IN_BANNER = 12
_SEVERE = frozenset(GRAVEST_FIRST[:4])


@dataclass(frozen=True)
class Row:
    """An allergy."""

    pk: int
    name: str
    reaction: str
    severity: str
    reacted_on: datetime.date | None
    is_active: bool

    @property
    def is_severe(self) -> bool:
        """Whether its severity is one of the gravest."""
        return self.severity.casefold() in _SEVERE

    @property
    def severity_told(self) -> str:
        """Its severity in the current language."""
        return severity_word(self.severity)

    @property
    def details(self) -> str:
        """Reaction and severity: "anaphylaxis, severe"."""
        return ", ".join(filter(None, (self.reaction, self.severity_told)))


@dataclass(frozen=True)
class Allergies:
    """The block: active allergies, how many are inactive, and what is known where there are none."""

    rows: list[Row]
    total: int
    inactive: int
    review: str
    is_reviewed: bool
    whole: bool


COLUMNS = ("pk", "name", "reaction", "severity", "date_adverse_reaction", "status_is_active", "total")


def ask(chart: ChartQuery) -> dict[str, Asked]:
    inactive = _named(chart).filter(status_is_active=False).order_by("-pk")
    return {"allergies": ask_active(chart), "inactive_allergies": Asked(chart.first(inactive, 1), COLUMNS)}


def ask_active(chart: ChartQuery) -> Asked:
    """Ask for the active ones, which the banner has too, whatever is shown of the others."""
    return Asked(chart.first(_named(chart).filter(status_is_active=True).order_by("-pk"), IN_BANNER), COLUMNS)


def _named(chart: ChartQuery) -> QuerySet[Any]:
    return chart.rows(Allergy).filter(deleted_at=None).annotate(name=F("allergy_definition__name"))


def build(chart: Chart, answers: Answers) -> Allergies:
    rows = sorted_rows([*answers["allergies"], *(answers["inactive_allergies"] if chart.options.whole else ())])
    return Allergies(
        rows=rows if chart.options.whole else rows[:SHOWN],
        total=total(answers["allergies"]),
        inactive=total(answers["inactive_allergies"]),
        review=review_of(chart),
        is_reviewed=chart.patient.allergy_review_status != AllergyReviewStatus.NOT_REVIEWED,
        whole=chart.options.whole,
    )


def sorted_rows(found: list) -> list[Row]:
    """Return rows in the order of a chart: active ones first, the gravest first."""
    rows = [
        Row(row.pk, row.name, row.reaction or "", row.severity or "", row.date_adverse_reaction, row.status_is_active)
        for row in found
    ]
    return sorted(rows, key=lambda row: (not row.is_active, _rank(row.severity), row.name.casefold(), row.pk))


def review_of(chart: Chart) -> str:
    """Return what is known of the allergies of a patient who has none recorded."""
    return {
        AllergyReviewStatus.NKDA.value: _("No known drug allergies"),
        AllergyReviewStatus.REVIEWED.value: _("No known allergies"),
    }.get(chart.patient.allergy_review_status, _("Allergies not reviewed"))


def is_reviewed(chart: Chart) -> bool:
    """Tell whether somebody has looked at the allergies of the patient, or said that there are none."""
    return chart.patient.allergy_review_status in (AllergyReviewStatus.NKDA, AllergyReviewStatus.REVIEWED)


def _rank(severity: str) -> int:
    word = severity.casefold()
    return GRAVEST_FIRST.index(word) if word in GRAVEST_FIRST else len(GRAVEST_FIRST)
