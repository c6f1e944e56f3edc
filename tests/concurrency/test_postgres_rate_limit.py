"""The rate limit over two worker processes counts every request once."""

import time
from collections import Counter

import pytest
from django.db import connection

from accounts.models import RateWindow, Role
from config.rest import throttling
from tests.concurrency.servers import Server, ask, database_url
from tests.concurrency.threads import PATIENCE, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
LIMIT, REQUESTS, CONNECTIONS = 1000, 1500, 8


def spend(server: Server, key: str, number: int) -> list[tuple[int, int, str | None]]:
    """Send `number` requests over one connection; return status, Remaining and Retry-After of each."""
    with server.connected() as link:
        answers = [ask(link, key, "GET", "/v1/me")[0] for _ in range(number)]
    return [(a.status, int(a.headers["X-RateLimit-Remaining"]), a.headers["Retry-After"]) for a in answers]


def wait_for_workers(server: Server, number: int) -> None:
    """Knock until `number` workers have opened their database connections."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with server.connected() as link:
            ask(link, "", "GET", "/v1/me")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            if cursor.fetchone()[0] == number:
                return
    raise AssertionError("not all workers answer")


def test_a_thousand_of_fifteen_hundred_requests_over_two_workers_pass(clinic, serve):
    server, key = serve(database_url(), RATE_LIMIT_PER_MINUTE=str(LIMIT)), clinic.keys[Role.HC_ADMIN]
    wait_for_workers(server, 2)
    shares = [REQUESTS // CONNECTIONS + (number < REQUESTS % CONNECTIONS) for number in range(CONNECTIONS)]

    batches = together(*[lambda share=share: spend(server, key, share) for share in shares])

    answers = [answer for batch in batches for answer in batch]
    statuses = Counter(status for status, _, _ in answers)
    assert statuses == {200: LIMIT, 429: REQUESTS - LIMIT}
    assert sorted(remaining for status, remaining, _ in answers if status == 200) == list(range(LIMIT))
    assert {remaining for status, remaining, _ in answers if status == 429} == {0}
    for batch in batches:
        remaining = [left for _, left, _ in batch]
        assert remaining == sorted(remaining, reverse=True)
    waits = [wait for status, _, wait in answers if status == 429]
    assert all(wait.isascii() and wait.isdigit() and 1 <= int(wait) <= 60 for wait in waits)
    assert {wait for status, _, wait in answers if status == 200} == {None}


@pytest.mark.parametrize("late", [1, 1500], ids=["by a millisecond", "by a wait for a lock"])
def test_a_request_that_is_counted_late_does_not_open_the_window_anew(db, monkeypatch, late):
    """Two workers read their clocks and then reach the database in the other order."""
    now = time.time_ns()
    monkeypatch.setattr(throttling.time, "time_ns", lambda: now)
    throttling.count("user:1", LIMIT)
    monkeypatch.setattr(throttling.time, "time_ns", lambda: now - late * 1_000_000)

    allowance = throttling.count("user:1", LIMIT)

    assert allowance.used == 2
    assert RateWindow.objects.get().opened_at == now // 1_000_000
