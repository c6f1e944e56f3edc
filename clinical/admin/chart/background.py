"""Social history, tags, and the fields that the organization has defined."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from clinical.admin.chart.reading import ALL_ROWS, Answers, Asked, Chart, ChartQuery
from clinical.models import SocialHistory, SocialHistoryCategory
from patients.models import FieldType, FieldValue, PatientTag


# --- social history -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Aspect:
    """An entry of the social history."""

    pk: int
    label: str
    value: str
    note: str


def ask_social_history(chart: ChartQuery) -> dict[str, Asked]:
    rows = chart.rows(SocialHistory).filter(deleted_at=None).order_by("pk")[:ALL_ROWS]
    return {"social_history": Asked(rows, ("pk", "category", "value", "note"))}


def build_social_history(chart: Chart, answers: Answers) -> list[Aspect]:
    order = list(SocialHistoryCategory)
    rows = sorted(answers["social_history"], key=lambda row: order.index(SocialHistoryCategory(row.category)))
    return [Aspect(row.pk, str(SocialHistoryCategory(row.category).label), row.value, (row.note or "").strip()) for row in rows]


# --- tags and own fields --------------------------------------------------------------------------
@dataclass(frozen=True)
class Named:
    """A tag, or an own field with its value."""

    pk: int
    name: str
    value: Any = None


@dataclass(frozen=True)
class Tags:
    """The block."""

    tags: list[Named]
    fields: list[Named]


def ask_tags(chart: ChartQuery) -> dict[str, Asked]:
    tags = chart.rows(PatientTag).filter(deleted_at=None).annotate(name=F("tag_definition__name"))
    fields = chart.rows(FieldValue).filter(field_definition__deleted_at=None).exclude(value=None)
    by_place = fields.annotate(name=F("field_definition__name"), kind=F("field_definition__field_type"))
    return {
        "tags": Asked(tags.order_by("tag_definition__item_order", "pk")[:ALL_ROWS], ("pk", "name")),
        "fields": Asked(by_place.order_by("field_definition__item_order", "pk")[:ALL_ROWS], ("pk", "name", "kind", "value")),
    }


def build_tags(chart: Chart, answers: Answers) -> Tags:
    return Tags(
        tags=[Named(row.pk, row.name) for row in answers["tags"]],
        fields=[Named(row.pk, row.name, _shown(row.kind, row.value)) for row in answers["fields"] if row.value is not None],
    )


def _shown(kind: str, value: Any) -> Any:
    """Return a value as a template shows it: a date, or text."""
    if kind == FieldType.DATE:
        return parse_date(value) or value
    if kind == FieldType.BOOLEAN:
        return _("Yes") if value else _("No")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
