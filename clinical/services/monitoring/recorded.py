"""What was measured, planned and missed in a span of time by many patients, by a constant number of statements."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, QuerySet

from clinical.models import Instrument, Measurement, PlannedAction
from clinical.monitoring import A_DAY, Planned, Rule, Value, codes_of, day_bounds, history_for
from clinical.monitoring.rules import OVERDUE, REMARK
from clinical.services.monitoring.evaluation import value_of
from patients.models import Enrolment, MutationType, PatientMutation, Status


@dataclass(frozen=True)
class Span:
    """Both ends are moments; the last one is part of it."""

    first: datetime.datetime
    last: datetime.datetime


@dataclass(frozen=True)
class Recorded:
    """What rules look at: the values and the missed actions of each of the `patients`, by the ids of the patients.

    `patients` are those of whom everything was read. Values of the span are new; older ones explain them.
    """

    patients: list[int]
    values: Mapping[int, list[Value]]
    missed: Mapping[int, list[Planned]]


def read_recorded(
    enrolments: Collection[Enrolment], rules: Collection[Rule], known: Mapping[str, Instrument], span: Span, limit: int
) -> Recorded:
    """Return what `rules` look at in `span`, of the patients of open `enrolments` of one organization, with it.

    `known` are its instruments by code. At most `limit` values are read, and as many missed actions.
    """
    began = {row.patient_id: day_bounds(row.start_date, row.organization.zone)[0] for row in enrolments}
    values, values_end = _whole(_measured(enrolments, rules, known, span), limit)
    missed, missed_end = _whole(_missed(enrolments, rules, known, span), limit)
    ends = [end for end in (values_end, missed_end) if end is not None]
    patients = [pk for pk in sorted(began) if all(pk < end for end in ends)]
    codes = {instrument.pk: code for code, instrument in known.items()}
    values_of: dict[int, list[Value]] = defaultdict(list)
    for row in values:
        if row.instrument_id in codes:
            new = row.measured_at >= max(span.first, began[row.patient_id])
            values_of[row.patient_id].append(value_of(row, codes[row.instrument_id], new=new))
    active_since = _active_since(missed)
    missed_of: dict[int, list[Planned]] = defaultdict(list)
    for row in missed:
        # The patient's day may begin before the organization's.
        since = began[row.patient_id] - A_DAY
        if row.not_before >= since and row.expires_at > active_since.get(row.patient_id, since):
            action = Planned(str(row.uuid), codes[row.instrument_id], row.not_before, row.expires_at)
            missed_of[row.patient_id].append(action)
    return Recorded(patients, values_of, missed_of)


def _whole(rows: QuerySet, limit: int) -> tuple[list[Any], int | None]:
    """Return at most `limit` rows, and the first patient of whom there are more; none of that one's are returned."""
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    end = found[-1].patient_id
    return [row for row in found if row.patient_id < end], end


def _of(enrolments: Collection[Enrolment]) -> dict[str, Any]:
    """Return the conditions of rows of the patients of `enrolments`, indexes by organization first."""
    organizations = sorted({row.organization_id for row in enrolments})
    return {"organization_id__in": organizations, "patient_id__anyof": sorted(row.patient_id for row in enrolments)}


def _measured(
    enrolments: Collection[Enrolment], rules: Collection[Rule], known: Mapping[str, Instrument], span: Span
) -> QuerySet[Measurement]:
    codes = frozenset[str]().union(*map(codes_of, rules))
    _, days = history_for(rules, codes)
    looked_at = Q(instrument_id__anyof=sorted(known[code].pk for code in codes))
    if any(rule["kind"] == REMARK for rule in rules):
        looked_at |= Q(comment__isnull=False)
    reach = datetime.timedelta(days=days)
    rows = Measurement.objects.filter(
        looked_at, **_of(enrolments), measured_at__gt=span.first - reach, measured_at__lte=span.last
    )
    return rows.order_by("patient_id", "measured_at", "pk")


def _missed(
    enrolments: Collection[Enrolment], rules: Collection[Rule], known: Mapping[str, Instrument], span: Span
) -> QuerySet[PlannedAction]:
    expected = sorted({known[rule["instrument"]].pk for rule in rules if rule["kind"] == OVERDUE})
    rows = PlannedAction.objects.filter(
        **_of(enrolments), instrument_id__anyof=expected, completed_at=None, expires_at__gt=span.first, expires_at__lte=span.last
    )
    return rows.order_by("patient_id", "not_before", "pk")


def _active_since(missed: Collection[PlannedAction]) -> dict[int, datetime.datetime]:
    """Return when those patients last became active who have not been so since their enrolment, by their ids."""
    patients = sorted({row.patient_id for row in missed})
    became = PatientMutation.objects.filter(patient_id__anyof=patients, type=MutationType.STATUS, name=Status.ACTIVE)
    return dict(became.order_by().values_list("patient_id").annotate(last=Max("created_at")))
