"""Workflows: what a program does on certain days since a patient began it."""

import datetime
from collections.abc import Collection

from django.db.models import Max

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Workflow, WorkflowFiring
from clinical.monitoring import day_of
from clinical.services.monitoring.context import Care
from clinical.services.monitoring.plans import MADE_UP_FOR


def fire(actor: Actor, care: Care, workflows: Collection[Workflow], now: datetime.datetime) -> int:
    """Fire those of `workflows` that belong to the patient's program and whose day it is, and return how many times.

    Day 0 is the day on which the enrolment begins; today is today in the organization's time zone, and
    days that were missed are made up for as plans are. A workflow fires once a day of a patient,
    however often this runs.
    """
    today = day_of(now, care.zone)
    began = care.enrolment.start_date
    days = [today - datetime.timedelta(days=back) for back in range(MADE_UP_FOR.days, -1, -1)]
    due = [
        (workflow, day)
        for workflow in workflows
        if workflow.program_id == care.enrolment.program_id
        for day in days
        if (day - began).days in workflow.days
    ]
    fired = _fired(care, {workflow.pk for workflow, _ in due}, days[0]) if due else set()
    new = [(workflow, day) for workflow, day in due if (workflow.pk, day) not in fired]
    counts = _counts(care, {workflow.pk for workflow, _ in new}) if new else {}
    for workflow, day in new:
        counts[workflow.pk] = counts.get(workflow.pk, 0) + 1
        _fire(actor, care, workflow, day, counts[workflow.pk])
    return len(new)


def _fired(care: Care, workflows: Collection[int], since: datetime.date) -> set[tuple[int, datetime.date]]:
    rows = WorkflowFiring.objects.filter(patient=care.patient, workflow_id__anyof=sorted(workflows), trigger_day__gte=since)
    return set(rows.values_list("workflow_id", "trigger_day"))


def _counts(care: Care, workflows: Collection[int]) -> dict[int, int]:
    rows = WorkflowFiring.objects.filter(patient=care.patient, workflow_id__anyof=sorted(workflows)).order_by()
    return dict(rows.values_list("workflow_id").annotate(Max("trigger_count")))


def _fire(actor: Actor, care: Care, workflow: Workflow, day: datetime.date, count: int) -> None:
    firing = WorkflowFiring.objects.create(
        organization_id=care.patient.organization_id,
        patient=care.patient,
        workflow=workflow,
        trigger_day=day,
        trigger_count=count,
    )
    record_change(actor, "workflow.fire", firing, event="workflow.fired", subject="workflow_firing")
