"""What an import holds while it runs: it plans outside of transactions, writes in short ones, and what it planned still holds."""

import gc
import json
from collections import Counter
from contextlib import suppress

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, AuditEvent
from accounts.services.catalogs import archive_catalog_row
from config.core import bulk_writes
from config.core.bulk_writes import (
    HOLD_SECONDS,
    RETRY_SECONDS,
    ROWS_A_COPY,
    ROWS_A_STATEMENT,
    PreparedUpdate,
    WriteTurns,
    insert_many,
)
from config.rest.bulk_reader import BulkReader
from patients.bulk_import import ATTEMPTS, CHUNK, Ahead, BulkImport, Chunk
from patients.models import NameKey, Patient
from patients.services import batches
from patients.services.patients import update_patient
from tests.factories import SYSTEM, archive
from tests.patients.bulk_rows import faults, row, statuses_of


@pytest.fixture
def meanwhile(monkeypatch):
    """Return `meanwhile(happens, times)`: something happens after each of the first plans. Returns whether each plan locked."""

    def arrange(happens, times: int = 1) -> list[bool]:
        plan, plans = Chunk.plan, []

        def planning(self, *prepared, locked: bool = False) -> None:
            plan(self, *prepared, locked=locked)
            plans.append(locked)
            if len(plans) <= times:
                happens()

        monkeypatch.setattr(Chunk, "plan", planning)
        return plans

    return arrange


def change(patient: Patient, **changes) -> None:
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes=changes)


# --- transactions -----------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [None, "one"])
@pytest.mark.parametrize("on_error", ["continue", "abort"])
def test_rows_are_read_outside_of_transactions(bulk, monkeypatch, on_error, key):
    read, inside = BulkReader.read, []

    def reading(self, raw, *, complete):
        inside.append(connection.in_atomic_block)
        return read(self, raw, complete=complete)

    monkeypatch.setattr(BulkReader, "read", reading)
    rows = [row(number) for number in range(5)]
    assert statuses_of(bulk(rows, on_error=on_error, **({"key": key} if key else {}))) == ["created"] * 5
    assert inside == [False] * 5


@pytest.mark.django_db(transaction=True)
def test_patients_are_read_and_prepared_for_writing_outside_of_transactions(clinic, bulk, monkeypatch):
    inside = Counter()

    def watch(owner, name):
        function = getattr(owner, name)

        def watched(*args, **kwargs):
            inside[name, connection.in_atomic_block] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    clinic.patient(chart_number="HV-1", city="Old")
    watch(batches, "prepare_row")
    watch(PreparedUpdate, "of")
    watch(Patient, "from_db")
    response = bulk([{"chart_number": "HV-1", "city": "New"}, row(2, chart_number="HV-2")], mode="upsert", on_error="abort")
    assert statuses_of(response) == ["updated", "created"]
    assert inside == {(name, False): 1 for name in ("prepare_row", "of", "from_db")}


def test_chart_numbers_are_looked_up_in_no_order(bulk):
    with CaptureQueriesContext(connection) as captured:
        bulk([row(number, chart_number=f"HV-{number}") for number in range(3)], mode="upsert")
    looked_up = [query["sql"] for query in captured if "chart_number_key" in query["sql"].partition("WHERE")[2]]
    assert len(looked_up) == 4, "what matches and who holds the numbers, planned and confirmed"
    assert not [sql for sql in looked_up if "ORDER BY" in sql], "SQLite would find them by the index of the order"


@pytest.mark.django_db(transaction=True)
def test_what_is_only_validated_opens_no_transaction_and_locks_nobody(clinic, bulk, meanwhile):
    patient = clinic.patient(chart_number="HV-1")
    plans = meanwhile(lambda: change(patient, city="Elsewhere"))
    response = bulk([{"chart_number": "HV-1", "city": "New"}, row(2)], mode="upsert", validate_only=True)
    assert statuses_of(response) == ["validated"] * 2
    assert plans == [False]


def test_no_transaction_has_more_rows_than_a_chunk(bulk):
    assert statuses_of(bulk([row(number) for number in range(2 * CHUNK + 1)])) == ["created"] * (2 * CHUNK + 1)
    events = AuditEvent.objects.filter(action="patient.bulk_create").values_list("pk", flat=True)
    sizes = Counter(AuditedPatient.objects.filter(event__in=events).values_list("event_id", flat=True))
    assert [sizes[event] for event in sorted(sizes)] == [CHUNK, CHUNK, 1]


@pytest.mark.parametrize("on_error", ["continue", "abort"])
def test_every_transaction_takes_its_turn(bulk, monkeypatch, on_error):
    turn, turns = WriteTurns.turn, []

    def counted(self, *args):
        turns.append(self)
        return turn(self, *args)

    monkeypatch.setattr(WriteTurns, "turn", counted)
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 2)
    assert statuses_of(bulk([row(number) for number in range(5)], on_error=on_error)) == ["created"] * 5
    assert len(turns) == (3 if on_error == "continue" else 1)
    assert len(set(map(id, turns))) == 1, "pauses are reckoned over the whole import"


# --- while the database writes --------------------------------------------------------------------
def test_rows_are_prepared_ahead_and_imported_once(bulk, monkeypatch):
    step, prepared = Ahead.step, []

    def counted(self):
        prepared.append(connection.in_atomic_block)
        return step(self)

    monkeypatch.setattr(Ahead, "step", counted)
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 30)
    rows = [row(number, chart_number=f"HV-{number}") for number in range(90)]
    rows[40]["date_of_birth"] = "yesterday"
    rows[50]["chart_number"] = "HV-3"
    statuses = statuses_of(bulk(rows))
    assert [number for number, status in enumerate(statuses) if status != "created"] == [40, 50]
    assert bool(prepared) is (connection.vendor == "postgresql")


def test_what_fails_ahead_fails_where_its_row_is_planned(bulk, monkeypatch):
    prepare = BulkImport.prepare

    def broken(self, raw):
        if raw["first_name"] == "First70":
            raise RuntimeError("a defect")
        return prepare(self, raw)

    monkeypatch.setattr(BulkImport, "prepare", broken)
    monkeypatch.setattr("patients.practice.bulk.CHUNK", 30)
    assert bulk([row(number) for number in range(90)]).status_code == 500


# --- plans that are overtaken -----------------------------------------------------------------------
def test_a_chart_number_that_is_taken_meanwhile_fails_its_row(clinic, bulk, meanwhile):
    plans = meanwhile(lambda: clinic.patient(chart_number="HV-2"))
    response = bulk([row(1, chart_number="HV-1"), row(2, chart_number="HV-2")])
    assert statuses_of(response) == ["created", "failed"]
    assert faults(response, 1) == [("chart_number", "conflict")]
    assert plans == [False, False]


def test_a_chart_number_that_is_taken_meanwhile_stops_an_import_that_is_all_or_nothing(clinic, bulk, meanwhile):
    meanwhile(lambda: clinic.patient(chart_number="HV-2"))
    response = bulk([row(1, chart_number="HV-1"), row(2, chart_number="HV-2")], on_error="abort")
    assert statuses_of(response) == ["skipped", "failed"]
    assert [patient.chart_number for patient in Patient.objects.all()] == ["HV-2"]


def test_a_patient_who_appears_meanwhile_is_updated(clinic, bulk, meanwhile):
    meanwhile(lambda: clinic.patient(chart_number="HV-1", city="Old"))
    assert statuses_of(bulk([row(1, chart_number="HV-1", city="New")], mode="upsert")) == ["updated"]
    assert Patient.objects.get().city == "New"


def test_a_change_that_came_meanwhile_is_not_overwritten_by_the_plan(clinic, bulk, meanwhile):
    patient = clinic.patient(chart_number="HV-1", first_name="Ada", city="Old")
    meanwhile(lambda: change(patient, first_name="Zoë"))
    assert statuses_of(bulk([{"chart_number": "HV-1", "city": "New"}], mode="update")) == ["updated"]
    patient.refresh_from_db()
    assert (patient.first_name, patient.city, patient.version) == ("Zoë", "New", 3)
    assert "zoe" in patient.search_text


def test_a_base_version_that_is_overtaken_meanwhile_is_a_conflict(clinic, bulk, meanwhile):
    patient = clinic.patient(chart_number="HV-1")
    meanwhile(lambda: change(patient, city="Elsewhere"))
    response = bulk([{"chart_number": "HV-1", "city": "New", "base_version": 1}], mode="update")
    assert response.json()["results"][0]["errors"][0]["msg"] == "Version conflict: expected 2, got 1"


def test_a_patient_who_is_archived_meanwhile_is_not_found(clinic, bulk, meanwhile):
    patient = clinic.patient(chart_number="HV-1")
    meanwhile(lambda: archive(patient))
    assert faults(bulk([{"chart_number": "HV-1", "city": "New"}], mode="update"), 0) == [("", "not_found")]


def test_a_guarantor_who_is_archived_meanwhile_is_refused(clinic, bulk, meanwhile):
    guarantor = clinic.patient()
    meanwhile(lambda: archive(guarantor))
    response = bulk([row(1, responsible_party_uuid=str(guarantor.uuid))])
    assert faults(response, 0) == [("responsible_party_uuid", "unknown_reference")]


def test_a_reference_that_is_archived_meanwhile_is_refused(clinic, bulk, meanwhile):
    provider = clinic.catalogs["provider"]
    meanwhile(lambda: archive_catalog_row(actor=SYSTEM, row=provider, base_version=1))
    response = bulk([row(1, primary_provider_uuid=str(provider.uuid))])
    assert faults(response, 0) == [("primary_provider_uuid", "unknown_reference")]


def test_a_plan_that_is_overtaken_again_and_again_is_made_under_locks(clinic, bulk, meanwhile):
    patient = clinic.patient(chart_number="HV-1")
    plans = meanwhile(lambda: change(patient, city=f"City {len(plans)}"), times=ATTEMPTS)
    assert statuses_of(bulk([{"chart_number": "HV-1", "state": "CA"}], mode="update")) == ["updated"]
    assert plans == [False] * ATTEMPTS + [True]


def test_a_key_that_another_worker_has_used_meanwhile_gives_its_response(clinic, bulk, meanwhile):
    rows, answers = [row(1), row(2)], []
    meanwhile(lambda: answers.append(bulk(rows, key="one")))
    response = bulk(rows, key="one")
    assert (response.content, response["Idempotent-Replayed"]) == (answers[0].content, "true")
    assert Patient.objects.filter(organization=clinic.organization).count() == 2


# --- turns ------------------------------------------------------------------------------------------
class Clock:
    """A clock that moves while somebody sleeps, or when it is moved."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(bulk_writes, "time", clock)
    return clock


def take_turn(turns: WriteTurns, clock: Clock, seconds: float) -> None:
    with turns.turn():
        assert connection.in_atomic_block
        clock.now += seconds


@pytest.mark.django_db(transaction=True)
def test_who_has_held_the_lock_long_enough_lets_others_try(clock):
    turns = WriteTurns()
    for _ in range(3):
        take_turn(turns, clock, HOLD_SECONDS / 2)
    assert clock.slept == ([] if connection.vendor == "postgresql" else [RETRY_SECONDS])
    take_turn(turns, clock, HOLD_SECONDS)
    clock.now += RETRY_SECONDS / 4
    take_turn(turns, clock, 0)
    assert clock.slept[1:] == ([] if connection.vendor == "postgresql" else [round(RETRY_SECONDS * 3 / 4, 6)])


@pytest.mark.django_db(transaction=True)
def test_who_leaves_the_lock_alone_by_themselves_never_waits(clock):
    turns = WriteTurns()
    for _ in range(5):
        take_turn(turns, clock, HOLD_SECONDS)
        clock.now += RETRY_SECONDS
    assert clock.slept == []


@pytest.mark.django_db
def test_nobody_waits_inside_of_a_transaction_that_holds_the_lock_anyway(clock):
    turns = WriteTurns()
    for _ in range(3):
        take_turn(turns, clock, HOLD_SECONDS)
    assert clock.slept == []


@pytest.mark.django_db
def test_no_garbage_is_collected_while_others_wait():
    with suppress(ZeroDivisionError), WriteTurns().turn():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled(), "after a failure too"


# --- statements -------------------------------------------------------------------------------------
def test_no_statement_writes_more_rows_than_it_has_time_for(clinic, monkeypatch):
    written = Counter()
    for name in ("_copy", "_insert"):
        insert = getattr(bulk_writes, name)

        def counted(model, columns, rows, using, insert=insert, name=name) -> None:
            written[name, len(rows)] += 1
            insert(model, columns, rows, using)

        monkeypatch.setattr(bulk_writes, name, counted)
    patient = clinic.patient()
    keys = [
        NameKey(organization_id=clinic.organization.pk, patient_id=patient.pk, key=f"key {number}", shared=0)
        for number in range(1_001)
    ]
    insert_many(NameKey, keys)
    name, most = ("_copy", ROWS_A_COPY) if connection.vendor == "postgresql" else ("_insert", ROWS_A_STATEMENT)
    assert written == {(name, most): 1_001 // most, (name, 1_001 % most): 1}
    assert NameKey.objects.filter(patient=patient, key__startswith="key ").count() == 1_001


def test_ids_that_are_given_are_the_next_ones(clinic, bulk):
    last = clinic.patient().pk
    response = bulk([row(number) for number in range(30)])
    by_uuid = {str(uuid): pk for pk, uuid in Patient.objects.values_list("pk", "uuid")}
    ids = [by_uuid[result["uuid"]] for result in json.loads(response.content)["results"]]
    assert ids == list(range(last + 1, last + 31))
    assert clinic.patient().pk == last + 31
