"""Firing the workflows of a program on certain days after a patient's enrolment."""

import datetime
from collections.abc import Collection

from django.db.models import Max

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Workflow, WorkflowFiring
from clinical.monitoring import day_of
from clinical.services.monitoring.context import MonitoringContext
from clinical.services.monitoring.plans import CATCH_UP_LIMIT


def fire_workflows(actor: Actor, context: MonitoringContext, workflows: Collection[Workflow], now: datetime.datetime) -> int:
    """Fire those of `workflows` that belong to the patient's program and are due, and return how many times.

    Day 0 is the day on which the enrolment begins. Today is in the organization's time zone, and missed
    days are caught up within CATCH_UP_LIMIT. A workflow fires at most once per patient and day, however
    often this runs.
    """
    today = day_of(now, context.zone)
    began = context.enrolment.start_date
    days = [today - datetime.timedelta(days=back) for back in range(CATCH_UP_LIMIT.days, -1, -1)]
    due = [
        (workflow, day)
        for workflow in workflows
        if workflow.program_id == context.enrolment.program_id
        for day in days
        if (day - began).days in workflow.days
    ]
    fired = _fired(context, {workflow.pk for workflow, _ in due}, days[0]) if due else set()
    new = [(workflow, day) for workflow, day in due if (workflow.pk, day) not in fired]
    counts = _counts(context, {workflow.pk for workflow, _ in new}) if new else {}
    for workflow, day in new:
        counts[workflow.pk] = counts.get(workflow.pk, 0) + 1
        _record_firing(actor, context, workflow, day, counts[workflow.pk])
    return len(new)


def _fired(context: MonitoringContext, workflows: Collection[int], since: datetime.date) -> set[tuple[int, datetime.date]]:
    rows = WorkflowFiring.objects.filter(patient=context.patient, workflow_id__anyof=sorted(workflows), trigger_day__gte=since)
    return set(rows.values_list("workflow_id", "trigger_day"))


def _counts(context: MonitoringContext, workflows: Collection[int]) -> dict[int, int]:
    rows = WorkflowFiring.objects.filter(patient=context.patient, workflow_id__anyof=sorted(workflows)).order_by()
    return dict(rows.values_list("workflow_id").annotate(Max("trigger_count")))


def _record_firing(actor: Actor, context: MonitoringContext, workflow: Workflow, day: datetime.date, count: int) -> None:
    firing = WorkflowFiring.objects.create(
        organization_id=context.patient.organization_id,
        patient=context.patient,
        workflow=workflow,
        trigger_day=day,
        trigger_count=count,
    )
    record_change(actor, "workflow.fire", firing, event="workflow.fired", subject="workflow_firing")
