"""Counts SQL statements and round trips on the wire, the same way for every side, whatever driver it uses.

A relay between a server and PostgreSQL reads the protocol's messages as they pass. A statement is an Execute or a simple Query,
BEGIN and COMMIT included; a round trip begins with bytes to PostgreSQL while nothing that was sent waits for its answer, so
statements in one pipeline share it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

QUERY, EXECUTE, SYNC, READY = b"Q", b"E", b"S", b"Z"
BLOCK = 1 << 16


class Messages:
    """The types of the protocol's messages in a stream of bytes, which may end in the middle of one."""

    def __init__(self, greeting: bool):
        # The first message of a client has a length, and no type.
        self.rest, self.greeting = b"", greeting

    def read(self, data: bytes) -> Iterator[bytes]:
        self.rest += data
        while len(self.rest) >= 5 - self.greeting:
            kind = b"" if self.greeting else self.rest[:1]
            end = len(kind) + int.from_bytes(self.rest[len(kind) : len(kind) + 4])
            if len(self.rest) < end:
                return
            self.rest, self.greeting = self.rest[end:], False
            yield kind


class Wire:
    """The relay, and its counts since `reset`."""

    def __init__(self, database: str):
        parts = urlsplit(database)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self.listener = socket.create_server(("127.0.0.1", 0))
        host = f"{parts.username or ''}{f':{parts.password}' if parts.password else ''}"
        place = f"{host}@127.0.0.1:{self.listener.getsockname()[1]}"
        self.address = urlunsplit(parts._replace(netloc=place))
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.statements = self.round_trips = 0

    def accept(self) -> None:
        with suppress(OSError):  # The listener is closed.
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Link(self, client, server).start()

    def count(self, statements: int, round_trips: int) -> None:
        with self.lock:
            self.statements += statements
            self.round_trips += round_trips


class Link:
    """A connection through the relay."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket):
        self.wire, self.client, self.server = wire, client, server
        # How many answers PostgreSQL still owes.
        self.owed = 0

    def start(self) -> None:
        for source, sink, counted in ((self.client, self.server, self.asked), (self.server, self.client, self.answered)):
            threading.Thread(target=self.pump, args=(source, sink, counted, source is self.client), daemon=True).start()

    def pump(self, source, sink, counted, greeting: bool) -> None:
        messages = Messages(greeting)
        with suppress(OSError):
            while data := source.recv(BLOCK):
                counted(list(messages.read(data)))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def asked(self, kinds: list[bytes]) -> None:
        began = self.owed == 0 and any(kind in (QUERY, SYNC, EXECUTE) for kind in kinds)
        self.owed += sum(kind in (QUERY, SYNC) for kind in kinds)
        self.wire.count(sum(kind in (QUERY, EXECUTE) for kind in kinds), int(began))

    def answered(self, kinds: list[bytes]) -> None:
        self.owed = max(self.owed - kinds.count(READY), 0)


@contextmanager
def relay(database: str) -> Iterator[Wire]:
    """Run a relay to the database with the address `database`; `Wire.address` is the one to use instead."""
    wire = Wire(database)
    threading.Thread(target=wire.accept, daemon=True).start()
    try:
        yield wire
    finally:
        wire.listener.close()
