"""Connections that die between requests, as at a restart, a fail-over or the time-out of a pooler, cost nobody a request."""

import json
import select
from collections import Counter
from itertools import cycle

import pytest
import requests
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql import base

from accounts.models import Role
from config.core.bulk_writes import WriteTurns
from config.core.databases import advisory_lock
from config.core.postgresql.base import TRUSTED_SECONDS
from patients.models import Patient
from tests.concurrency.servers import Server, ask, database_url
from tests.concurrency.threads import PATIENCE, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

_END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def end_others() -> int:
    """End every other connection to the test database, and return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_END_OTHERS)
        return len(cursor.fetchall())


class Caller:
    """Sends requests of every kind that begins with another statement: by key, by session, by nobody."""

    def __init__(self, server: Server, clinic):
        self.server, self.clinic, self.written = server, clinic, 0
        self.kinds = cycle([self.read, self.create, self.page_with_a_session, self.create_by_key, self.page, self.without_a_key])

    def send(self, number: int) -> Counter:
        return Counter(next(self.kinds)() for _ in range(number))

    def read(self) -> tuple[str, int]:
        return "read", self._ask("GET", f"{self.clinic.base}/patients")

    def create(self, **headers: str) -> tuple[str, int]:
        self.written += 1
        body = json.dumps({"first_name": "Ada", "last_name": f"Quist{self.written}"}).encode()
        return "create", self._ask("POST", f"{self.clinic.base}/patients", body, **headers)

    def create_by_key(self) -> tuple[str, int]:
        return self.create(Idempotency_Key=f"key-{self.written}")

    def page_with_a_session(self) -> tuple[str, int]:
        return "page", self._get("/admin/", cookies={"sessionid": "k" * 32})

    def page(self) -> tuple[str, int]:
        return "page", self._get("/admin/")

    def without_a_key(self) -> tuple[str, int]:
        return "nobody", self._get("/v1/me")

    def _get(self, path: str, **given) -> int:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        return requests.get(url, timeout=PATIENCE, allow_redirects=False, **given).status_code

    def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        with self.server.connected() as link:
            return ask(link, self.clinic.keys[Role.HC_ADMIN], method, path, body, **headers)[0].status


@pytest.mark.django_db(transaction=True)
def test_no_request_fails_after_all_connections_were_ended_and_none_is_done_twice(clinic, serve):
    caller = Caller(serve(database_url(), workers=2), clinic)
    answers = caller.send(36)
    for _ in range(2):
        assert end_others() > 1
        answers += caller.send(36)
    assert answers == {("read", 200): 18, ("create", 201): 36, ("page", 302): 36, ("nobody", 401): 18}
    assert Patient.objects.filter(last_name__startswith="Quist").count() == caller.written == 36


def as_a_request_finds_it() -> None:
    """Do what Django does between two requests of a thread."""
    connection.close_if_unusable_or_obsolete()


def backend_pid() -> int:
    """Return which process of the server this thread's connection has; no statement is sent on an open one."""
    connection.ensure_connection()
    return connection.connection.info.backend_pid


def end_mine() -> None:
    """End the connection of this thread from another one."""
    pid = backend_pid()

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

    together(end)


def test_a_transaction_begins_on_a_new_connection_where_the_kept_one_is_dead():
    def work() -> None:
        end_mine()
        as_a_request_finds_it()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    together(work)


def test_nothing_is_repeated_on_a_new_connection_inside_a_request():
    def work() -> None:
        end_mine()
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    together(work)


def test_a_job_takes_its_next_turn_on_a_new_connection():
    def work() -> None:
        turns = WriteTurns()
        with turns.turn():
            pass
        end_mine()
        with turns.turn(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    together(work)


def test_a_job_that_holds_a_lock_ends_with_the_connection_that_has_it():
    def work() -> None:
        with advisory_lock("job"):
            end_mine()
            with WriteTurns().turn(), connection.cursor() as cursor:
                cursor.execute("SELECT 1")

    with pytest.raises(OperationalError):
        together(work)


@pytest.fixture
def asked(monkeypatch) -> list[None]:
    """Return a list that gets an item each time that the server is asked whether it is there."""
    times: list[None] = []
    ask_server = base.DatabaseWrapper.is_usable
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda self: times.append(None) or ask_server(self))
    return times


def use() -> int:
    """Run a statement as the first one of a request, and return on which connection."""
    as_a_request_finds_it()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return backend_pid()


def test_a_connection_that_works_is_kept_without_asking_the_server(asked):
    def work() -> None:
        assert len({use() for _ in range(20)}) == 1

    together(work)
    assert not asked


def test_a_connection_not_heard_of_for_a_while_is_asked_once(asked):
    def work() -> None:
        kept = use()
        connection.heard_at -= TRUSTED_SECONDS
        assert [use(), use()] == [kept, kept]

    together(work)
    assert len(asked) == 1


def test_a_message_of_the_server_is_not_taken_for_the_end(asked):
    def work() -> None:
        kept = use()
        with connection.cursor() as cursor:
            cursor.execute("LISTEN lost_connections")
        together(notify)
        assert select.select([connection.connection], [], [], PATIENCE)[0], "the message has arrived"
        assert use() == kept

    def notify() -> None:
        with connection.cursor() as cursor:
            cursor.execute("NOTIFY lost_connections")

    together(work)
    assert len(asked) == 1


def test_after_an_error_the_server_is_asked_though_it_is_silent(asked):
    def work() -> None:
        kept = use()
        connection.errors_occurred = True
        assert use() == kept

    together(work)
    assert len(asked) == 1
