"""Totals of patients while several write: exact in every snapshot, and nobody waits for anybody."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.core.bulk_writes import FEW, insert_many
from patients.models import Patient, PatientTotal, Status
from patients.services.lifecycle import archive_patient, restore_patient
from tests import totals
from tests.concurrency.threads import Background, together
from tests.factories import SYSTEM

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

# One statement sees one moment.
DIFFERENCES = """
SELECT count(*) FROM (
    SELECT sum(number) FROM (
        SELECT organization_id, care_group_id, location_id, status, number FROM patients_patienttotal
        UNION ALL SELECT organization_id, care_group_id, location_id, status, -1 FROM patients_patient
    ) AS beside GROUP BY organization_id, care_group_id, location_id, status HAVING sum(number) <> 0
) AS different
"""
LIMIT = "SET LOCAL lock_timeout = '300ms'"
Writer = Callable[[int], None]


def execute(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def writers(clinic) -> list[Writer]:
    """Return writers, each of patients that no other one writes, so that only totals could make one wait for another."""
    groups = (clinic.group.pk, clinic.other_group.pk, None)
    locations = (clinic.catalogs["location"].pk, None)
    moved, archived, undone = ([clinic.patient().pk for _ in range(5)] for _ in range(3))

    def create(number: int) -> None:
        clinic.patient(care_group_id=groups[number % 3], location_id=locations[number % 2])

    def copy(number: int) -> None:
        rows = [
            Patient(organization=clinic.organization, care_group_id=groups[row % 3], consent_flags=number)
            for row in range(FEW + 1)
        ]
        with transaction.atomic():
            insert_many(Patient, rows)
        Patient.objects.filter(organization=clinic.organization, consent_flags=number, last_name="").delete()

    def move(number: int) -> None:
        Patient.objects.filter(pk=moved[number % 5]).update(care_group_id=groups[number % 3], location_id=locations[number % 2])

    def archive_and_restore(number: int) -> None:
        archive_patient(actor=SYSTEM, patient_id=archived[number % 5])
        restore_patient(actor=SYSTEM, patient_id=archived[number % 5])

    def think_better(number: int) -> None:
        with transaction.atomic():
            for status in (Status.INACTIVE, Status.PROSPECTIVE) * 20:
                Patient.objects.filter(pk=undone[number % 5]).update(status=status, care_group_id=groups[number % 3])
            Patient.objects.filter(pk__in=undone).update(status=Status.ARCHIVED, deleted_at=timezone.now())
            transaction.set_rollback(True)

    return [create, copy, move, archive_and_restore, think_better]


def test_totals_are_exact_at_every_moment(clinic, writers):
    def write(writer: Writer) -> None:
        for number in range(25):
            writer(number)

    def look(number: int) -> None:
        assert execute(DIFFERENCES) == [(0,)]

    before = PatientTotal.objects.latest("pk").pk
    with Background(look) as readers:
        together(*[lambda writer=writer: write(writer) for writer in writers])

    assert readers.rounds > 10
    assert totals.kept() == totals.counted()
    # Ids of rolled back rows are used up, too: most rows that were written are not there any more.
    assert PatientTotal.objects.latest("pk").pk - before > 500
    assert PatientTotal.objects.count() < 300


def test_nobody_waits_for_who_has_folded_and_not_committed(clinic):
    """Rows that an open transaction replaces are passed over, by those who fold as by those who read."""
    one, other = clinic.patient().pk, clinic.patient().pk

    def move(patient: int) -> None:
        for number in range(100):
            Patient.objects.filter(pk=patient).update(status=(Status.INACTIVE, Status.ACTIVE)[number % 2])

    def meanwhile() -> None:
        with transaction.atomic():
            execute(LIMIT)
            move(other)
            assert execute(DIFFERENCES) == [(0,)]

    with transaction.atomic():
        move(one)
        assert folded()
        together(meanwhile)
        transaction.set_rollback(True)
    assert totals.kept() == totals.counted()


def test_a_transaction_with_one_snapshot_leaves_folding_to_others(clinic):
    """To fold a row that another has folded since the snapshot would be an error."""
    one, other = clinic.patient().pk, clinic.patient().pk
    with transaction.atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        Patient.objects.filter(pk=one).update(status=Status.INACTIVE)
        together(lambda: [Patient.objects.filter(pk=other).update(status=status) for status in ("inactive", "active") * 50])
        for status in (Status.ACTIVE, Status.INACTIVE) * 50:
            Patient.objects.filter(pk=one).update(status=status)
        assert not folded()
    assert totals.kept() == totals.counted()


def folded() -> bool:
    """Tell whether the open transaction has folded rows."""
    return execute("SELECT current_setting('patient_totals.folded', true) = pg_current_xact_id()::text")[0][0] is True
