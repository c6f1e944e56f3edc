"""Raising monitoring alerts."""

import datetime
from collections.abc import Collection, Iterable
from typing import Any

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import MonitoringAlert, MonitoringAlertStatus
from clinical.monitoring import ExistingAlert, RuleMatch, reconcile_alerts
from clinical.services.monitoring.context import MonitoringContext
from config.core.bulk_writes import ROWS_A_STATEMENT, insert_many
from config.core.databases import DatabaseNow
from patients.models import Patient


def raise_alerts(actor: Actor, context: MonitoringContext, matches: Collection[RuleMatch]) -> int:
    """Create alerts for `matches`, or raise the flags of existing ones, and return how many alerts are new.

    The patient's row is locked, so that two transactions never start from the same existing alerts.
    Both new alerts and raised flags are published as raised. Nothing is raised about a patient who is not active,
    or who has died.
    """
    if not matches or not context.patient.is_followed:
        return 0
    reconciled = reconcile_alerts(matches, _existing_alerts(context.patient, matches))
    new = [_new_alert(context, alert, match) for alert, match in reconciled if alert.pk is None]
    if new:
        insert_many(MonitoringAlert, new, with_ids=True)
        record_change(actor, "monitoring_alert.raise", new, event="monitoring_alert.raised")
    _raise_flags(actor, context, [(alert.pk, match) for alert, match in reconciled if alert.pk is not None])
    return len(new)


def _existing_alerts(patient: Patient, matches: Collection[RuleMatch]) -> Iterable[ExistingAlert]:
    """Yield the alerts of the same rules whose windows may cover those of `matches`."""
    bounds = [bound for match in matches for bound in _window_bounds(match)]
    rows = MonitoringAlert.objects.filter(
        patient=patient,
        rule_key__anyof=sorted({match.rule_key for match in matches}),
        window__gte=min(bounds),
        window__lte=max(bounds),
    )
    columns = ("pk", "rule_key", "window", "flag", "status", "measurement__uuid")
    for pk, key, window, flag, status, measurement in rows.order_by("pk").values_list(*columns):
        yield ExistingAlert(pk, key, window, flag, status == MonitoringAlertStatus.PROCESSED, measurement and str(measurement))


def _window_bounds(match: RuleMatch) -> tuple[str, str]:
    """Return the first and the last window that may cover that of `match`; ISO days sort as text."""
    if not match.days:
        return match.window, match.window
    day, days = datetime.date.fromisoformat(match.window), datetime.timedelta(days=match.days)
    return (day - days).isoformat(), (day + days).isoformat()


def _new_alert(context: MonitoringContext, alert: ExistingAlert, match: RuleMatch) -> MonitoringAlert:
    patient, enrolment = context.patient, context.enrolment
    return MonitoringAlert(
        organization_id=patient.organization_id,
        patient=patient,
        care_group_id=patient.care_group_id,
        program_id=enrolment.program_id,
        protocol_id=enrolment.protocol_id,
        type=match.kind,
        flag=match.flag,
        rule_key=alert.rule_key,
        window=alert.window,
        **_cause_columns(context, match),
    )


def _cause_columns(context: MonitoringContext, match: RuleMatch) -> dict[str, Any]:
    """Return the columns that explain an alert."""
    return {
        "cause": match.cause,
        "instrument_id": context.instruments[match.instrument].pk if match.instrument else None,
        "measurement_id": match.value.pk if match.value else None,
    }


def _raise_flags(actor: Actor, context: MonitoringContext, raised: list[tuple[int, RuleMatch]]) -> None:
    if not raised:
        return
    rows = MonitoringAlert.objects.in_bulk([pk for pk, _ in raised])
    for pk, match in raised:
        vars(rows[pk]).update(flag=match.flag, updated_at=DatabaseNow(), **_cause_columns(context, match))
    columns = ["flag", "cause", "instrument", "measurement", "updated_at"]
    MonitoringAlert.objects.bulk_update(rows.values(), columns, batch_size=ROWS_A_STATEMENT)
    alerts, changed = rows.values(), ["flag", "cause"]
    record_change(actor, "monitoring_alert.raise_flag", alerts, event="monitoring_alert.raised", changed=changed)


# --- processing -------------------------------------------------------------------------------------
