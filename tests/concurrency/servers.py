"""The product as it is served, in processes of its own."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse

import requests
from django.conf import settings
from django.db import connection

START_SECONDS = 30
KEY_NAMES = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY", "CURSOR_KEY")


class Server:
    """Worker processes on a free port of this machine, with the keys of the test suite and `given` settings."""

    def __init__(self, database_url: str, workers: int = 2, **given: str):
        self.port = free_port()
        self.process = subprocess.Popen(  # noqa: S603
            self.command(workers),
            cwd=settings.BASE_DIR,
            env=environment(database_url, "config.settings") | given,
        )

    def command(self, workers: int) -> list[str]:
        """Return the command that starts the product without its static files."""
        granian = [sys.executable, "-m", "granian", "--interface", "rsgi", "--no-ws", "--log-level", "error"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(workers)]
        return [*granian, *where, "config.rsgi.application:application"]

    def wait(self) -> None:
        """Wait until a worker answers."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                requests.get(f"http://127.0.0.1:{self.port}/v1/me", timeout=START_SECONDS)
                return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """Stop the workers; their database connections are closed when this returns."""
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End workers and their parent as a power cut would: nothing is finished and nobody is told."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()  # noqa: S603, S607
        self.process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def connected(self) -> Iterator[HTTPConnection]:
        """Open one connection that is kept alive."""
        link = HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            yield link
        finally:
            link.close()


class WholeServer(Server):
    """The product as an operator starts it, with its static files."""

    def command(self, workers: int) -> list[str]:
        return [sys.executable, "manage.py", "serve", "--port", str(self.port), "--workers", str(workers)]


def environment(database_url: str, settings_module: str) -> dict[str, str]:
    """Return the environment of a process of the product that shares the test suite's keys."""
    keys = {name: getattr(settings, name) for name in KEY_NAMES}
    return os.environ | keys | {"DJANGO_SETTINGS_MODULE": settings_module, "DATABASE_URL": database_url}


def manage(url: str, *arguments: str) -> str:
    """Run a management command on the database `url` and return what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    given = environment(url, "tests.settings")
    return subprocess.run(command, cwd=settings.BASE_DIR, env=given, check=True, capture_output=True, text=True).stdout  # noqa: S603


def ask(link: HTTPConnection, key: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[HTTPResponse, bytes]:
    """Send one request over `link` and read the whole answer."""
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    link.request(method, path, body, sent)
    answer = link.getresponse()
    return answer, answer.read()


def database_url() -> str:
    """Return the address of the database that the tests run on."""
    known = connection.settings_dict
    person = known["USER"] + (f":{known['PASSWORD']}" if known["PASSWORD"] else "")
    return f"postgres://{person}@{known['HOST']}:{known['PORT'] or 5432}/{known['NAME']}"


def free_port() -> int:
    """Return a port that nobody has: none of those that outgoing connections get, which come and go meanwhile."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
