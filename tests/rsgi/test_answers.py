"""Answers: small ones at once, large ones at the client's pace, and none of them for ever."""

import asyncio
import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.rsgi import answers, connections
from config.rsgi.answers import WHOLE, of_bytes, of_file, send
from config.rsgi.connections import OPEN_FILES, Connections
from tests.rsgi.fakes import Proto, scope

LARGE = os.urandom(WHOLE * 4)


@pytest.fixture
def closed(monkeypatch) -> list[str]:
    """Return the clients whose connections were closed."""
    peers: list[str] = []

    async def close(peer: str) -> None:
        peers.append(peer)

    monkeypatch.setattr(answers.CONNECTIONS, "close", close)
    return peers


def test_a_small_answer_is_sent_whole(closed):
    proto = Proto()
    asyncio.run(send(scope(), proto, 200, [("a", "b")], of_file(io.BytesIO(b"abc"))))
    assert (proto.status, proto.headers, proto.body, closed) == (200, [("a", "b")], b"abc", [])


def test_a_large_answer_is_sent_as_it_is_read(closed):
    class Reading(Proto):
        def response_file(self, *answer):
            super().response_file(*answer)
            self.received: list[bytes] = []
            self.thread = threading.Thread(target=lambda: self.received.append(self.read()))
            self.thread.start()

    proto = Reading()
    asyncio.run(send(scope(), proto, 200, [], of_bytes(LARGE)))
    proto.thread.join()
    assert proto.received == [LARGE]
    assert closed == []


def test_a_client_that_does_not_read_loses_its_connection(closed, settings):
    settings.ANSWER_SECONDS, settings.ANSWER_BYTES_PER_SECOND = 0, 10**9
    proto = Proto()
    asyncio.run(send(scope(), proto, 200, [], of_bytes(LARGE)))
    assert closed == ["192.0.2.7:5000"]
    assert len(proto.read()) < WHOLE


def test_a_client_that_reads_slower_than_the_pace_loses_its_connection(closed, settings):
    settings.ANSWER_SECONDS, settings.ANSWER_BYTES_PER_SECOND = 0, 10**9

    class Trickling(Proto):
        def response_file(self, *answer):
            super().response_file(*answer)
            asyncio.get_running_loop().call_later(0.01, self.trickle)

        def trickle(self):
            os.read(self.reader, 4096)
            asyncio.get_running_loop().call_later(0.01, self.trickle)

    asyncio.run(send(scope(), Trickling(), 200, [], of_bytes(LARGE)))
    assert closed == ["192.0.2.7:5000"]


def test_a_stream_ends_at_its_deadline_however_fast_it_is_read(closed, settings):
    settings.STREAM_SECONDS = 0

    async def endless():
        while True:
            yield b"a" * WHOLE
            await asyncio.sleep(0)

    class Reading(Proto):
        def response_file(self, *answer):
            super().response_file(*answer)
            asyncio.get_running_loop().add_reader(self.reader, lambda: os.read(self.reader, WHOLE))

    asyncio.run(asyncio.wait_for(send(scope(), Reading(), 200, [], endless()), timeout=60))
    assert closed == ["192.0.2.7:5000"]


def test_a_client_that_has_gone_ends_the_answer(closed):
    class Leaving(Proto):
        def response_file(self, *answer):
            super().response_file(*answer)
            asyncio.get_running_loop().call_soon(self.leave)

        def leave(self):
            os.read(self.reader, WHOLE)
            asyncio.get_running_loop().call_later(0.01, os.close, self.reader)

    asyncio.run(send(scope(), Leaving(), 200, [], of_bytes(LARGE)))
    assert closed == []


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a connection: the server's and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            yield server, client


def test_only_the_connection_with_that_client_is_closed():
    with connected() as (_, client), connected() as (_, other):
        other.setblocking(False)
        before = os.listdir(OPEN_FILES)
        asyncio.run(Connections().close(":".join(map(str, client.getsockname()))))
        assert client.recv(1) == b""
        with pytest.raises(BlockingIOError):
            other.recv(1)
        assert os.listdir(OPEN_FILES) == before


def test_connections_that_are_closed_together_are_looked_for_once(monkeypatch):
    walks: list[set[str]] = []
    monkeypatch.setattr(connections, "close_connections", lambda peers: walks.append(set(peers)))
    peers = {f"192.0.2.1:{port}" for port in range(1_000)}

    async def close_all() -> None:
        closing = Connections()
        await asyncio.gather(*[closing.close(peer) for peer in peers])
        await closing.close("192.0.2.2:1")

    asyncio.run(close_all())
    assert walks == [peers, {"192.0.2.2:1"}]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux")
def test_connections_inherit_how_long_they_may_be_left_unread():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(connections.limit_unread(7))
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as server:
            assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
