"""Reports while a transaction is open: a row that is committed late is on a later page, and never on none."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from config.core.databases import horizon
from tests.concurrency.threads import PATIENCE, together
from tests.exports.rows import add_row, by_chunks_of, lines_of, parameters_for, stream, walk, who

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
REPORTS = ("measurements", "alerts", "patientsMutations")
SIZE = 3


class Latecomer:
    """Rows of a report: five early ones, one in a transaction that stays open, and two after that."""

    def __init__(self, clinic, name: str):
        self.clinic, self.name = clinic, name
        self.early = [self.add() for _ in range(5)]
        self.inserted, self.told, self.committed = (threading.Event() for _ in range(3))
        self.late = ""
        self.later: list[str] = []

    def add(self) -> str:
        return who(self.name, add_row(self.clinic, self.name))

    def while_open(self, read: Callable[[], Any]) -> Any:
        """Return what `read()` returns, which runs while the late row is written and not committed."""
        _, found = together(self._insert_slowly, lambda: self._read(read))
        return found

    def commit(self) -> None:
        """Let the transaction end, and return when it has."""
        self.told.set()
        assert self.committed.wait(PATIENCE)

    def _insert_slowly(self) -> None:
        with transaction.atomic():
            self.late = self.add()
            self.inserted.set()
            assert self.told.wait(PATIENCE)
        self.committed.set()

    def _read(self, read: Callable[[], Any]) -> Any:
        try:
            assert self.inserted.wait(PATIENCE)
            self.later = [self.add() for _ in range(2)]
            return read()
        finally:
            self.told.set()

    @property
    def all(self) -> list[str]:
        return [*self.early, self.late, *self.later]


def people(name: str, rows: list[dict]) -> list[str]:
    return [who(name, row) for row in rows]


@pytest.mark.parametrize("name", REPORTS)
def test_who_follows_the_cursor_gets_a_late_commit_once(clinic, api, name):
    rows, client, cursors = Latecomer(clinic, name), api(), [None]

    def fetch(cursor: str | None) -> tuple[list[str], str | None]:
        given = parameters_for(name, perPage=SIZE, **({"cursor": cursor} if cursor else {}))
        answer = client.get(f"/v1/export/{name}", given).json()
        return people(name, answer["data"]), answer["meta"]["nextCursor"]

    def pages() -> list[str]:
        seen = []
        while True:
            found, cursor = fetch(cursors[-1])
            seen += found
            if cursor is None:
                return seen
            cursors.append(cursor)

    assert rows.while_open(pages) == rows.early
    assert len(cursors) == 2
    found, cursor = fetch(cursors[-1])
    assert found == [*rows.early[SIZE:], rows.late]
    assert fetch(cursor) == (rows.later, None)
    assert people(name, walk(client, name, SIZE)) == rows.all


@pytest.mark.parametrize("name", REPORTS)
def test_a_stream_ends_before_the_open_transaction_and_the_next_one_has_it_once(clinic, api, name):
    rows = Latecomer(clinic, name)
    assert people(name, rows.while_open(lambda: lines_of(stream(api(), name, "ndjson")))) == rows.early
    assert people(name, lines_of(stream(api(), name, "ndjson"))) == rows.all


@pytest.mark.parametrize("name", REPORTS)
def test_a_stream_that_runs_during_the_commit_is_what_it_was_when_it_began(clinic, api, monkeypatch, name):
    by_chunks_of(2, monkeypatch)
    rows = Latecomer(clinic, name)

    def begin_before_and_end_after_the_commit() -> list[dict]:
        parts = iter(api().get(f"/v1/export/{name}.ndjson", parameters_for(name)).streaming_content)
        first = next(parts)
        rows.commit()
        return lines_of(b"".join([first, *parts]))

    assert people(name, rows.while_open(begin_before_and_end_after_the_commit)) == rows.early
    assert people(name, lines_of(stream(api(), name, "ndjson"))) == rows.all


def test_who_has_only_read_holds_nothing_back(clinic, api):
    """A backup or a session that somebody forgot may keep its transaction open for hours."""
    opened, read = threading.Event(), threading.Event()

    def read_slowly() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM patients_patient")
            opened.set()
            assert read.wait(PATIENCE)

    def rate_and_read() -> list[dict]:
        try:
            assert opened.wait(PATIENCE)
            add_row(clinic, "starRatings")
            return lines_of(stream(api(), "starRatings", "ndjson"))
        finally:
            read.set()

    _, rows = together(read_slowly, rate_and_read)
    assert len(rows) == 1


def test_a_statement_that_runs_may_write_what_its_beginning_allows(db):
    """It has no transaction id before its first row."""
    begun, before = threading.Event(), []

    def wait_in_the_database() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            before.append(cursor.fetchone()[0])
            begun.set()
            cursor.execute("SELECT pg_sleep(2)")

    def look() -> list:
        assert begun.wait(PATIENCE)
        with connection.cursor() as cursor:
            asleep = "SELECT query_start FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(2)' AND state = 'active'"
            while not (found := cursor.execute(asleep).fetchone()):
                pass
        return [found[0], horizon()]

    _, (began, end) = together(wait_in_the_database, look)
    assert before[0] < began == end
