"""Rows that are saved are stored as the ORM stores them, by statements that are made once for their columns."""

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.db.models.functions import Upper

from clinical.models import Instrument, Measurement, PlannedAction
from config.core.orm import QuicklyInserted
from patients.models import Patient

pytestmark = pytest.mark.django_db

A_MINUTE = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.UTC)
A_MOMENT = A_MINUTE.replace(microsecond=1)
ITS_OWN = ("id", "uuid", "created_at", "updated_at")

# Values of the columns' own types, and texts and numbers that they convert.
PEOPLE: list[dict[str, Any]] = [
    {},
    {
        "middle_name": "Ünal",
        "date_of_birth": datetime.date(1999, 2, 28),
        "date_time_deceased": A_MOMENT,
        "receives_sms": True,
        "consent_flags": 7,
        "billing_account": {"nested": [1, None, "é"]},
        "balance_total": Decimal("12.50"),
        "bsn_sealed": b"\x00\xff",
    },
    {
        "middle_name": 12,
        "date_of_birth": "1999-02-28",
        "date_time_deceased": "2030-01-01T12:00:00+02:00",
        "receives_sms": 1,
        "consent_flags": "7",
        "billing_account": "text",
        "balance_total": "12.5",
        "bsn_sealed": memoryview(b"\x00\xff"),
    },
]


def stored(row: models.Model) -> dict[str, Any]:
    """Return the cells of `row` as the database holds them, but for those in which no two rows are alike."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {row._meta.db_table} WHERE id = %s", [row.pk])  # noqa: S608 - a table of ours
        (cells,) = cursor.fetchall()
        names = [column[0] for column in cursor.description]
    return {name: cell for name, cell in zip(names, cells, strict=True) if name not in ITS_OWN}


def types(row: models.Model) -> dict[str, type]:
    return {name: type(value) for name, value in vars(row).items()}


def by_the_orm(row: models.Model, monkeypatch: pytest.MonkeyPatch) -> models.Model:
    with monkeypatch.context() as patch:
        patch.setattr(QuicklyInserted, "_do_insert", models.Model._do_insert)
        row.save(force_insert=True)
    return row


@pytest.mark.parametrize("values", PEOPLE, ids=["defaults", "own types", "other types"])
def test_a_patient_is_stored_as_by_the_orm(clinic, monkeypatch, values):
    ours, theirs = (Patient(organization=clinic.organization, care_group=clinic.group, **values) for _ in range(2))
    ours.save(force_insert=True)
    assert stored(ours) == stored(by_the_orm(theirs, monkeypatch))
    assert isinstance(ours.created_at, datetime.datetime)
    assert types(ours) == types(theirs)


def test_moments_and_decimals_are_stored_as_by_the_orm(clinic, monkeypatch):
    patient, instrument = clinic.patient(), clinic.row(Instrument)
    given = {"organization": clinic.organization, "patient": patient, "instrument": instrument}
    for moment, number in ((A_MINUTE, Decimal("1.0")), (A_MOMENT, 7)):
        later = moment + datetime.timedelta(hours=1)
        pairs = [
            [Measurement(**given, measured_at=moment, value_number=number) for _ in range(2)],
            [
                PlannedAction(**given, program_action=patient.uuid, not_before=moment, expires_at=later, timezone="UTC")
                for _ in range(2)
            ],
        ]
        for ours, theirs in pairs:
            ours.save(force_insert=True)
            expected = stored(ours)
            type(ours)._base_manager.filter(pk=ours.pk)._raw_delete("default")
            assert expected == stored(by_the_orm(theirs, monkeypatch))


def test_an_expression_is_left_to_the_orm(clinic):
    patient = Patient(organization=clinic.organization, first_name=Upper(models.Value("ada")), last_name="Lee")
    patient.save(force_insert=True)
    assert stored(patient)["first_name"] == "ADA"


def test_a_row_takes_one_statement_and_gets_what_the_database_adds(clinic, django_assert_num_queries):
    patient = Patient(organization=clinic.organization, first_name="Ada", last_name="Lee", created_at=A_MOMENT)
    with django_assert_num_queries(1):
        patient.save(force_insert=True)
    again = Patient.objects.get(pk=patient.pk)
    assert (again.created_at, again.updated_at) == (A_MOMENT, patient.updated_at)
    assert patient.updated_at.tzinfo is not None
