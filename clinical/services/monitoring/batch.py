"""The rounds that cron makes through all organizations: planning and overdue measurements, and workflows.

A round goes from patient to patient, in chunks of ids, so that memory does not grow with them. Each
patient's work is a transaction of its own, and doing it again changes nothing: a round that broke
off is made good by the next. A patient whose work fails is logged and counted, and stops nobody else's.
"""

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from accounts.scope import Actor, scope
from clinical.models import PlannedAction, Workflow
from clinical.services.monitoring.context import Care, care_of
from clinical.services.monitoring.evaluation import LOOK_BACK, judge_plans
from clinical.services.monitoring.plans import plan
from clinical.services.monitoring.workflows import fire
from config.core.exceptions import NotFound
from patients.models import Enrolment, Status
from patients.services.locking import lock_patient

CHUNK = 500
logger = logging.getLogger("anamnesis.monitoring")


@dataclass
class Tally:
    """What a round has done so far."""

    patients: int = 0
    planned: int = 0
    raised: int = 0
    fired: int = 0
    failed: int = 0


Progress = Callable[[Tally], None]


def raise_overdue_alerts(
    *,
    actor: Actor,
    now: datetime.datetime | None = None,
    organization: Organization | None = None,
    progress: Progress | None = None,
) -> Tally:
    """Plan what the schedules expect up to tomorrow, and raise an alert for what was planned and has not come.

    For active patients with an open enrolment, of one organization or of all that the actor sees.
    """
    now, tally = now or timezone.now(), Tally()

    def work(care: Care) -> None:
        planned, raised = plan(actor, care, now), judge_plans(actor, care, now)
        tally.planned, tally.raised = tally.planned + planned, tally.raised + raised

    for one in _organizations(actor, organization):
        waiting = PlannedAction.objects.filter(
            patient=OuterRef("patient"), completed_at=None, expires_at__gt=now - LOOK_BACK, expires_at__lte=now
        )
        enrolments = _enrolments(one).filter(~Q(protocol__schedule=[]) | Exists(waiting))
        _round(enrolments, work, tally, progress)
    return tally


def run_workflows(
    *,
    actor: Actor,
    now: datetime.datetime | None = None,
    organization: Organization | None = None,
    progress: Progress | None = None,
) -> Tally:
    """Fire the workflows whose day it is, for the patients that `raise_overdue_alerts` looks at, and plan for them too."""
    now, tally = now or timezone.now(), Tally()
    for one in _organizations(actor, organization):
        workflows = list(Workflow.objects.filter(organization=one, deleted_at=None))
        programs = {workflow.program_id for workflow in workflows}

        def work(care: Care, workflows: list[Workflow] = workflows) -> None:
            planned, fired = plan(actor, care, now), fire(actor, care, workflows, now)
            tally.planned, tally.fired = tally.planned + planned, tally.fired + fired

        enrolments = _enrolments(one).filter(~Q(protocol__schedule=[]) | Q(program_id__anyof=sorted(programs)))
        _round(enrolments, work, tally, progress)
    return tally


def _organizations(actor: Actor, organization: Organization | None) -> Iterable[Organization]:
    return [organization] if organization else scope(actor, Organization.objects.order_by("pk"))


def _enrolments(organization: Organization) -> QuerySet[Enrolment]:
    """Return the open enrolments of the organization's active patients."""
    return Enrolment.objects.filter(
        organization=organization, end_date=None, patient__status=Status.ACTIVE, patient__deleted_at=None
    )


def _round(enrolments: QuerySet[Enrolment], work: Callable[[Care], None], tally: Tally, progress: Progress | None) -> None:
    for patient_id in _patients(enrolments):
        try:
            with transaction.atomic():
                _visit(patient_id, work)
            tally.patients += 1
        except NotFound:
            continue  # Archived since the chunk was read.
        except Exception:
            tally.failed += 1
            logger.exception("monitoring of a patient failed", extra={"fields": {"patient_id": patient_id}})
        if progress:
            progress(tally)


def _visit(patient_id: int, work: Callable[[Care], None]) -> None:
    patient = lock_patient(patient_id)
    care = care_of(patient)
    # Both may have changed since the chunk was read.
    if care is not None and patient.status == Status.ACTIVE:
        work(care)


def _patients(enrolments: QuerySet[Enrolment]) -> Iterator[int]:
    """Yield the ids of the patients, in their order; of one patient one enrolment is open."""
    after, rows = 0, enrolments.order_by("patient_id").values_list("patient_id", flat=True)
    while chunk := list(rows.filter(patient_id__gt=after)[:CHUNK]):
        yield from chunk
        after = chunk[-1]
