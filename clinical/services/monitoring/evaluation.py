"""Judging measurements that have arrived, and planned ones that have not."""

import datetime
from collections.abc import Collection

from django.utils import timezone

from accounts.scope import Actor
from clinical.models import Measurement, PlannedAction
from clinical.monitoring import Planned, Value, history_for, judge, judge_overdue
from clinical.services.monitoring.alerts import raise_alerts
from clinical.services.monitoring.context import Care, care_of
from clinical.services.monitoring.plans import MADE_UP_FOR, complete_actions, plan
from patients.models import Patient

LOOK_BACK = datetime.timedelta(days=31)
"""How long after its end a planned action is looked at: a day longer than any grace."""


def judge_measurements(*, actor: Actor, patient: Patient, measurements: Collection[Measurement]) -> int:
    """Raise the alerts that `measurements` give cause to, and return how many; complete what was planned and has come.

    `measurements` are stored already, and `patient` is locked, with its organization. They are judged
    under the patient's open enrolment by its protocol's rules and the patient's own; one from
    before the enrolment, or of who is enrolled in nothing, is not, and completes only what they have
    planned. The number of statements does not depend on that of the measurements.
    """
    if not measurements:
        return 0
    care = care_of(patient)
    if care:
        plan(actor, care, timezone.now())
    complete_actions(actor, patient, measurements)
    if care is None:
        return 0
    values = _values(care, measurements)
    return raise_alerts(actor, care, judge(care.rules, [*values, *_history(care, values)], care.zone)) if values else 0


def judge_plans(actor: Actor, care: Care, now: datetime.datetime) -> int:
    """Raise an alert for every planned action of this enrolment whose grace has run out, and return how many.

    One that ran out longer ago than MADE_UP_FOR only raises the flag of its alert. What ended before
    the patient became active again is left alone.
    """
    rows = PlannedAction.objects.select_related("instrument").filter(
        patient=care.patient,
        instrument__deleted_at=None,
        completed_at=None,
        not_before__gte=care.began - datetime.timedelta(days=1),  # The patient's day may begin before the organization's.
        expires_at__gt=max(now - LOOK_BACK, care.active_since),
        expires_at__lte=now,
    )
    waiting = [Planned(str(row.uuid), row.instrument.code, row.not_before, row.expires_at) for row in rows]
    return raise_alerts(actor, care, judge_overdue(care.rules, waiting, now, MADE_UP_FOR)) if waiting else 0


def _values(care: Care, measurements: Collection[Measurement]) -> list[Value]:
    codes = {instrument.pk: code for code, instrument in care.instruments.items()}
    began = care.began
    return [
        _value(row, codes[row.instrument_id], new=True)
        for row in measurements
        if row.instrument_id in codes and row.measured_at >= began
    ]


def _history(care: Care, values: Collection[Value]) -> list[Value]:
    """Return the stored values that decide together with new ones: those near enough in time, before and after."""
    codes, days = history_for(care.rules, {value.instrument for value in values})
    if not codes:
        return []
    named = {care.instruments[code].pk: code for code in codes}
    moments, reach = [value.measured_at for value in values], datetime.timedelta(days=days)
    rows = Measurement.objects.filter(
        organization_id=care.patient.organization_id,
        patient=care.patient,
        instrument_id__anyof=sorted(named),
        measured_at__gt=min(moments) - reach,
        measured_at__lt=max(moments) + reach,
    )
    new = {value.pk for value in values}
    return [_value(row, named[row.instrument_id], new=False) for row in rows if row.pk not in new]


def _value(row: Measurement, code: str, *, new: bool) -> Value:
    return Value(str(row.uuid), code, row.value_number, row.measured_at, row.value_choice, row.comment, new, row.pk)
