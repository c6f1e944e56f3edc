"""What is sent: that something happened, to which row and where to read it, and none of its values.

A message of Standard Webhooks holds the event as the event stream shows it (docs/events.md). Luscii's envelope has the names of
its public pages, for the events whose names are known: a patient was created, and a patient's status was changed.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from accounts.models import Organization
from config.core.caching import cached
from exports.models import WebhookDelivery, WebhookFormat
from patients.models import MutationType, Patient, PatientMutation, Status
from patients.serializer_fields import PUBLIC_STATUS

CREATED = "patient.created"
# The event of a patient -> the status that they have since then.
STATUSES: Mapping[str, str] = {
    "patient.active": Status.ACTIVE,
    "patient.inactive": Status.INACTIVE,
    "patient.deceased": Status.DECEASED,
    "patient.archived": Status.ARCHIVED,
    "patient.restored": Status.INACTIVE,
}


@cached
def luscii_types() -> frozenset[str]:
    """Return the types of events that Luscii's envelope has names for."""
    return frozenset({CREATED, *STATUSES})


def bodies(deliveries: Collection[WebhookDelivery]) -> list[bytes]:
    """Return the body of each delivery, whose event and endpoint are loaded. It is the same however often it is sent."""
    facts = _Facts(deliveries)
    return [orjson.dumps(_WRITERS[delivery.endpoint.format](delivery, facts)) for delivery in deliveries]


class _Facts:
    """What bodies tell beside the events themselves, fetched for all of them at once."""

    def __init__(self, deliveries: Collection[WebhookDelivery]):
        organizations = {delivery.organization_id for delivery in deliveries}
        patients = {delivery.patient_id for delivery in deliveries if delivery.patient_id is not None}
        self.organizations = dict(Organization.objects.filter(pk__in=organizations).values_list("pk", "uuid"))
        self.patients: dict[int | None, UUID] = dict(Patient.objects.filter(pk__in=patients).values_list("pk", "uuid"))
        changed = {
            delivery.patient_id
            for delivery in deliveries
            if delivery.endpoint.format == WebhookFormat.LUSCII
            and delivery.event.type in STATUSES
            and delivery.patient_id is not None
        }
        self.statuses = _statuses(changed) if changed else {}

    def statuses_of(self, delivery: WebhookDelivery) -> tuple[str | None, str]:
        """Return the status before the event, None where the history does not tell, and the one since then."""
        changes = self.statuses.get(delivery.patient_id, [])
        known = [status for at, status in changes if at <= delivery.event.created_at]
        # The last one is the change of which the event tells: who is merged no longer has whatever status they had. The
        # status of a new patient is no change.
        return (known[-2] if len(known) > 1 else None), (known[-1] if known else STATUSES[delivery.event.type])


def _statuses(patients: Collection[int]) -> Mapping[int | None, list[tuple[datetime.datetime, str]]]:
    """Return the statuses that patients came to have, and when, the oldest first."""
    found: dict[int | None, list[tuple[datetime.datetime, str]]] = defaultdict(list)
    rows = PatientMutation.objects.filter(patient_id__in=patients, type=MutationType.STATUS).order_by("created_at", "pk")
    for patient_id, at, status in rows.values_list("patient_id", "created_at", "name"):
        found[patient_id].append((at, status or ""))
    return found


def _standard(delivery: WebhookDelivery, facts: _Facts) -> dict[str, Any]:
    event = delivery.event
    data = {
        "id": event.uuid,
        "organization_uuid": facts.organizations[delivery.organization_id],
        "subject_uuid": event.subject_uuid,
        "patient_uuid": facts.patients.get(delivery.patient_id),
        "version": event.version,
        "key_id": event.key_id,
    }
    return {"type": event.type, "timestamp": event.created_at, "data": data}


def _luscii(delivery: WebhookDelivery, facts: _Facts) -> dict[str, Any]:
    event = delivery.event
    # A test, and what was to be sent when the endpoint took this format, have no name there.
    if event.type not in luscii_types():
        return _standard(delivery, facts)
    kind, change = "created", {}
    if event.type in STATUSES:
        old, new = facts.statuses_of(delivery)
        # The reason of a change is not kept.
        statuses = {"oldStatus": old and PUBLIC_STATUS[old], "newStatus": PUBLIC_STATUS[new], "reason": None}
        kind, change = "status_updated", {"statusChange": statuses}
    url = f"{settings.PUBLIC_URL}/v1/patients/{event.subject_uuid}"
    return {
        "eventType": f"com.luscii.patient.{kind}.v1",
        "eventId": event.uuid,
        "datetime": event.created_at,
        "organizationId": facts.organizations[delivery.organization_id],
        "payload": {"url": url, "resource": {"id": event.subject_uuid}, **change},
    }


_WRITERS: Mapping[str, Callable[[WebhookDelivery, _Facts], dict[str, Any]]] = {
    WebhookFormat.STANDARD: _standard,
    WebhookFormat.LUSCII: _luscii,
}
