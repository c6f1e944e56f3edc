"""Starts and ends the servers of all sides: granian with two workers, with the settings that suit each."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WORKERS = 2
START_SECONDS = 60
LOGS = Path(__file__).parent.parent / "results"
FASTAPI = Path(".bench/bin/python")
GRANIAN = "-m granian --no-access-log --log-level error"


class Side(NamedTuple):
    """One side of the comparison: its command, and what it needs in its environment."""

    command: str
    python: str = sys.executable
    settings: str = "config.settings"


SIDES = {
    "product": Side("manage.py serve"),
    "limit": Side(f"{GRANIAN} --interface wsgi --blocking-threads 2 bench.sides.probe:application"),
    "plain": Side(
        f"{GRANIAN} --interface wsgi --blocking-threads 4 config.wsgi:application",
        settings="bench.sides.plain_settings",
    ),
    "fastapi": Side(f"{GRANIAN} --interface asgi bench.sides.fast:app", str(FASTAPI)),
}


@contextlib.contextmanager
def serving(side: str, database: str, workers: int = WORKERS, **more: str) -> Iterator["Server"]:
    """Run the server of `side` on the database with the address `database`, with `more` in its environment."""
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": SIDES[side].settings,
        # Counting goes on; nothing may be refused.
        "RATE_LIMIT_PER_MINUTE": "1000000000",
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        **more,
    }
    command = [SIDES[side].python, *SIDES[side].command.split(), "--port", str(port), "--workers", str(workers)]
    LOGS.mkdir(exist_ok=True)
    with (LOGS / f"{side}.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _await(process, port)
        yield Server(f"127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(30)


class Server(NamedTuple):
    """A server that runs: where it listens, and the process of which the workers are children."""

    address: str
    pid: int

    def clear_peaks(self) -> None:
        """Let the peaks of memory begin anew from what is resident now (Linux)."""
        for worker in _workers(self.pid):
            (worker / "clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """Return the peak memory of the largest worker, in MB."""
        return max(map(_peak, _workers(self.pid)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await(process: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"a server does not start; see {LOGS.name}: {process.args}")


def _workers(pid: int) -> Iterator[Path]:
    """Yield the /proc folders of the processes below `pid` that have none below themselves."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        below = list(_workers(int(child)))
        yield from below or [Path("/proc", child)]


def _peak(worker: Path) -> float:
    line = next(line for line in (worker / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
