"""Fill a database with measurements: `python -m bench.measurements 1000000`. Deterministic; refuses a database with patients.

The first organization gets as many as it says, spread evenly over a year, and each other one a tenth
of that. Patients measure three things in one go, every other day; a value that passes a limit has
raised an alert, one in fifty. PostgreSQL only.
"""

import datetime
import random
import sys
import uuid
from collections.abc import Iterator

import django

from bench import seed

# So many measurements the first organization has of each patient.
A_PATIENT = 500
TOGETHER = 3
CHUNK = 20_000
FIRST_DAY = datetime.date(2025, 1, 1)
DAYS = 365
BEGIN = datetime.datetime.combine(FIRST_DAY, datetime.time(), datetime.UTC)
# Mean, deviation and places after the point, by instrument; the order in which a patient measures.
VALUES = {
    "bp_systolic": (128, 14, 0),
    "bp_diastolic": (80, 9, 0),
    "heart_rate": (72, 12, 0),
    "weight": (82, 15, 1),
    "glucose": (110, 25, 0),
    "mood": (6, 1.5, 0),
}
# What an orange and what a red alert lies above.
LIMITS = {
    "bp_systolic": (156, 166),
    "bp_diastolic": (98, 105),
    "heart_rate": (96, 105),
    "weight": (112, 122),
    "glucose": (160, 178),
}
COLUMNS = (
    "uuid",
    "organization_id",
    "patient_id",
    "instrument_id",
    "value_number",
    "measured_at",
    "created_at",
    "updated_at",
)


def main(count: int) -> None:
    """Make `count` measurements for the first organization, and print the organizations with their keys."""
    from accounts.models import Organization
    from accounts.services.catalogs import create_catalog_row
    from clinical.models import Instrument
    from exports.demo.catalogs import CATALOGS

    seed.main(seed.ORGANIZATIONS * max(count // A_PATIENT, 1))
    for number, organization in enumerate(Organization.objects.order_by("id")):
        rows = [row for row in CATALOGS[Instrument] if row["code"] in VALUES]
        made = [create_catalog_row(actor=_actor(), model=Instrument, organization=organization, **row) for row in rows]
        instruments = {row.code: row.pk for row in made}
        patients = _enrolled(organization)
        _measure(organization, patients, instruments, count if number == 0 else count // 10, random.Random(number))
        for code in LIMITS:
            _raise_alerts(organization, code)


def _actor():
    from accounts.scope import Actor

    return Actor.system("bench")


def _enrolled(organization) -> list[int]:
    """Give the organization's patients a care group and a protocol, and return their ids."""
    from accounts.models import CareGroup
    from accounts.services.catalogs import create_catalog_row
    from patients.models import Enrolment, Patient, Program, Protocol

    def catalog(model, name: str, **values):
        return create_catalog_row(actor=_actor(), model=model, organization=organization, name=name, **values)

    patients = list(Patient.objects.filter(organization=organization).order_by("id").values_list("id", flat=True))
    for number, name in enumerate(("Heart failure", "Diabetes", "Hypertension")):
        theirs = patients[number::3]
        program = catalog(Program, f"{name} at home")
        protocol = catalog(Protocol, f"{name}, three times a week", program=program)
        Patient.objects.filter(id__in=theirs).update(care_group=catalog(CareGroup, f"{name} team"))
        enrolments = [
            Enrolment(organization=organization, patient_id=pk, program=program, protocol=protocol, start_date=FIRST_DAY)
            for pk in theirs
        ]
        Enrolment.objects.bulk_create(enrolments, batch_size=seed.CHUNK)
    return patients


def _measure(organization, patients: list[int], instruments: dict[str, int], count: int, chance: random.Random) -> None:
    """Load `count` measurements of `patients` by COPY."""
    from django.db import connection

    rows = _measurements(organization.pk, patients, instruments, count, chance)
    for start in range(0, count, CHUNK):
        with connection.cursor() as cursor, cursor.copy(f"COPY clinical_measurement ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for _ in range(min(CHUNK, count - start)):
                copy.write_row(next(rows))
        print(f"\r{organization.name}: {min(start + CHUNK, count):,} of {count:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _measurements(
    organization: int, patients: list[int], instruments: dict[str, int], count: int, chance: random.Random
) -> Iterator[tuple]:
    """Yield rows of COLUMNS in the order of their creation."""
    codes = list(VALUES)
    usual = {pk: chance.gauss() for pk in patients}
    step = datetime.timedelta(days=DAYS) / count
    for number in range(count):
        patient, code = patients[number // TOGETHER % len(patients)], codes[number % len(codes)]
        mean, deviation, places = VALUES[code]
        value = max(mean + deviation * (0.8 * usual[patient] + 0.6 * chance.gauss()), 1)
        created = BEGIN + step * number
        measured = created - datetime.timedelta(seconds=chance.randrange(20, 600))
        row_uuid = uuid.UUID(int=chance.getrandbits(128), version=4)
        yield row_uuid, organization, patient, instruments[code], f"{value:.{places}f}", measured, created, created


def _raise_alerts(organization, code: str) -> None:
    """Raise an alert for each measured value of `code` above a limit; staff have processed three of four."""
    from accounts.models import User
    from clinical.models import Flag, Measurement, MonitoringAlert, RuleKind

    orange, red = LIMITS[code]
    above = Measurement.objects.filter(organization=organization, instrument__code=code, value_number__gt=orange)
    staff = User.objects.get(organization=organization)
    alerts = [
        MonitoringAlert(
            organization=organization,
            patient=row.patient,
            care_group_id=row.patient.care_group_id,
            type=RuleKind.MEASUREMENT,
            flag=Flag.RED if row.value_number > red else Flag.ORANGE,
            instrument_id=row.instrument_id,
            measurement=row,
            rule_key=f"{RuleKind.MEASUREMENT}:{code}",
            window=row.measured_at.date().isoformat(),
            cause={"threshold": {"op": ">", "value": orange}},
            created_at=row.created_at,
            **(_processed(row, staff) if number % 4 else {}),
        )
        for number, row in enumerate(above.select_related("patient").order_by("id"))
    ]
    MonitoringAlert.objects.bulk_create(alerts, batch_size=seed.CHUNK)


def _processed(row, staff) -> dict:
    from clinical.models import MonitoringAlertStatus, ProcessedType

    return {
        "status": MonitoringAlertStatus.PROCESSED,
        "processed_at": row.created_at + datetime.timedelta(hours=3),
        "processed_by": staff,
        "processed_type": ProcessedType.CONTACTED_PATIENT,
        "action": "Called, all well",
    }


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(int(sys.argv[1]))
