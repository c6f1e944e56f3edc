"""Invented measurements of patients who measure at home, spread evenly over a year, and the alerts that they raised."""

import datetime
import random
from collections.abc import Iterator

from bench.seed.loading import BATCH, load
from bench.seed.organizations import MEASURED, Clinic
from bench.seed.people import LAST_DAY, LAST_MOMENT, uuid_at
from clinical.models import Flag, Measurement, MonitoringAlert, MonitoringAlertStatus, ProcessedType, RuleKind
from patients.models import Enrolment

FIRST_DAY = LAST_DAY - datetime.timedelta(days=365)
# So many measurements of each patient, three at a time.
A_PATIENT, TOGETHER = 500, 3
# Mean, deviation and places after the point, by instrument; what an orange and what a red alert lies above.
VALUES = {
    "bp_systolic": (128, 14, 0),
    "bp_diastolic": (80, 9, 0),
    "heart_rate": (72, 12, 0),
    "weight": (82, 15, 1),
    "glucose": (110, 25, 0),
    "mood": (6, 1.5, 0),
}
LIMITS = {
    "bp_systolic": (156, 166),
    "bp_diastolic": (98, 105),
    "heart_rate": (96, 105),
    "weight": (112, 122),
    "glucose": (160, 178),
}
COLUMNS = ("uuid", "organization_id", "patient_id", "instrument_id", "value_number", "measured_at", "created_at", "updated_at")
ENROLMENT = ("uuid", "organization_id", "patient_id", "program_id", "protocol_id", "start_date", "created_at", "updated_at")


def measure_at_home(clinic: Clinic, patients: list[int], count: int, chance: random.Random) -> None:
    """Enrol `patients`, which are ids, store `count` measurements of them, and raise the alerts."""
    load(Enrolment, ENROLMENT, _enrolments(clinic, patients, chance))
    load(Measurement, COLUMNS, _measurements(clinic, patients, count, chance))
    instruments = dict(zip(MEASURED, clinic.catalogs["Instrument"], strict=True))
    for code, limits in LIMITS.items():
        _raise_alerts(clinic, instruments[code], code, *limits)


def _enrolments(clinic: Clinic, patients: list[int], chance: random.Random) -> Iterator[tuple]:
    [program], [protocol] = clinic.catalogs["Program"], clinic.catalogs["Protocol"]
    began = LAST_MOMENT - datetime.timedelta(days=365)
    for patient in patients:
        yield uuid_at(began, chance), clinic.organization, patient, program, protocol, FIRST_DAY, began, began


def _measurements(clinic: Clinic, patients: list[int], count: int, chance: random.Random) -> Iterator[tuple]:
    """Yield rows of COLUMNS in the order of their creation."""
    instruments = list(zip(MEASURED, clinic.catalogs["Instrument"], strict=True))
    usual = {pk: chance.gauss(0, 1) for pk in patients}
    step = datetime.timedelta(days=365) / count
    for number in range(count):
        patient = patients[number // TOGETHER % len(patients)]
        code, instrument = instruments[number % len(instruments)]
        mean, deviation, places = VALUES[code]
        value = max(mean + deviation * (0.8 * usual[patient] + 0.6 * chance.gauss(0, 1)), 1)
        created = LAST_MOMENT - datetime.timedelta(days=365) + step * number
        measured = created - datetime.timedelta(seconds=chance.randrange(20, 600))
        text = f"{value:.{places}f}"
        yield uuid_at(created, chance), clinic.organization, patient, instrument, text, measured, created, created


def _raise_alerts(clinic: Clinic, instrument: int, code: str, orange: float, red: float) -> None:
    """Raise an alert for each value of an instrument above a limit; staff have processed three of four."""
    above = Measurement.objects.filter(organization_id=clinic.organization, instrument_id=instrument, value_number__gt=orange)
    alerts = [
        MonitoringAlert(
            organization_id=clinic.organization,
            patient=row.patient,
            care_group_id=row.patient.care_group_id,
            type=RuleKind.MEASUREMENT,
            flag=Flag.RED if row.value_number > red else Flag.ORANGE,
            instrument_id=instrument,
            measurement=row,
            rule_key=f"{RuleKind.MEASUREMENT}:{code}",
            window=row.measured_at.date().isoformat(),
            cause={"threshold": {"op": ">", "value": orange}},
            created_at=row.created_at,
            **(_processed(row) if number % 4 else {}),
        )
        for number, row in enumerate(above.select_related("patient").order_by("id"))
    ]
    MonitoringAlert.objects.bulk_create(alerts, batch_size=BATCH)


def _processed(row: Measurement) -> dict:
    return {
        "status": MonitoringAlertStatus.PROCESSED,
        "processed_at": row.created_at + datetime.timedelta(hours=3),
        "processed_type": ProcessedType.CONTACTED_PATIENT,
        "action": "Called, all well",
    }
