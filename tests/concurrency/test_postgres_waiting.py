"""Work that is done while PostgreSQL runs a statement."""

import pytest
from django.db import connection, transaction
from django.db.utils import DataError

from config.core.bulk_writes import WriteTurns

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def run(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


class Steps:
    """Steps that are counted, up to a number of them."""

    def __init__(self, number: int):
        self.left, self.done = number, 0

    def __call__(self) -> bool:
        self.done += self.left > 0
        self.left -= 1
        return self.left > 0


def test_steps_are_taken_while_a_statement_runs_and_not_after_the_turn():
    steps = Steps(10**9)
    with WriteTurns().turn(steps):
        assert run("SELECT 1 FROM pg_sleep(0.5)") == [(1,)]
        assert steps.done > 10
    done = steps.done
    assert run("SELECT 2 FROM pg_sleep(0.01)") == [(2,)]
    assert steps.done == done


def test_a_statement_is_waited_for_when_the_steps_are_done():
    steps = Steps(3)
    with WriteTurns().turn(steps):
        assert run("SELECT 1 FROM pg_sleep(0.05)") == [(1,)]
    assert steps.done == 3


def test_errors_of_statements_are_raised_as_ever():
    with WriteTurns().turn(Steps(100)):
        with pytest.raises(DataError), transaction.atomic():
            run("SELECT 1 / (SELECT count(*) FROM pg_sleep(0.01) WHERE false)")
        assert run("SELECT 3") == [(3,)]
