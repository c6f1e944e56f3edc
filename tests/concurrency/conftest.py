"""Tests with real threads, real commits and real worker processes. They need PostgreSQL, but for those named sqlite."""

import pytest

from config.settings import ON_SQLITE
from tests.concurrency.servers import Server

# Not collected, so that nothing counts as skipped; the summary says so.
collect_ignore_glob = ["test_postgres_*.py"] if ON_SQLITE else []


def pytest_terminal_summary(terminalreporter):
    if ON_SQLITE:
        terminalreporter.write_line("tests/concurrency: test_postgres_*.py not collected, DATABASE_URL names no PostgreSQL")


@pytest.fixture
def serve():
    """Return `start(database_url, workers=2, NAME=setting)`, which serves the product on a database until the test ends."""
    running: list[Server] = []

    def start(database_url: str, workers: int = 2, **settings: str) -> Server:
        running.append(Server(database_url, workers, **settings))
        running[-1].wait()
        return running[-1]

    yield start
    for server in running:
        server.stop()
