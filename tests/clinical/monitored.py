"""A clinic that monitors: three instruments, a protocol that tests write, and patients who measure."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent
from clinical.models import Instrument, Measurement, MonitoringAlert, RuleOverride
from clinical.services.monitoring import evaluate_measurements
from clinical.services.overrides import create_override
from clinical.services.protocols import update_protocol
from patients.models import Enrolment, Patient, Protocol
from patients.services.locking import lock_patient
from tests.factories import NOON, SYSTEM, Clinic


class Monitored:
    """What tests of monitoring do with a clinic."""

    def __init__(self, clinic: Clinic):
        self.clinic = clinic
        kinds: dict[str, dict[str, Any]] = {"weight": {}, "pulse": {}, "mood": {"kind": "choice", "choices": ["low", "high"]}}
        self.instruments = {
            code: clinic.catalog(Instrument, code.capitalize(), code=code, **values) for code, values in kinds.items()
        }

    @property
    def protocol(self) -> Protocol:
        """The clinic's protocol as it stands."""
        return Protocol.objects.get(pk=self.clinic.catalogs["protocol"].pk)

    def prescribe(self, *rules: dict, schedule: Iterable[dict] = ()) -> None:
        """Give the protocol these rules and this schedule, and no others."""
        row, changes = self.protocol, {"rules": list(rules), "schedule": list(schedule)}
        update_protocol(actor=SYSTEM, row=row, base_version=row.version, changes=changes)

    def patient(self, **values: Any) -> Patient:
        """Return a new patient who is enrolled under the protocol."""
        return self.clinic.enrolled(**{"care_group_id": self.clinic.group.pk, **values})

    def own(self, patient: Patient, kind: str, instrument: str | None, *rules: dict) -> RuleOverride:
        """Give a patient rules of their own."""
        return create_override(actor=SYSTEM, patient_id=patient.pk, kind=kind, instrument=instrument, rules=list(rules))

    def stored(self, patient: Patient, number: Any, when: datetime.datetime = NOON, code: str = "weight", **values: Any):
        """Return a measurement that is stored and not evaluated yet."""
        column = {"value_choice": number} if isinstance(number, str) else {"value_number": Decimal(str(number))}
        return Measurement.objects.create(
            organization_id=patient.organization_id,
            patient=patient,
            instrument=self.instruments[code],
            measured_at=when,
            **column,
            **values,
        )

    def evaluate(self, patient: Patient, *measurements: Measurement) -> int:
        """Evaluate measurements as `record_measurements` does."""
        with transaction.atomic():
            return evaluate_measurements(actor=SYSTEM, patient=lock_patient(patient.pk), measurements=measurements)

    def measure(self, patient: Patient, number: Any, when: datetime.datetime = NOON, code: str = "weight", **values: Any):
        """Store a measurement, evaluate it, and return it."""
        row = self.stored(patient, number, when, code, **values)
        self.evaluate(patient, row)
        return row


def end_enrolment(patient: Patient) -> None:
    """End the patient's enrolment."""
    for row in Enrolment.objects.filter(patient=patient):
        Enrolment.objects.filter(pk=row.pk).update(end_date=row.start_date)


def alerts(patient: Patient) -> list[tuple[str, str, str]]:
    """Return type, flag and window of the patient's alerts, oldest first."""
    return list(MonitoringAlert.objects.filter(patient=patient).order_by("pk").values_list("type", "flag", "window"))


def audited(patient: Patient, action: str) -> list[tuple[str, int | None, str]]:
    """Return subject, its id and the changed fields of the audit events of `action` about the patient."""
    events = AuditedPatient.objects.filter(patient_id=patient.pk).values("event_id")
    rows = AuditEvent.objects.filter(action=action, pk__in=events).order_by("pk")
    return list(rows.values_list("subject", "subject_id", "changed_fields"))


def published(type: str) -> list:
    """Return the UUIDs of the objects that events of `type` in the outbox are about."""
    return list(OutboxEvent.objects.filter(type=type).order_by("pk").values_list("subject_uuid", flat=True))
