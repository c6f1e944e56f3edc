"""Statements that a connection has prepared outlast a rollback, but not what makes them wrong."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from django.db import DatabaseError, IntegrityError, NotSupportedError, ProgrammingError, connection, transaction

from accounts.models import Role

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def run(sql: str, *params: int) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def rolled_back() -> Iterator[None]:
    """Take back what is done inside: a transaction, or a savepoint within one."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def prepared(text: str) -> set[str]:
    """Return the names of the prepared statements of this connection that contain `text`."""
    return {name for name, statement in run("SELECT name, statement FROM pg_prepared_statements") if text in statement}


@pytest.fixture
def settled(db) -> None:
    """What was made or changed before the test is no longer in the way: one rollback forgets all statements for it."""
    with rolled_back():
        run("SELECT 1")


@pytest.fixture
def made_numbers():
    """A table, of which the test may leave nothing."""
    run("CREATE TABLE numbers (n integer UNIQUE)")
    yield
    run("DROP TABLE IF EXISTS numbers")


@pytest.fixture
def numbers(made_numbers, settled) -> None:
    """The table, made long ago."""


def count() -> int:
    """Count the rows three times: a statement is prepared at its second run."""
    return max(run("SELECT count(*) FROM numbers")[0][0] for _ in range(3))


def test_a_version_conflict_costs_the_requests_after_it_no_prepared_statement(settled, api, clinic):
    patient, client = clinic.patient(), api(Role.HC_ADMIN)
    path = f"{clinic.base}/patients/{patient.uuid}"
    for _ in range(3):
        assert client.get(path).status_code == 200
    known = prepared("patients_patient")
    assert known
    assert client.patch(path, {"first_name": "Ada", "base_version": 99}).status_code == 409
    assert known <= prepared("patients_patient")


@pytest.mark.parametrize("savepoint", [False, True], ids=["transaction", "savepoint"])
def test_a_statement_that_was_prepared_in_what_is_rolled_back_goes_on(numbers, savepoint):
    with transaction.atomic() if savepoint else nullcontext():
        with rolled_back():
            run("INSERT INTO numbers VALUES (1)")
            assert count() == 1
            known = prepared("FROM numbers")
        assert len(known) == 1
        assert (count(), prepared("FROM numbers")) == (0, known)


def test_a_statement_that_a_constraint_stops_is_prepared_once_however_often(numbers):
    for number in range(3):
        run("INSERT INTO numbers VALUES (%s)", number)
    known = prepared("INSERT INTO numbers")
    assert len(known) == 1
    for _ in range(3):
        with pytest.raises(IntegrityError), transaction.atomic():
            run("INSERT INTO numbers VALUES (%s)", 2)
        assert prepared("INSERT INTO numbers") == known


def test_a_table_that_was_made_in_what_is_rolled_back_and_again_is_read_as_it_is():
    for column in ("a integer", "a text, b text"):
        with rolled_back():
            run(f"CREATE TABLE passing ({column})")
            assert [run("SELECT * FROM passing") for _ in range(3)] == [[], [], []]
            run("INSERT INTO passing (a) VALUES ('1')")
            assert len(run("SELECT * FROM passing")[0]) == len(column.split(","))
    with pytest.raises(DatabaseError):
        run("SELECT * FROM passing")


@pytest.mark.parametrize("change", ["ALTER TABLE numbers ADD COLUMN m integer", "DROP TABLE numbers"])
def test_a_change_that_is_rolled_back_leaves_what_was_read_before(numbers, change):
    assert [run("SELECT * FROM numbers") for _ in range(3)] == [[], [], []]
    with rolled_back():
        run(change)
    run("INSERT INTO numbers VALUES (3)")
    assert [run("SELECT * FROM numbers") for _ in range(3)] == [[(3,)]] * 3
    run("ALTER TABLE numbers ADD COLUMN m integer")
    assert run("SELECT * FROM numbers") == [(3, None)]


@pytest.mark.parametrize("within", [nullcontext, transaction.atomic], ids=["read", "transaction"])
def test_after_a_migration_elsewhere_one_request_fails_and_the_next_reads_what_there_is(numbers, within):
    assert [run("SELECT * FROM numbers") for _ in range(3)] == [[], [], []]
    elsewhere = connection.copy()
    with elsewhere.cursor() as cursor:
        cursor.execute("ALTER TABLE numbers ADD COLUMN m integer")
        cursor.execute("INSERT INTO numbers VALUES (4, 5)")
    elsewhere.close()
    with pytest.raises(NotSupportedError), within():
        run("SELECT * FROM numbers")
    # As Django does at the end of a request.
    connection.close_if_unusable_or_obsolete()
    assert [run("SELECT * FROM numbers") for _ in range(3)] == [[(4, 5)]] * 3


def test_what_was_deallocated_is_prepared_again(numbers):
    assert count() == 0
    run("DEALLOCATE ALL")
    with rolled_back():
        assert count() == 0
    assert count() == 0


def test_a_connection_that_is_closed_after_an_error_has_nothing_to_roll_back():
    with pytest.raises(ProgrammingError):
        run("SELECT nothing")
    connection.close()
    connection.rollback()
    assert not connection.is_usable()
    assert run("SELECT 1") == [(1,)]
