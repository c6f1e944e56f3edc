"""Charts with something of everything, and long ones."""

import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Role
from accounts.scope import Actor
from clinical.admin.chart.blocks import BANNER, BLOCKS
from clinical.admin.chart.reading import Chart, Options, read_blocks
from clinical.models import (
    Alert,
    Allergy,
    Appointment,
    CommunicationLog,
    Disease,
    Instrument,
    Measurement,
    Medication,
    MonitoringAlert,
    PlannedAction,
    SocialHistory,
    VitalSigns,
)
from clinical.services.vital_signs import record_vital_signs
from patients.models import FieldValue, Patient, ReferralAttribution, Relationship
from tests.factories import SYSTEM, Clinic

# A Wednesday. The clinics are in New York, where it is nine in the morning.
NOW = datetime.datetime(2024, 1, 17, 14, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
DRUGS = 330


def actor_for(clinic: Clinic, role: str = Role.HC_ADMIN) -> Actor:
    """Return the Actor of the clinic's user of `role`. Caregivers see its first group."""
    user = clinic.users[role]
    groups = (clinic.group.pk,) if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else ()
    return Actor(role=role, user_id=user.pk, organization_id=user.organization_id, group_ids=groups)


def read(clinic: Clinic, patient: Patient, *names: str, role: str = Role.HC_ADMIN, **options: Any) -> Any:
    """Return what the blocks `names` show of a chart at NOW; of a single one just that."""
    now = NOW.astimezone(clinic.organization.zone)
    chart = Chart(Patient.objects.get(pk=patient.pk), actor_for(clinic, role), now, Options(**options))
    found = read_blocks(chart, [BANNER if name == "banner" else BLOCKS[name] for name in names])
    return next(iter(found.values())) if len(names) == 1 else found


def fill(clinic: Clinic, patient: Patient, now: datetime.datetime = NOW) -> None:
    """Put an entry of each kind on the chart of `patient`, as of `now`."""
    for model in (Alert, Allergy, Disease, Medication, SocialHistory, FieldValue, ReferralAttribution, Relationship):
        clinic.entry(model, patient)
    clinic.tag(patient)
    clinic.appointment(patient, starts_at=now + DAY, ends_at=now + DAY + datetime.timedelta(minutes=20))
    clinic.appointment(patient, starts_at=now - DAY)
    clinic.entry(CommunicationLog, patient, communication_datetime=now - DAY, mode="phone", note="Called back")
    clinic.entry(MonitoringAlert, patient)
    clinic.entry(PlannedAction, patient, not_before=now - 2 * DAY, expires_at=now - DAY)
    measure(clinic, patient, [120, 121, 122], now)
    take_signs(patient, now.date() - DAY, bp_systolic=150, bp_diastolic=80, pulse=70)


def take_signs(patient: Patient, day: datetime.date, **values: Any) -> VitalSigns:
    """Record vital signs of a day."""
    return record_vital_signs(actor=SYSTEM, patient_id=patient.pk, date_taken=day, **values)


def measure(clinic: Clinic, patient: Patient, values: list[Any], now: datetime.datetime = NOW, code: str = "") -> Instrument:
    """Store a value a day, of which the last is an hour before `now`; None for a missed day."""
    instrument = clinic.catalog(Instrument, code.capitalize(), code=code, unit="mm[Hg]") if code else clinic.row(Instrument)
    moments = [now - datetime.timedelta(hours=1) - back * DAY for back in range(len(values) - 1, -1, -1)]
    Measurement.objects.bulk_create(
        Measurement(
            organization_id=patient.organization_id,
            patient=patient,
            instrument=instrument,
            measured_at=at,
            value_number=Decimal(str(value)),
        )
        for value, at in zip(values, moments, strict=True)
        if value is not None
    )
    return instrument


def lengthen(clinic: Clinic, patient: Patient, now: datetime.datetime = NOW) -> None:
    """Add four hundred entries to a chart, as an import of Synthea does: mostly medications and problems."""
    own = {"organization_id": patient.organization_id, "patient": patient}
    definition = clinic.least_entry(Disease)
    Medication.objects.bulk_create(
        Medication(**own, med_descript=f"Drug {number} 100 MG Oral Tablet", status="completed" if number % 4 else "active")
        for number in range(DRUGS)
    )
    Disease.objects.bulk_create(Disease(**own, **definition, problem_status="active") for _ in range(40))
    Appointment.objects.bulk_create(Appointment(**own, starts_at=now + number * DAY) for number in range(1, 11))
    for number in range(20):
        take_signs(patient, now.date() - number * 30 * DAY, pulse=70 + number, weight_lbs=150, height_inches=67, bp_systolic=140)
