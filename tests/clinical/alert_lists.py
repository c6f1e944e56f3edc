"""Helpers of alert tests: the alerts of a list, the patients of its audit events, and outbox events."""

import datetime

from accounts.models import AuditedPatient, AuditEvent, Organization, OutboxEvent, Role
from clinical.models import Alert
from config.core.dates import today_at
from tests.factories import Clinic


def of(clinic: Clinic, patient) -> str:
    """Return the address of a patient's alerts."""
    return f"{clinic.base}/patients/{patient.uuid}/alerts"


def listed(api, path: str, role: str = Role.HC_ADMIN, **query: str) -> set[str]:
    """Return the ids that a list shows; its total must be their number."""
    answer = api(role).get(path, query or None)
    assert answer.status_code == 200, answer.content
    ids = {item["id"] for item in answer.json()["items"]}
    assert answer.json()["total"] == len(ids)
    return ids


def ids(*rows: Alert) -> set[str]:
    return {str(row.uuid) for row in rows}


def affected_patients(action: str) -> list[set[int]]:
    """Return the patients of each event of `action`."""
    found = AuditEvent.objects.filter(action=action, outcome="ok").order_by("id")
    return [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in found]


def published(kind: str) -> list[str]:
    """Return the subjects of the outbox events of `kind`."""
    return [str(event.subject_uuid) for event in OutboxEvent.objects.filter(type=f"alert.{kind}").order_by("id")]


def move(clinic: Clinic, zone: str) -> datetime.date:
    """Move the clinic to a time zone; return today's date there."""
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone=zone)
    return today_at(zone)
