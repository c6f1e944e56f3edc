"""Batch jobs that cron runs over all organizations: planning, overdue measurements, and workflows.

Patients are read in chunks of ids, so that memory stays constant. Each patient is one transaction, and
the jobs are idempotent: the next run completes one that was interrupted. A failure is logged and
counted, and does not stop the other patients.
"""

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from accounts.scope import Actor, scope
from clinical.models import PlannedAction, Workflow
from clinical.services.monitoring.context import MonitoringContext, monitoring_context
from clinical.services.monitoring.evaluation import LOOK_BACK, evaluate_overdue
from clinical.services.monitoring.plans import plan
from clinical.services.monitoring.workflows import fire_workflows
from config.core.bulk_writes import WriteTurns
from config.core.exceptions import NotFound
from patients.models import FOLLOWED, Enrolment
from patients.services.locking import lock_patient

CHUNK = 500
logger = logging.getLogger("anamnesis.monitoring")


@dataclass
class RunStats:
    """Counts of what a run has done so far."""

    patients: int = 0
    planned: int = 0
    raised: int = 0
    fired: int = 0
    failed: int = 0


Progress = Callable[[RunStats], None]
Work = Callable[[MonitoringContext], None]


def raise_overdue_alerts(
    *,
    actor: Actor,
    now: datetime.datetime | None = None,
    organization: Organization | None = None,
    progress: Progress | None = None,
) -> RunStats:
    """Plan the measurements of the schedules up to tomorrow, and raise alerts for overdue ones.

    Covers active patients with an open enrolment, of one organization or of all in the actor's scope.
    """
    now, stats = now or timezone.now(), RunStats()

    def work(context: MonitoringContext) -> None:
        planned, raised = plan(actor, context, now), evaluate_overdue(actor, context, now)
        stats.planned, stats.raised = stats.planned + planned, stats.raised + raised

    for one in _organizations(actor, organization):
        waiting = PlannedAction.objects.filter(
            patient=OuterRef("patient"), completed_at=None, expires_at__gt=now - LOOK_BACK, expires_at__lte=now
        )
        enrolments = _enrolments(one).filter(~Q(protocol__schedule=[]) | Exists(waiting))
        _run(enrolments, work, stats, progress)
    return stats


def run_workflows(
    *,
    actor: Actor,
    now: datetime.datetime | None = None,
    organization: Organization | None = None,
    progress: Progress | None = None,
) -> RunStats:
    """Fire the workflows that are due, for the same patients as `raise_overdue_alerts`, and plan their measurements too."""
    now, stats = now or timezone.now(), RunStats()
    for one in _organizations(actor, organization):
        workflows = list(Workflow.objects.filter(organization=one, deleted_at=None))
        programs = {workflow.program_id for workflow in workflows}

        def work(context: MonitoringContext, workflows: list[Workflow] = workflows) -> None:
            planned, fired = plan(actor, context, now), fire_workflows(actor, context, workflows, now)
            stats.planned, stats.fired = stats.planned + planned, stats.fired + fired

        enrolments = _enrolments(one).filter(~Q(protocol__schedule=[]) | Q(program_id__anyof=sorted(programs)))
        _run(enrolments, work, stats, progress)
    return stats


def _organizations(actor: Actor, organization: Organization | None) -> Iterable[Organization]:
    return [organization] if organization else scope(actor, Organization.objects.order_by("pk"))


def _enrolments(organization: Organization) -> QuerySet[Enrolment]:
    """Return the open enrolments of the organization's active patients who have not died."""
    return Enrolment.objects.filter(FOLLOWED, organization=organization, end_date=None, patient__deleted_at=None)


def _run(enrolments: QuerySet[Enrolment], work: Work, stats: RunStats, progress: Progress | None) -> None:
    turns = WriteTurns()
    for patient_id in _patients(enrolments):
        try:
            with turns.turn():
                _run_for_patient(patient_id, work)
            stats.patients += 1
        except NotFound:
            continue  # Archived since the chunk was read.
        except Exception:
            stats.failed += 1
            logger.exception("monitoring of a patient failed", extra={"fields": {"patient_id": patient_id}})
        if progress:
            progress(stats)


def _run_for_patient(patient_id: int, work: Work) -> None:
    patient = lock_patient(patient_id)
    context = monitoring_context(patient)
    # Both may have changed since the chunk was read.
    if context is not None and patient.is_followed:
        work(context)


def _patients(enrolments: QuerySet[Enrolment]) -> Iterator[int]:
    """Yield the ids of the patients in ascending order; each has at most one open enrolment."""
    after, rows = 0, enrolments.order_by("patient_id").values_list("patient_id", flat=True)
    while chunk := list(rows.filter(patient_id__gt=after)[:CHUNK]):
        yield from chunk
        after = chunk[-1]
