"""Receivers of webhooks on this machine, which keep what they were sent and answer as a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.test import override_settings

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@dataclass(frozen=True)
class Message:
    """One request as it arrived: header names in lower case, and on which connection."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


# What answers a message: a status, or more than that, written by the test to the handler.
Answer = Callable[["Handler", Message], int | None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Receiver"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # Whoever sent it was killed meanwhile: no message has arrived.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        message = Message(self.path, headers, body, self.client_address[1])
        self.server.messages.append(message)
        status = self.server.answer(self, message)
        if status is not None:
            self.answer(status)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Write nothing."""


class Receiver(ThreadingHTTPServer):
    """A receiver on a free port; `messages` in the order of their arrival. `answer` may be replaced at any time."""

    daemon_threads = True

    def __init__(self, answer: Answer = lambda handler, message: 204, port: int = 0):
        self.messages: list[Message] = []
        self.answer = answer
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, *args: Any) -> None:
        """Say nothing of senders that have gone."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks"

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]


@contextmanager
def receiving(answer: Answer = lambda handler, message: 204, port: int = 0, **others: Any) -> Iterator[Receiver]:
    """Run a receiver to which this process may send: plainly, on this machine, and at a port that is given or free."""
    with Receiver(answer, port) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with allowed(receiver.server_port, **others):
                yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def allowed(*ports: int, **others: Any) -> override_settings:
    """Let this process send to `ports` of this machine, too, and without TLS."""
    known = settings.WEBHOOK_PORTS
    given = {"WEBHOOK_ALLOW_HTTP": True, "WEBHOOK_ALLOWED_NETWORKS": LOOPBACK, "WEBHOOK_PORTS": [*known, *ports]}
    return override_settings(**given | others)
