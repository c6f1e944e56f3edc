"""Planned actions: the measurements that a protocol's schedule expects of a patient, and their completion."""

import datetime
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import BigAutoField, Max, OuterRef, QuerySet, Subquery
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Measurement, PlannedAction, PlannedVia
from clinical.monitoring import A_DAY, day_bounds, day_of, days_of
from clinical.services.instruments import InstrumentLookup
from clinical.services.monitoring.context import MonitoringContext, monitoring_context
from config.core.bulk_writes import ROWS_A_STATEMENT, insert_many
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.databases import DatabaseNow
from config.core.exceptions import Invalid
from config.core.instances import InstanceQuery
from patients.models import Enrolment, Patient, Protocol
from patients.services.charts import add_entry
from patients.services.locking import lock_patient
from patients.services.patients import enrolled

# How far ahead actions are planned: a change of the protocol takes effect from the day after tomorrow.
PLANNING_HORIZON = datetime.timedelta(days=1)
# How many missed days a late run still plans.
CATCH_UP_LIMIT = datetime.timedelta(days=2)


def plan_actions(*, actor: Actor, patient: Patient, now: datetime.datetime | None = None) -> int:
    """Plan the measurements of a patient up to tomorrow, and return how many are new.

    `patient` is locked, with its organization. Each line of the protocol's schedule gives one action for
    each of its days, from midnight to midnight in the patient's time zone. A line continues after the
    last day it has planned, whatever zone that was in. It catches up on CATCH_UP_LIMIT at most, and on no
    day before the patient became active. A new line begins today, or after the last day that a removed
    line has planned for the same instrument, so that editing a line plans no day twice. Idempotent.
    """
    context = monitoring_context(patient)
    return plan(actor, context, now or timezone.now()) if context else 0


def plan(actor: Actor, context: MonitoringContext, now: datetime.datetime) -> int:
    """Plan actions if the patient is active and has not died; see `plan_actions`."""
    lines = [line for line in context.enrolment.protocol.schedule if line["instrument"] in context.instruments]
    if not lines or not context.patient.is_followed:
        return 0
    rows = list(_planned_rows(context, _by_id(context.enrolment.protocol, lines), now))
    if rows:
        insert_many(PlannedAction, rows)
        record_change(actor, "planned_action.plan", rows, event="planned_action.planned")
        _complete_new(actor, context.patient, rows)
    return len(rows)


@receiver(enrolled)
def _plan_first_days(sender: Any, actor: Actor, enrolment: Enrolment, **kwargs: Any) -> None:
    # Reads the protocol anew: the caller's copy may have an outdated schedule.
    plan_actions(actor=actor, patient=enrolment.patient)


def _by_id(protocol: Protocol, lines: Iterable[Mapping[str, Any]]) -> dict[UUID, Mapping[str, Any]]:
    """Return the lines of a protocol's schedule by ids derived from their content: an edited line gets another id."""
    return {uuid5(protocol.uuid, "/".join(str(line[name]) for name in sorted(line))): line for line in lines}


class _Last(NamedTuple):
    """The last planned day, and the latest `not_before`."""

    day: datetime.date
    begins: datetime.datetime


def _planned_rows(
    context: MonitoringContext, lines: Mapping[UUID, Mapping[str, Any]], now: datetime.datetime
) -> Iterator[PlannedAction]:
    zone = ZoneInfo(context.patient.timezone)
    today = day_of(now, zone)
    planned = _last_planned(context.patient, lines)
    for uuid, line in lines.items():
        last = planned.get(uuid) or planned.get(context.instruments[line["instrument"]].pk)
        late = uuid in planned and planned[uuid].day + A_DAY < today
        since = max(today - CATCH_UP_LIMIT, day_of(context.active_since, zone)) if late else today
        first = max(last.day + A_DAY, since) if last else since
        for day in days_of(line, context.enrolment.start_date, first, today + PLANNING_HORIZON):
            row = _planned_row(context, uuid, line, day, zone)
            # After crossing the date line, the next day may begin at the same moment as the last one.
            if last is None or row.not_before > last.begins:
                yield row


@dataclass(frozen=True)
class LastPlanned(QueryDefinition):
    """When the last planned time of each line of a patient's schedule begins; asked before whatever is evaluated."""

    patient_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet:
        rows = PlannedAction.objects.filter(patient_id=self.patient_id, planned_via=PlannedVia.SCHEDULE).order_by()
        return rows.values_list("program_action", "instrument_id", "timezone").annotate(last=Max("not_before"))


def _last_planned(patient: Patient, lines: Collection[UUID]) -> dict[UUID | int, _Last]:
    """Return the last planned day of each of `lines`, and that of removed lines by instrument id."""
    found: dict[UUID | int, _Last] = {}
    for line, instrument, zone, begins in LastPlanned(patient.pk).fetch():
        key = line if line in lines else instrument
        last = _Last(day_of(begins, ZoneInfo(zone)), begins)
        known = found.get(key, last)
        found[key] = _Last(max(last.day, known.day), max(last.begins, known.begins))
    return found


def _planned_row(
    context: MonitoringContext, line_id: UUID, line: Mapping[str, Any], day: datetime.date, zone: ZoneInfo
) -> PlannedAction:
    begins, ends = day_bounds(day, zone)
    return PlannedAction(
        organization_id=context.patient.organization_id,
        patient=context.patient,
        program_action=line_id,
        instrument=context.instruments[line["instrument"]],
        not_before=begins,
        expires_at=ends,
        timezone=context.patient.timezone,
    )


@transaction.atomic
def plan_own_action(
    *, actor: Actor, patient_id: int, instrument: str, not_before: datetime.datetime, expires_at: datetime.datetime
) -> PlannedAction:
    """Plan a measurement in addition to the schedule; `instrument` is a code or a UUID.

    All own plans for one instrument share one `program_action`. Raises NotFound, Invalid (also for a patient who is not
    active), or IntegrityError for a second plan of the same instrument from the same moment on.
    """
    patient = lock_patient(patient_id)
    if not patient.is_followed:
        raise Invalid(_("Nothing is planned for a patient who is not active, or who has died."), "", "not_active")
    found = InstrumentLookup(patient.organization_id).named(instrument)
    if expires_at <= max(not_before, timezone.now()):
        raise Invalid(_("The time must end after it begins, and in the future."), "expires_at")
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
    """Complete those of the new `actions` that a stored measurement already fulfils."""
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


@dataclass(frozen=True)
class OutstandingActions(InstanceQuery):
    """A patient's actions that are not completed and whose time has to do with measurements from `first` to `last`."""

    patient_id: int = parameter(BigAutoField())
    instruments: list[int] = parameter(BigAutoField())
    first: datetime.datetime = parameter(PlannedAction._meta.get_field("expires_at"))
    last: datetime.datetime = parameter(PlannedAction._meta.get_field("not_before"))

    def queryset(self) -> QuerySet[PlannedAction]:
        rows = PlannedAction.objects.filter(patient_id=self.patient_id, completed_at=None)
        return rows.filter(instrument_id__anyof=self.instruments, not_before__lte=self.last, expires_at__gt=self.first)


def complete_actions(actor: Actor, patient: Patient, measurements: Collection[Measurement]) -> None:
    """Complete each outstanding action by the first of `measurements` within its time."""
    by_instrument: dict[int, list[Measurement]] = defaultdict(list)
    for measurement in sorted(measurements, key=_moment):
        by_instrument[measurement.instrument_id].append(measurement)
    moments = [measurement.measured_at for measurement in measurements]
    outstanding = OutstandingActions(patient.pk, sorted(by_instrument), min(moments), max(moments)).instances()
    done = [action for action in outstanding if _complete(action, by_instrument[action.instrument_id])]
    if done:
        columns = ["completed_at", "completed_by", "updated_at"]
        PlannedAction.objects.bulk_update(done, columns, batch_size=ROWS_A_STATEMENT)
        changed = ["completed_at", "completed_by"]
        record_change(actor, "planned_action.complete", done, event="planned_action.completed", changed=changed)


def _moment(measurement: Measurement) -> tuple[datetime.datetime, int]:
    return measurement.measured_at, measurement.pk


def _complete(action: PlannedAction, measurements: list[Measurement]) -> bool:
    """Complete `action` by the first of the sorted `measurements` within its time, and tell whether there is one."""
    first = bisect_left(measurements, action.not_before, key=lambda measurement: measurement.measured_at)
    if first == len(measurements) or measurements[first].measured_at >= action.expires_at:
        return False
    action.completed_at, action.completed_by = measurements[first].measured_at, measurements[first]
    vars(action)["updated_at"] = DatabaseNow()
    return True
