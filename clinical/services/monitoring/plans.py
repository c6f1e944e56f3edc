"""Planned measurements: what a protocol's schedule expects of a patient, day by day, and what has come of it."""

import datetime
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.dispatch import receiver
from django.utils import timezone

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Measurement, PlannedAction, PlannedVia
from clinical.monitoring import A_DAY, day_bounds, day_of, days_of
from clinical.services.instruments import Instruments
from clinical.services.monitoring.context import Care, care_of
from config.core.databases import ROWS_A_STATEMENT, DatabaseNow, insert_many
from config.core.exceptions import Invalid
from patients.models import Enrolment, Patient, Protocol, Status
from patients.services.charts import add_entry
from patients.services.locking import lock_patient
from patients.services.patients import enrolled

AHEAD = datetime.timedelta(days=1)
"""How far ahead actions are planned: what the protocol changes later holds from the day after tomorrow."""
MADE_UP_FOR = datetime.timedelta(days=2)
"""How many days a late run still makes up for."""


def plan_actions(*, actor: Actor, patient: Patient, now: datetime.datetime | None = None) -> int:
    """Plan the measurements of a patient up to tomorrow, and return how many are new.

    Every line of the schedule of the protocol under which `patient` (locked, with its organization) is
    enrolled gives an action from midnight to midnight of each of its days, in the patient's time zone.
    A line that has planned before goes on after its last day, whatever zone that was in, and makes up
    for MADE_UP_FOR at most, and for no day before the patient became active; a new one begins today, or
    after the last day of the same instrument by lines that are no longer there: who edits a line plans
    no day twice. Again on the same day this changes nothing.
    """
    care = care_of(patient)
    return plan(actor, care, now or timezone.now()) if care else 0


def plan(actor: Actor, care: Care, now: datetime.datetime) -> int:
    """Do what `plan_actions` does, for who is active."""
    lines = [line for line in care.enrolment.protocol.schedule if line["instrument"] in care.instruments]
    if not lines or care.patient.status != Status.ACTIVE:
        return 0
    rows = list(_rows(care, _by_id(care.enrolment.protocol, lines), now))
    if rows:
        insert_many(PlannedAction, rows)
        record_change(actor, "planned_action.plan", rows, event="planned_action.planned")
        _complete_new(actor, care.patient, rows)
    return len(rows)


@receiver(enrolled)
def _plan_first_days(sender: Any, actor: Actor, enrolment: Enrolment, **kwargs: Any) -> None:
    # The protocol that the caller holds may be older than its schedule.
    plan_actions(actor=actor, patient=enrolment.patient)


def _by_id(protocol: Protocol, lines: Iterable[Mapping[str, Any]]) -> dict[UUID, Mapping[str, Any]]:
    """Return the lines of a protocol's schedule by the ids that they keep for as long as they say the same."""
    return {uuid5(protocol.uuid, "/".join(str(line[name]) for name in sorted(line))): line for line in lines}


class _Last(NamedTuple):
    """The last day that was planned, and the latest moment at which one begins."""

    day: datetime.date
    begins: datetime.datetime


def _rows(care: Care, lines: Mapping[UUID, Mapping[str, Any]], now: datetime.datetime) -> Iterator[PlannedAction]:
    zone = ZoneInfo(care.patient.timezone)
    today = day_of(now, zone)
    planned = _last_planned(care.patient, lines)
    for uuid, line in lines.items():
        last = planned.get(uuid) or planned.get(care.instruments[line["instrument"]].pk)
        late = uuid in planned and planned[uuid].day + A_DAY < today
        since = max(today - MADE_UP_FOR, day_of(care.active_since, zone)) if late else today
        first = max(last.day + A_DAY, since) if last else since
        for day in days_of(line, care.enrolment.start_date, first, today + AHEAD):
            row = _row(care, uuid, line, day, zone)
            # For who crossed the date line the next day may begin when the last one did.
            if last is None or row.not_before > last.begins:
                yield row


def _last_planned(patient: Patient, lines: Collection[UUID]) -> dict[UUID | int, _Last]:
    """Return what each of `lines` has planned last for the patient, and, by instrument id, what lines that are gone have."""
    rows = PlannedAction.objects.filter(patient=patient, planned_via=PlannedVia.SCHEDULE).order_by()
    found: dict[UUID | int, _Last] = {}
    grouped = rows.values_list("program_action", "instrument_id", "timezone").annotate(last=Max("not_before"))
    for line, instrument, zone, begins in grouped:
        key = line if line in lines else instrument
        last = _Last(day_of(begins, ZoneInfo(zone)), begins)
        known = found.get(key, last)
        found[key] = _Last(max(last.day, known.day), max(last.begins, known.begins))
    return found


def _row(care: Care, line_id: UUID, line: Mapping[str, Any], day: datetime.date, zone: ZoneInfo) -> PlannedAction:
    begins, ends = day_bounds(day, zone)
    return PlannedAction(
        organization_id=care.patient.organization_id,
        patient=care.patient,
        program_action=line_id,
        instrument=care.instruments[line["instrument"]],
        not_before=begins,
        expires_at=ends,
        timezone=care.patient.timezone,
    )


@transaction.atomic
def plan_own_action(
    *, actor: Actor, patient_id: int, instrument: str, not_before: datetime.datetime, expires_at: datetime.datetime
) -> PlannedAction:
    """Plan a measurement that a patient takes on beside the schedule; `instrument` is a code or a UUID.

    What they plan of one instrument has one `program_action`. Raises NotFound, Invalid, or
    IntegrityError where they have planned the same from the same moment on.
    """
    patient = lock_patient(patient_id)
    found = Instruments(patient.organization_id).named(instrument)
    if expires_at <= max(not_before, timezone.now()):
        raise Invalid("The time must end after it begins, and in the future.", "expires_at")
    values = {
        "program_action": uuid5(patient.uuid, str(found.uuid)),
        "instrument_id": found.pk,
        "planned_via": PlannedVia.SELF,
        "self_planned": True,
        "not_before": not_before,
        "expires_at": expires_at,
        "timezone": patient.timezone,
    }
    action = add_entry(actor, patient, PlannedAction, values)
    _complete_new(actor, patient, [action])
    return action


def _complete_new(actor: Actor, patient: Patient, actions: Iterable[PlannedAction]) -> None:
    """Complete those of `actions`, which have just been planned, for which a measurement had come before."""
    come = Measurement.objects.filter(
        organization_id=patient.organization_id,
        patient=patient,
        instrument=OuterRef("instrument"),
        measured_at__gte=OuterRef("not_before"),
        measured_at__lt=OuterRef("expires_at"),
    )
    new = PlannedAction.objects.filter(patient=patient, uuid__anyof=[action.uuid for action in actions]).order_by()
    first = new.values(first=Subquery(come.order_by("measured_at", "pk").values("pk")[:1]))
    if measurements := list(Measurement.objects.filter(pk__in=first)):
        complete_actions(actor, patient, measurements)


def complete_actions(actor: Actor, patient: Patient, measurements: Collection[Measurement]) -> None:
    """Complete every planned action that one of `measurements` falls into, by the first that does."""
    by_instrument: dict[int, list[Measurement]] = defaultdict(list)
    for measurement in sorted(measurements, key=_moment):
        by_instrument[measurement.instrument_id].append(measurement)
    moments = [measurement.measured_at for measurement in measurements]
    outstanding = PlannedAction.objects.filter(
        patient=patient,
        completed_at=None,
        instrument_id__anyof=sorted(by_instrument),
        not_before__lte=max(moments),
        expires_at__gt=min(moments),
    )
    done = [action for action in outstanding if _completed(action, by_instrument[action.instrument_id])]
    if done:
        columns = ["completed_at", "completed_by", "updated_at"]
        PlannedAction.objects.bulk_update(done, columns, batch_size=ROWS_A_STATEMENT)
        changed = ["completed_at", "completed_by"]
        record_change(actor, "planned_action.complete", done, event="planned_action.completed", changed=changed)


def _moment(measurement: Measurement) -> tuple[datetime.datetime, int]:
    return measurement.measured_at, measurement.pk


def _completed(action: PlannedAction, measurements: list[Measurement]) -> bool:
    """Note in `action` the first of `measurements`, which are in order, that falls into it; tell whether there is one."""
    first = bisect_left(measurements, action.not_before, key=lambda measurement: measurement.measured_at)
    if first == len(measurements) or measurements[first].measured_at >= action.expires_at:
        return False
    action.completed_at, action.completed_by = measurements[first].measured_at, measurements[first]
    vars(action)["updated_at"] = DatabaseNow()
    return True
