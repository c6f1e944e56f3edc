"""The server's side of a request, without a server."""

import asyncio
import os
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any


class Headers(dict):
    """Headers whose names and values are listed as the server lists them: a name once, a value for each line that is ASCII."""

    def __init__(self, *lines: tuple[str, str]):
        super().__init__()
        self.lines = lines
        for name, value in lines:
            self.setdefault(name, value)

    def items(self):
        return [(name, value) for name, value in self.lines if value.isascii()]


def scope(method: str = "GET", path: str = "/healthz", *headers: tuple[str, str], query: str = "") -> Any:
    """Return the head of a request."""
    return SimpleNamespace(
        method=method,
        path=path,
        query_string=query,
        http_version="1.1",
        client="192.0.2.7:5000",
        server="[::1]:8000",
        scheme="http",
        headers=Headers(("host", "localhost"), *headers),
    )


class Proto:
    """Sends the parts of a body, and keeps the answer. None among the parts is a client that sends no more."""

    def __init__(self, parts: Iterable[bytes | None] = ()):
        self.parts = parts
        self.status, self.headers, self.body, self.path = 0, [], b"", ""

    async def __aiter__(self):
        for part in self.parts:
            if part is None:
                await asyncio.Event().wait()
            yield part

    def response_empty(self, status: int, headers: list) -> None:
        self.status, self.headers = int(status), headers

    def response_bytes(self, status: int, headers: list, body: bytes) -> None:
        self.status, self.headers, self.body = int(status), headers, body

    def response_file(self, status: int, headers: list, path: str) -> None:
        self.status, self.headers = int(status), headers
        self.reader = os.open(path, os.O_RDONLY)

    def read(self) -> bytes:
        """Read a large answer to its end, as a client does."""
        with os.fdopen(self.reader, "rb") as pipe:
            return pipe.read()
