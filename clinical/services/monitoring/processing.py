"""What staff do with monitoring alerts: escalate them to somebody, process them, and look again."""

import datetime
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import record_change
from accounts.models import Role, User, UserStatus
from accounts.permissions import CAREGIVERS
from accounts.scope import Actor
from clinical.models import (
    CommunicationDirection,
    CommunicationMode,
    MonitoringAlert,
    MonitoringAlertStatus,
)
from clinical.services.communications import log_communication
from config.core.databases import DatabaseNow
from config.core.exceptions import Invalid, NotFound
from patients.models import Patient
from patients.services.charts import lock_entry
from patients.services.locking import lock_patients

ESCALATED, PROCESSED = MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED
# Where each status leads.
TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        MonitoringAlertStatus.OPEN: frozenset({ESCALATED, PROCESSED}),
        ESCALATED: frozenset({PROCESSED}),
        PROCESSED: frozenset(),
    }
)
# What only an alert of one status can have, and why another one cannot.
_OF_A_STATUS: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        "processed_type": (PROCESSED, gettext_lazy("Only a processed alert has been processed in some way.")),
        "review_at": (PROCESSED, gettext_lazy("Only a processed alert is looked at again.")),
        "escalated_to_id": (ESCALATED, gettext_lazy("Only an escalated alert is escalated to somebody.")),
    }
)
_FREE = {"claimed_by": None, "claimed_until": None}


# --- processing -------------------------------------------------------------------------------------
@transaction.atomic
def process_alert(*, actor: Actor, patient_id: int, alert_id: int, status: str, log_call: bool = False, **details: Any) -> None:
    """Escalate or process an alert of a patient who is not archived, and end every claim to it.

    `details` may hold processed_type, action, additional_info, escalated_to_id (of a colleague), and review_at with
    review_by_id (a colleague or the actor); what is missing stays as it is. With `log_call`, `action` also becomes the note
    of a phone call in the communication log. Raises NotFound, or Invalid for a status that cannot follow the alert's own
    (code `transition`), for details that another status has, and for a person who may not process the alert.
    """
    alert = lock_entry(MonitoringAlert, patient_id, alert_id)
    if status not in TRANSITIONS[alert.status]:
        message = _("An alert cannot go from %(before)s to %(after)s.")
        raise Invalid(message % {"before": _word(alert.status), "after": _word(status)}, "status", "transition")
    _check_details(alert.patient, status, details)
    done = {"status": status, f"{status}_at": timezone.now(), f"{status}_by_id": actor.user_id, **details}
    MonitoringAlert.objects.filter(pk=alert.pk).update(**done, **_FREE, updated_at=DatabaseNow())
    verb = "process" if status == PROCESSED else "escalate"
    changed = ["status", *(name.removesuffix("_id") for name in details)]
    record_change(actor, f"monitoring_alert.{verb}", alert, event=f"monitoring_alert.{status}", changed=changed)
    if log_call:
        log_call_about(actor, alert, details.get("action"))


def _word(status: str) -> str:
    return str(MonitoringAlertStatus(status).label).lower()


def log_call_about(actor: Actor, alert: MonitoringAlert, note: str | None) -> None:
    """Log that the patient was called about an alert just now."""
    log_communication(
        actor=actor,
        patient_id=alert.patient_id,
        communication_datetime=timezone.now(),
        mode=CommunicationMode.PHONE,
        direction=CommunicationDirection.SENT,
        note=note,
    )


def _check_details(patient: Patient, status: str, details: Mapping[str, Any]) -> None:
    for name, (fitting, message) in _OF_A_STATUS.items():
        if status != fitting and details.get(name) is not None:
            raise Invalid(str(message), name.removesuffix("_id"))
    if (details.get("review_at") is None) != (details.get("review_by_id") is None):
        raise Invalid(_("Say both when and who looks again."), "review_at")
    if details.get("review_at") and details["review_at"] <= timezone.now():
        raise Invalid(_("Look again at a time that is still to come."), "review_at")
    for name in ("escalated_to_id", "review_by_id"):
        _check_colleague(patient, name, details.get(name))


def _check_colleague(patient: Patient, name: str, user_id: int | None) -> None:
    if user_id is not None and not colleagues_for(patient).filter(pk=user_id).exists():
        raise Invalid(_("This person cannot process alerts of this patient."), name.removesuffix("_id"))


def colleagues_for(*patients: Patient) -> QuerySet[User]:
    """Return who of their organization may see and change all these patients: its administrators, and their caregivers."""
    organizations = {patient.organization_id for patient in patients}
    if len(organizations) != 1:
        return User.objects.none()
    people = User.objects.filter(organization_id__in=organizations, status=UserStatus.ACTIVE)
    caring = Q(role__in=CAREGIVERS)
    for group in {patient.care_group_id for patient in patients}:
        caring &= Q(pk__in=_members(group))
    return people.filter(Q(role=Role.HC_ADMIN) | caring).order_by("last_name", "first_name", "pk")


def _members(care_group_id: int | None) -> QuerySet:
    rows = User.objects.filter(memberships__care_group_id=care_group_id, memberships__care_group__deleted_at=None)
    return (rows if care_group_id else rows.none()).values("pk")


@transaction.atomic
def process_alerts(*, actor: Actor, alerts: Collection[tuple[int, int]], status: str, **details: Any) -> tuple[int, int]:
    """Escalate or process several alerts, (patient id, alert id) pairs, with the same details, as `process_alert` does.

    Returns how many were, and how many could not be any more: they had been before, or their patient is archived.
    Raises Invalid for details that are wrong for one of them; then none is changed.
    """
    lock_patients({patient_id for patient_id, _alert_id in alerts})
    done = [_process_if_open(actor, *alert, status, details) for alert in sorted(alerts)]
    return done.count(True), done.count(False)


def _process_if_open(actor: Actor, patient_id: int, alert_id: int, status: str, details: Mapping[str, Any]) -> bool:
    try:
        process_alert(actor=actor, patient_id=patient_id, alert_id=alert_id, status=status, **details)
    except NotFound:
        return False
    except Invalid as refusal:
        if refusal.code != "transition":
            raise
        return False
    return True


# --- afterwards -------------------------------------------------------------------------------------
@transaction.atomic
def hand_over_alert(*, actor: Actor, patient_id: int, alert_id: int, escalated_to_id: int, **details: Any) -> None:
    """Escalate an alert that is escalated already to another colleague; `details` may hold additional_info.

    Raises NotFound, or Invalid for an alert that is not escalated or a person who may not process it.
    """
    alert = lock_entry(MonitoringAlert, patient_id, alert_id)
    if alert.status != ESCALATED:
        message = _("An alert that is %(status)s cannot be handed over.") % {"status": _word(alert.status)}
        raise Invalid(message, "status", "transition")
    _check_colleague(alert.patient, "escalated_to_id", escalated_to_id)
    handed = {"escalated_to_id": escalated_to_id, "escalated_by_id": actor.user_id, "escalated_at": timezone.now(), **details}
    MonitoringAlert.objects.filter(pk=alert.pk).update(**handed, **_FREE, updated_at=DatabaseNow())
    changed = ["escalated_to", *details]
    record_change(actor, "monitoring_alert.escalate", alert, event="monitoring_alert.escalated", changed=changed)


@transaction.atomic
def finish_review(*, actor: Actor, patient_id: int, alert_id: int, again_at: datetime.datetime | None = None) -> None:
    """Note that the actor has looked at a processed alert again. With `again_at` they will do so once more then.

    Raises NotFound, or Invalid for an alert that nobody was to look at.
    """
    alert = lock_entry(MonitoringAlert, patient_id, alert_id)
    if alert.review_at is None or alert.reviewed_at is not None:
        raise Invalid(_("Nobody was to look at this alert again."), "review_at")
    if again_at is not None and again_at <= timezone.now():
        raise Invalid(_("Look again at a time that is still to come."), "again_at")
    again = {"review_at": again_at, "review_by_id": actor.user_id} if again_at else {"reviewed_at": timezone.now()}
    MonitoringAlert.objects.filter(pk=alert.pk).update(**again, updated_at=DatabaseNow())
    changed = [name.removesuffix("_id") for name in again]
    record_change(actor, "monitoring_alert.review", alert, event="monitoring_alert.reviewed", changed=changed)
