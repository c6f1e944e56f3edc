"""Evaluating measurements that have arrived, and planned ones that are overdue."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import BigAutoField, QuerySet
from django.utils import timezone

from accounts.scope import Actor
from clinical.models import Measurement, PlannedAction
from clinical.monitoring import Planned, Value, evaluate, history_for, match_overdue
from clinical.services.monitoring.alerts import raise_alerts
from clinical.services.monitoring.context import MonitoringContext, monitoring_context
from clinical.services.monitoring.plans import CATCH_UP_LIMIT, complete_actions, plan
from config.core.compiled_queries import parameter
from config.core.instances import InstanceQuery
from patients.models import Patient

# How long after its end a planned action is checked: a day longer than any grace period.
LOOK_BACK = datetime.timedelta(days=31)


def evaluate_measurements(*, actor: Actor, patient: Patient, measurements: Collection[Measurement]) -> int:
    """Raise alerts for `measurements`, return how many, and complete the planned actions that they fulfil.

    `measurements` are stored already, and `patient` is locked, with its organization. They are evaluated
    by the rules of the open enrolment's protocol and the patient's own. Without an enrolment, or from
    before it, they only complete planned actions. The number of SQL statements does not depend on the
    number of measurements.
    """
    if not measurements:
        return 0
    context = monitoring_context(patient)
    if context:
        plan(actor, context, timezone.now())
    complete_actions(actor, patient, measurements)
    if context is None:
        return 0
    values = _values(context, measurements)

    if not values:
        return 0
    matches = evaluate(context.rules, [*values, *_history(context, values)], context.zone)
    return raise_alerts(actor, context, matches)


@dataclass(frozen=True)
class EndedActions(InstanceQuery):
    """A patient's actions that are not completed, began from `began` on, and ended after `ended` and by `now`."""

    patient_id: int = parameter(BigAutoField())
    began: datetime.datetime = parameter(PlannedAction._meta.get_field("not_before"))
    ended: datetime.datetime = parameter(PlannedAction._meta.get_field("expires_at"))
    now: datetime.datetime = parameter(PlannedAction._meta.get_field("expires_at"))

    def queryset(self) -> QuerySet[PlannedAction]:
        rows = PlannedAction.objects.select_related("instrument").filter(patient_id=self.patient_id, instrument__deleted_at=None)
        return rows.filter(completed_at=None, not_before__gte=self.began, expires_at__gt=self.ended, expires_at__lte=self.now)


def evaluate_overdue(actor: Actor, context: MonitoringContext, now: datetime.datetime) -> int:
    """Raise an alert for each planned action of this enrolment whose grace period has ended, and return how many.

    If it ended longer ago than CATCH_UP_LIMIT, only the flag of an existing alert is raised. Actions that
    ended before the patient became active again are ignored.
    """
    # The patient's day may begin before the organization's.
    began, ended = context.began - datetime.timedelta(days=1), max(now - LOOK_BACK, context.active_since)
    rows = EndedActions(context.patient.pk, began, ended, now).instances()
    waiting = [Planned(str(row.uuid), row.instrument.code, row.not_before, row.expires_at) for row in rows]
    return raise_alerts(actor, context, match_overdue(context.rules, waiting, now, CATCH_UP_LIMIT)) if waiting else 0


def _values(context: MonitoringContext, measurements: Collection[Measurement]) -> list[Value]:
    codes = {instrument.pk: code for code, instrument in context.instruments.items()}
    began = context.began
    return [
        value_of(row, codes[row.instrument_id], new=True)
        for row in measurements
        if row.instrument_id in codes and row.measured_at >= began
    ]


def _history(context: MonitoringContext, values: Collection[Value]) -> list[Value]:
    """Return the stored values that matter together with the new ones: those close enough in time, before or after."""
    codes, days = history_for(context.rules, {value.instrument for value in values})
    if not codes:
        return []
    named = {context.instruments[code].pk: code for code in codes}
    moments, reach = [value.measured_at for value in values], datetime.timedelta(days=days)
    rows = Measurement.objects.filter(
        organization_id=context.patient.organization_id,
        patient=context.patient,
        instrument_id__anyof=sorted(named),
        measured_at__gt=min(moments) - reach,
        measured_at__lt=max(moments) + reach,
    )
    new = {value.pk for value in values}
    return [value_of(row, named[row.instrument_id], new=False) for row in rows if row.pk not in new]


def value_of(row: Measurement, code: str, *, new: bool) -> Value:
    return Value(str(row.uuid), code, row.value_number, row.measured_at, row.value_choice, row.comment, new, row.pk)
