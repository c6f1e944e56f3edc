"""Sending messages to one address, over one connection as far as the receiver keeps it open.

The name is resolved once, and the connection made to an address that was checked; TLS checks the certificate against the name.
No proxy of the environment is used, and no redirect followed.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_noop

from config.core.caching import cached
from exports.webhooks.addresses import Refused, Target, parse, resolve

# Bytes of an answer that are read: nothing in it matters but its status.
MOST_READ = 65_536
# Of the addresses of a host so many are tried.
TRIED = 2
USER_AGENT = "Anamnesis-Webhooks/1"


class Outcome(NamedTuple):
    """What came of one attempt: the HTTP status, milliseconds, and in a few words why it failed; empty if it did not."""

    status: int | None
    duration: int
    error: str


class Session:
    """A receiver, for as long as a few messages take. `close` it."""

    def __init__(self, url: str):
        self._url = url
        self._addresses: list[str] = []
        self._connection: _Connection | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send `body`. Returns within WEBHOOK_CONNECT_SECONDS and WEBHOOK_ANSWER_SECONDS, once the name has been resolved."""
        began, status = time.monotonic(), None
        try:
            status = self._answer(body, headers)
            error = _verdict(status)
        except _EXPECTED as failure:
            error = next(words for kind, words in _FAILURES if isinstance(failure, kind))
        if error:
            self.close()
        return Outcome(status, round((time.monotonic() - began) * 1000), error)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer. A receiver may have closed a connection that was kept open: it gets a new one."""
        reused = self._connection is not None
        try:
            return self._send(body, headers)
        except ConnectionError:
            if not reused:
                raise
        self.close()
        return self._send(body, headers)

    def _send(self, body: bytes, headers: Mapping[str, str]) -> int:
        if self._connection is None:
            self._connection = self._connect()
        status, is_open = self._connection.post(body, headers)
        if not is_open:
            self.close()
        return status

    def _connect(self) -> "_Connection":
        target = parse(self._url)
        self._addresses = self._addresses or resolve(target)[:TRIED]
        failure: OSError | None = None
        for address in self._addresses:
            connection = _Connection(target, address, settings.WEBHOOK_CONNECT_SECONDS / len(self._addresses))
            try:
                connection.connect()
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
            else:
                return connection
        raise NotConnected from failure


class NotConnected(Exception):
    """None of the addresses took the connection in time."""


# The first that fits. The words are stored, in English; pages translate them (`exports.admin.states.failure_of`).
_FAILURES: list[tuple[type[Exception], str]] = [
    (Refused, gettext_noop("address refused")),
    (NotConnected, gettext_noop("no connection")),
    (socket.gaierror, gettext_noop("name not resolved")),
    (ssl.SSLCertVerificationError, gettext_noop("certificate not valid")),
    (ssl.SSLError, gettext_noop("TLS failed")),
    (TimeoutError, gettext_noop("no answer in time")),
    (ConnectionError, gettext_noop("connection lost")),
    (OSError, gettext_noop("connection failed")),
    (http.client.HTTPException, gettext_noop("answer not understood")),
    # A label of a name that is too long.
    (UnicodeError, gettext_noop("name not resolved")),
]
_EXPECTED = tuple(kind for kind, _ in _FAILURES)


def _verdict(status: int) -> str:
    if 200 <= status < 300:
        return ""
    return gettext_noop("redirect not followed") if 300 <= status < 400 else f"answered {status}"


class _Connection(http.client.HTTPConnection):
    """A connection to `address`, whatever the name of the target may resolve to by now."""

    def __init__(self, target: Target, address: str, connect_seconds: float):
        super().__init__(target.host, target.port, timeout=connect_seconds)
        self._target, self._address = target, address

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self._target.port), self.timeout)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._target.scheme == "https":
                raw = _tls().wrap_socket(raw, server_hostname=self._target.host)
        except BaseException:
            raw.close()
            raise
        self.sock: Any = _TimedSocket(raw)

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bool]:
        """Return the status of the answer, and whether another request may follow on this connection."""
        self.sock.deadline = time.monotonic() + settings.WEBHOOK_ANSWER_SECONDS
        common = {"Host": self._target.authority, "User-Agent": USER_AGENT, "Content-Type": "application/json"}
        self.request("POST", self._target.path, body, {**common, **headers})
        response = self.getresponse()
        try:
            response.read(MOST_READ)
            return response.status, response.isclosed() and not response.will_close
        except (OSError, http.client.HTTPException):
            # The status has come: what follows it changes nothing.
            return response.status, False
        finally:
            response.close()


class _TimedSocket:
    """What http.client asks of a socket, until `deadline`: a receiver that sends a byte now and then does not put it off.

    As with a socket, what was made by `makefile` may be read to its end after `close`.
    """

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._is_read, self._is_closed = False, False
        self.deadline = 0.0

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(data)

    def receive_into(self, buffer: Any) -> int:
        """Receive bytes into `buffer`, as `socket.recv_into` does."""
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self._is_closed = True
        self._close_unused()

    def read_to_the_end(self) -> None:
        """Note that nobody reads what `makefile` has made any more."""
        self._is_read = False
        self._close_unused()

    def _close_unused(self) -> None:
        if self._is_closed and not self._is_read:
            self._sock.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Incoming(io.RawIOBase):
    """The bytes that come from a socket."""

    def __init__(self, sock: _TimedSocket):
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._sock.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._sock.read_to_the_end()
        super().close()


@cached
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
