"""What the tests of webhooks under kills let other processes do."""

import os
from collections.abc import Callable
from typing import Any

from django.db import transaction

from accounts.models import OutboxEvent
from exports.models import WebhookDelivery
from exports.webhooks.worker import Worker
from patients.models import Patient
from patients.services.lifecycle import transition_status
from tests.factories import SYSTEM, Clinic

TYPES = ["patient.created", "patient.active", "patient.inactive"]
CLINICS: list[Clinic] = []


def prepare(ordered: str, others: list[str]) -> None:
    """Make a clinic, with an endpoint that asks for order and others that do not."""
    clinic = Clinic("Rook Hill")
    CLINICS.append(clinic)
    clinic.endpoint(ordered, event_types=TYPES, ordered_by_patient=True)
    for url in others:
        clinic.endpoint(url, event_types=TYPES)


def deliver() -> None:
    """Work until the process is killed, or its parent has ended."""
    parent = os.getppid()
    Worker().run(is_wanted=lambda: os.getppid() == parent)


def write(patients: int, changes: int) -> None:
    """Make patients, and change the status of each so often; every third change stays open for the next one."""
    made = [CLINICS[0].patient(status="active") for _ in range(patients)]
    for number in range(0, changes, 3):
        for patient in made:
            change(patient, number)
            with transaction.atomic():
                change(patient, number + 1)
                change(patient, number + 2)


def change(patient: Patient, number: int) -> None:
    status = "active" if number % 2 else "inactive"
    transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=number + 1, new_status=status)


def happened() -> list[tuple[str, int, int]]:
    """Return (id, patient, version) of every event that the endpoints are to be told of."""
    rows = OutboxEvent.objects.filter(organization_id=CLINICS[0].organization.pk, type__in=TYPES).order_by("pk")
    return [(str(uuid), patient, version) for uuid, patient, version in rows.values_list("uuid", "patient_id", "version")]


def left() -> int:
    """Return how many messages have not been delivered."""
    return WebhookDelivery.objects.exclude(status="delivered").count()


FORKED: dict[str, Callable[..., None]] = {"deliver": deliver, "write": write}
CALLED: dict[str, Callable[..., Any]] = {"prepare": prepare, "happened": happened, "left": left}
