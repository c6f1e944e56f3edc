"""What others wait for while many clients stall, each way of stalling by itself.

    python -m bench.stalls --address http://127.0.0.1:8000 --key KEY [--clients 200] [--seconds 20]

Needs a server that runs, such as `make demo`, and the key of an administrator. Clients stall in one of these ways:

    head      half of a request's head, and nothing more
    sign-in   a form for the sign-in page, a byte a second
    body      a JSON body for an API, with the key, a byte a second
    chunks    the same without its length
    static    the largest static file, of which nothing is read
    stream    a report, of which nothing is read; --stream names one that is larger than what sockets keep
    idle      a connection that asks nothing

Meanwhile one connection after the other asks for /healthz and for a page of patients. Median, 99th percentile and the worst
are in milliseconds, and so many answers were not 200. Without stalls is measured first: on a busy machine compare with that.

Two cores with much other work on them, one worker on SQLite, November 2026, 200 clients:

               /healthz: median   99 %   worst    patients: median   99 %   worst   failed
    none                      3     11      17                  12     40      44        0
    head                      3     16      18                  13     34      40        0
    sign-in                   2     11      30                  11     27      33        0
    body                      4     24     117                  18     67     128        0
    chunks                    4     24     223                  20     58     250        0
    static                    4    176     435                  16    253     464        0
    stream                    3     21     656                  13     41     682        0
    idle                      3     13      23                  12     28      62        0

The worst is the moment in which 200 requests arrive at once. Where threads read bodies and wait for readers, four clients
are enough that nobody is answered at all.
"""

import argparse
import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

PATIENCE = 10
STATIC = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
STREAM = "/v1/export/measurements.csv?startDate=2020-01-01&endDate=2030-01-01"


class Target:
    """The server, and the key that clients show."""

    def __init__(self, address: str, key: str, stream: str = STREAM, static: str = STATIC):
        parts = urlsplit(address)
        # A proxy that is tried has a certificate that nobody signed.
        self.tls = ssl._create_unverified_context() if parts.scheme == "https" else None
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or (443 if self.tls else 80)
        self.key, self.stream, self.static = key, stream, static

    def connect(self) -> socket.socket:
        """Open a connection whose system keeps as little as possible of what is not read."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect((self.host, self.port))
        return self.tls.wrap_socket(connection, server_hostname=self.host) if self.tls else connection

    def head(self, line: str, *more: str) -> bytes:
        """Return the head of a request."""
        lines = [f"{line} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Authorization: Bearer {self.key}", *more]
        return "\r\n".join([*lines, "", ""]).encode()

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for `path` over a connection of its own."""
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        with contextlib.closing(
            kind(self.host, self.port, timeout=PATIENCE, **({"context": self.tls} if self.tls else {}))
        ) as link:
            link.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            answer = link.getresponse()
            return answer.status, answer.read()


def stalls(target: Target) -> dict[str, tuple[bytes, bytes]]:
    """Return each way of stalling: what a client sends at once, and what it then sends a second."""
    form = ("Content-Type: application/x-www-form-urlencoded", "Cookie: csrftoken=" + "a" * 32, "Content-Length: 2000")
    json_body = ("Content-Type: application/json", "Content-Length: 2000")
    chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    return {
        "head": (b"GET /healthz HTTP/1.1\r\nHost: ", b""),
        "sign-in": (target.head("POST /admin/login/", *form), b"a"),
        "body": (target.head("POST /v1/patients", *json_body), b" "),
        "chunks": (target.head("POST /v1/patients", *chunked), b"1\r\n \r\n"),
        "static": (target.head(f"GET {target.static}"), b""),
        "stream": (target.head(f"GET {target.stream}"), b""),
        "idle": (b"", b""),
    }


@contextlib.contextmanager
def stalled(target: Target, way: str, clients: int) -> Iterator[list[socket.socket]]:
    """Hold so many stalled clients until the block ends; yields their connections."""
    at_once, each_second = stalls(target)[way]
    over = threading.Event()
    connections: list[socket.socket] = []

    def trickle() -> None:
        while not over.wait(1):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.sendall(each_second)

    sender = threading.Thread(target=trickle)
    try:
        for _ in range(clients):
            connections.append(target.connect())
            connections[-1].sendall(at_once)
        sender.start()
        yield connections
    finally:
        over.set()
        if sender.ident:
            sender.join()
        for connection in connections:
            connection.close()


def waits(ask: Callable[[], int], seconds: float) -> tuple[list[float], int]:
    """Ask over and over; return how long each answer took, in order of length, and how many were not 200."""
    taken, failed = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.monotonic()
        try:
            failed += ask() != 200
        except OSError:
            failed += 1
        taken.append(time.monotonic() - started)
        time.sleep(0.02)
    return sorted(taken), failed


def others(target: Target, patients: str, seconds: float) -> str:
    """Return a line about what others meet."""
    results: dict[str, tuple[list[float], int]] = {}

    def measure(name: str, path: str) -> None:
        results[name] = waits(lambda: target.get(path)[0], seconds)

    threads = [threading.Thread(target=measure, args=pair) for pair in (("healthz", "/healthz"), ("patients", patients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "   ".join(_line(*results[name]) for name in ("healthz", "patients"))


def _line(taken: list[float], failed: int) -> str:
    median, late, worst = (taken[min(int(len(taken) * share), len(taken) - 1)] * 1000 for share in (0.5, 0.99, 1))
    return f"{len(taken):>6} {median:>7.0f} {late:>7.0f} {worst:>7.0f} {failed:>6}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--key", required=True)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--stream", default=STREAM)
    parser.add_argument("--ways", nargs="*")
    given = parser.parse_args()
    target = Target(given.address, given.key, given.stream)
    organization = json.loads(target.get("/api/v1/me")[1])["organization"]["uuid"]
    patients = f"/api/v1/{organization}/patients?page_size=10"
    columns = f"{'asked':>6} {'median':>7} {'99 %':>7} {'worst':>7} {'failed':>6}"
    print(f"{given.clients} clients    healthz: {columns}   patients: {columns}")
    print(f"{'none':<20} {others(target, patients, given.seconds)}", flush=True)
    for way in given.ways or stalls(target):
        with stalled(target, way, given.clients):
            print(f"{way:<20} {others(target, patients, given.seconds)}", flush=True)


if __name__ == "__main__":
    main()
