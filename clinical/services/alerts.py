"""Creating, changing, disabling and archiving alerts on charts. Archiving sets their status."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Alert, AlertDefinition, AlertStatus
from config.core.databases import DatabaseNow
from config.core.exceptions import Invalid, NotFound
from config.core.orm import drop_nulls_for_not_null_columns
from patients.services.charts import add_entry, change_entry, check_version, correct_entry, lock_entry
from patients.services.locking import lock_patient


def effective_status(status: str, disable_on: datetime.date | None, today: datetime.date) -> str:
    """Return the status of an alert on `today`: an active alert is disabled from its `disable_on` on."""
    due = status == AlertStatus.ACTIVE and disable_on is not None and disable_on <= today
    return AlertStatus.DISABLED.value if due else status


def with_effective_status(status: str, today: Any) -> Q:
    """Return the condition that alerts have the effective `status` on `today`, a date or an expression for one."""
    standing, due = Q(status=AlertStatus.ACTIVE), Q(disable_on__lte=today)
    if status == AlertStatus.ACTIVE:
        return standing & (Q(disable_on=None) | Q(disable_on__gt=today))
    if status == AlertStatus.DISABLED:
        return Q(status=AlertStatus.DISABLED) | (standing & due)
    return Q(status=status)


@transaction.atomic
def create_alert(
    *, actor: Actor, patient_id: int, alert_definition_id: int, is_urgent: bool | None = None, **values: Any
) -> Alert:
    """Add an alert to the chart of a patient who is not archived. `is_urgent` defaults to that of its definition.

    `values` are further columns of Alert. Raises NotFound.
    """
    patient = lock_patient(patient_id)
    if is_urgent is None:
        is_urgent = AlertDefinition.objects.values_list("default_is_urgent", flat=True).get(pk=alert_definition_id)
    given = {**values, "alert_definition_id": alert_definition_id, "is_urgent": is_urgent, "created_by_id": actor.user_id}
    return add_entry(actor, patient, Alert, given)


@transaction.atomic
def update_alert(*, actor: Actor, patient_id: int, alert_id: int, base_version: int, changes: Mapping[str, Any]) -> None:
    """Write `changes` into an alert, even an archived one; null leaves a column that cannot be null as it is.

    If `changes` have a new status but no `date_disabled`, it is set: now for a disabled alert, null for an active one.
    Raises NotFound or VersionConflict.
    """
    alert = lock_entry(Alert, patient_id, alert_id)
    written = drop_nulls_for_not_null_columns(Alert, changes)
    if written.get("status", alert.status) != alert.status and "date_disabled" not in written:
        written |= _moment(written["status"])
    correct_entry(actor, alert, base_version, written)


def _moment(status: str) -> dict[str, Any]:
    """Return the `date_disabled` that goes with a new `status`; archiving leaves it unchanged."""
    moments: dict[str, Any] = {AlertStatus.ACTIVE: None, AlertStatus.DISABLED: timezone.now()}
    return {"date_disabled": moments[status]} if status in moments else {}


@transaction.atomic
def disable_alert(*, actor: Actor, patient_id: int, alert_id: int, base_version: int) -> None:
    """Disable an alert. If it is disabled already, nothing changes.

    Raises NotFound, VersionConflict, or Invalid for an archived alert.
    """
    alert = lock_entry(Alert, patient_id, alert_id)
    # The version comes first: the caller decided by the status that they saw.
    check_version(alert, base_version)
    if alert.status == AlertStatus.ARCHIVED:
        raise Invalid(_("An archived alert cannot be disabled."), "", "archived")
    _end(actor, alert, "disable", "disabled", status=AlertStatus.DISABLED, **_moment(AlertStatus.DISABLED))


@transaction.atomic
def archive_alert(*, actor: Actor, patient_id: int, alert_id: int) -> None:
    """Archive an alert. If it is archived already, nothing changes. Raises NotFound."""
    alert = lock_entry(Alert, patient_id, alert_id)
    _end(actor, alert, "archive", "archived", status=AlertStatus.ARCHIVED)


def _end(actor: Actor, alert: Alert, verb: str, past: str, **values: Any) -> None:
    """Write and record `values`. If the status is unchanged, nothing is written, and only the request is audited."""
    if alert.status != values["status"]:
        change_entry(alert, None, **values)
        record_change(actor, f"alert.{verb}", alert, event=f"alert.{past}", changed=values)
    else:
        # The request is audited, but nothing changed that could be published.
        record_change(actor, f"alert.{verb}", alert, event=None)


@transaction.atomic
def archive_alerts(*, actor: Actor, patient_id: int, uuids: Collection[UUID | str]) -> tuple[int, int]:
    """Archive several alerts of a patient, all or none. Returns how many were archived now, and how many had been.

    Raises NotFound if one of them is not an alert of this patient.
    """
    patient = lock_patient(patient_id)
    wanted = {str(uuid) for uuid in uuids}
    rows = Alert.objects.select_for_update().filter(patient_id=patient.pk, uuid__anyof=sorted(wanted))
    alerts = list(rows.order_by("id"))
    if len(alerts) < len(wanted):
        raise NotFound(_("Alert"))
    standing = [alert for alert in alerts if alert.status != AlertStatus.ARCHIVED]
    Alert.objects.filter(pk__anyof=[alert.pk for alert in standing]).update(
        status=AlertStatus.ARCHIVED, version=F("version") + 1, updated_at=DatabaseNow()
    )
    changed = ["status"] if standing else ()
    record_change(actor, "alert.archive", standing, event="alert.archived", changed=changed, patient=patient)
    return len(standing), len(alerts) - len(standing)
