"""Raising alerts, and staff's work on them."""

import datetime
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import MonitoringAlert, MonitoringAlertStatus
from clinical.monitoring import Standing, Verdict, settle
from clinical.services.monitoring.context import Care
from config.core.databases import ROWS_A_STATEMENT, DatabaseNow, insert_many
from config.core.exceptions import Invalid
from patients.models import Patient
from patients.services.charts import lock_entry

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        MonitoringAlertStatus.OPEN: frozenset({MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED}),
        MonitoringAlertStatus.ESCALATED: frozenset({MonitoringAlertStatus.PROCESSED}),
        MonitoringAlertStatus.PROCESSED: frozenset(),
    }
)
"""Where each status leads."""


# --- raising ----------------------------------------------------------------------------------------
def raise_alerts(actor: Actor, care: Care, verdicts: Collection[Verdict]) -> int:
    """Raise what `verdicts` come to beside the alerts that stand, and return how many alerts are new.

    The patient's row is locked, so that two of these never judge by the same past. What rises and
    what is new is audited and told to the outbox as raised, each by one statement.
    """
    if not verdicts:
        return 0
    settled = settle(verdicts, _standing(care.patient, verdicts))
    new = [_new(care, alert, verdict) for alert, verdict in settled if alert.pk is None]
    if new:
        insert_many(MonitoringAlert, new, with_ids=True)
        record_change(actor, "monitoring_alert.raise", new, event="monitoring_alert.raised")
    _raise_flags(actor, care, [(alert.pk, verdict) for alert, verdict in settled if alert.pk is not None])
    return len(new)


def _standing(patient: Patient, verdicts: Collection[Verdict]) -> Iterable[Standing]:
    """Return the alerts of the rules of `verdicts` whose windows may stand for theirs."""
    bounds = [bound for verdict in verdicts for bound in _reach(verdict)]
    rows = MonitoringAlert.objects.filter(
        patient=patient,
        rule_key__anyof=sorted({verdict.rule_key for verdict in verdicts}),
        window__gte=min(bounds),
        window__lte=max(bounds),
    )
    columns = ("pk", "rule_key", "window", "flag", "status", "measurement__uuid")
    for pk, key, window, flag, status, measurement in rows.order_by("pk").values_list(*columns):
        yield Standing(pk, key, window, flag, status == MonitoringAlertStatus.PROCESSED, measurement and str(measurement))


def _reach(verdict: Verdict) -> tuple[str, str]:
    """Return the first and the last window that may stand for that of `verdict`; days sort as text."""
    if not verdict.days:
        return verdict.window, verdict.window
    day, days = datetime.date.fromisoformat(verdict.window), datetime.timedelta(days=verdict.days)
    return (day - days).isoformat(), (day + days).isoformat()


def _new(care: Care, alert: Standing, verdict: Verdict) -> MonitoringAlert:
    patient, enrolment = care.patient, care.enrolment
    return MonitoringAlert(
        organization_id=patient.organization_id,
        patient=patient,
        care_group_id=patient.care_group_id,
        program_id=enrolment.program_id,
        protocol_id=enrolment.protocol_id,
        type=verdict.kind,
        flag=verdict.flag,
        rule_key=alert.rule_key,
        window=alert.window,
        **_found(care, verdict),
    )


def _found(care: Care, verdict: Verdict) -> dict[str, Any]:
    """Return the columns that tell why."""
    return {
        "cause": verdict.cause,
        "instrument_id": care.instruments[verdict.instrument].pk if verdict.instrument else None,
        "measurement_id": verdict.value.pk if verdict.value else None,
    }


def _raise_flags(actor: Actor, care: Care, raised: list[tuple[int, Verdict]]) -> None:
    if not raised:
        return
    rows = MonitoringAlert.objects.in_bulk([pk for pk, _ in raised])
    for pk, verdict in raised:
        vars(rows[pk]).update(flag=verdict.flag, updated_at=DatabaseNow(), **_found(care, verdict))
    columns = ["flag", "cause", "instrument", "measurement", "updated_at"]
    MonitoringAlert.objects.bulk_update(rows.values(), columns, batch_size=ROWS_A_STATEMENT)
    alerts, changed = rows.values(), ["flag", "cause"]
    record_change(actor, "monitoring_alert.raise_flag", alerts, event="monitoring_alert.raised", changed=changed)


# --- processing -------------------------------------------------------------------------------------
@transaction.atomic
def process_alert(*, actor: Actor, patient_id: int, alert_id: int, status: str, **details: Any) -> None:
    """Escalate or process an alert of a patient who is not archived.

    `details` are processed_type, action and additional_info, as far as they are given; what is not
    given stays. Raises NotFound, or Invalid for a status that the alert's own does not lead to, and
    for a processed_type of an alert that is not processed.
    """
    alert = lock_entry(MonitoringAlert, patient_id, alert_id)
    if status not in TRANSITIONS[alert.status]:
        raise Invalid(f"An alert can not go from {alert.status} to {status}.", "status", "transition")
    if status != MonitoringAlertStatus.PROCESSED and details.get("processed_type") is not None:
        raise Invalid("Only a processed alert has been processed in some way.", "processed_type")
    done = {"status": status, f"{status}_at": timezone.now(), f"{status}_by_id": actor.user_id, **details}
    MonitoringAlert.objects.filter(pk=alert.pk).update(**done, updated_at=DatabaseNow())
    verb = "process" if status == MonitoringAlertStatus.PROCESSED else "escalate"
    event = f"monitoring_alert.{status}"
    record_change(actor, f"monitoring_alert.{verb}", alert, event=event, changed=["status", *details])
