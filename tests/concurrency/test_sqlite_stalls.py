"""Clients that send or read slowly: the server, as it is served, answers others and ends them."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from bench.stalls import Target, stalled, stalls
from tests.concurrency.servers import WholeServer
from tests.concurrency.test_sqlite_server import CLINIC, embedded, manage  # noqa: F401 - a fixture

pytestmark = pytest.mark.served

CLIENTS = 12
"""Three times as many as a worker has threads."""
PATIENCE = 30
LEAST_SIZE = 1_000_000
"""The static file of the test has more bytes."""


@pytest.fixture
def target(embedded) -> Iterator[Target]:  # noqa: F811
    """Return one worker of a server with short deadlines, and a key."""
    base, key = json.loads(manage(embedded, "shell", "-v", "0", "-c", CLINIC))
    server = WholeServer(embedded, workers=1, BODY_SECONDS="3", ANSWER_SECONDS="3")
    try:
        server.wait()
        yield Target(f"http://127.0.0.1:{server.port}", key, stream=f"{base}/patients")
    finally:
        server.stop()


def rest_of(connection: socket.socket) -> bytes:
    """Return what a client finds until the server closes."""
    received = b""
    connection.settimeout(PATIENCE)
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


def test_stalled_clients_hold_up_nobody_and_are_ended(target):
    ways = [way for way in stalls(target) if way != "stream"]
    with ExitStack() as all_at_once:
        held = {way: all_at_once.enter_context(stalled(target, way, CLIENTS))[-1] for way in ways}
        statuses = [target.get(path)[0] for path in ("/healthz", target.stream, target.static)]
        assert statuses == [200] * 3
        for way in ("sign-in", "body", "chunks"):
            assert rest_of(held[way]).startswith(b"HTTP/1.1 408 "), way
        for way in ("head", "idle"):
            assert rest_of(held[way]) == b"", way
        # It begins to read when the others have been ended: the rest of the file does not come any more.
        assert 0 < len(rest_of(held["static"])) < LEAST_SIZE
