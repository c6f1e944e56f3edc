"""The rules of merging for clinical tables, and what is kept in step with a chart that has moved."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.dispatch import receiver
from django.utils import timezone

from accounts.scope import Actor
from clinical.models import (
    Alert,
    Allergy,
    Appointment,
    CommunicationLog,
    Disease,
    Measurement,
    Medication,
    MonitoringAlert,
    MonitoringAlertStatus,
    PlannedAction,
    RuleOverride,
    SocialHistory,
    StarRating,
    VitalSigns,
    WorkflowFiring,
)
from clinical.services.allergies import end_none_known
from clinical.services.appointments import cancel_after_death
from clinical.services.social_history import keep_smoking_status
from clinical.services.vital_signs import keep_latest_date
from patients.models import Patient
from patients.services.merging.merge import chart_moved
from patients.services.merging.rules import Change, Pair, Reference, merge_rule, moves, moves_without_twins, twins_of

_STANDING = Q(deleted_at=None)
_UNPROCESSED = ~Q(status=MonitoringAlertStatus.PROCESSED)


def _planned_actions(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Move planned actions. Where the survivor is monitored already, what is still expected of the merged record stays there."""
    twins = twins_of(reference, pair, "program_action", "not_before")
    for row in reference.rows(pair.other):
        expected_twice = pair.is_enrolled and row.completed_at is None and row.expires_at > pair.at
        if row.pk not in twins and not expected_twice:
            yield reference.move(row, pair)


for model in (Alert, Allergy, Appointment, CommunicationLog, Disease, Medication, StarRating, VitalSigns):
    merge_rule(model, "patient_id", moves)
merge_rule(Measurement, "patient_id", moves_without_twins("external_id", among=Q(external_id__isnull=False)))
merge_rule(MonitoringAlert, "patient_id", moves_without_twins("rule_key", "window", among=_UNPROCESSED))
merge_rule(PlannedAction, "patient_id", _planned_actions)
merge_rule(RuleOverride, "patient_id", moves_without_twins("kind", "instrument_id", among=_STANDING))
merge_rule(SocialHistory, "patient_id", moves_without_twins("category", among=_STANDING))
merge_rule(WorkflowFiring, "patient_id", moves_without_twins("workflow_id", "trigger_day"))


@receiver(chart_moved)
def _keep_in_step(sender: type[Patient], *, actor: Actor, patient: Patient, **kwargs: Any) -> None:
    """Derive anew what a patient's row holds of the chart, and end what contradicts it: a statement, a visit after death."""
    keep_smoking_status(patient)
    keep_latest_date(patient)
    end_none_known(actor, patient)
    if patient.has_died:
        cancel_after_death(sender, actor=actor, patient=patient, at=patient.date_time_deceased or timezone.now())
