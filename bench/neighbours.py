"""How long others wait while one organization imports patients: `python -m bench.neighbours [--rows 10000]`.

    DATABASE_URL=sqlite:////tmp/neighbours.sqlite3 python -m bench.neighbours
    DATABASE_URL=postgres://… python -m bench.neighbours --workers 2

Serves the product on a database of its own (it is migrated, and every run adds to it), sends two imports
for each way of `on_error`, which create patients and then change them, and lets readers and writers of
another organization work meanwhile, each in a loop of its own. Prints the median and the worst wait of
both, and how many answers were none of 2xx. What counts is the worst wait: on SQLite at most 2 seconds
for a reader and 5 for a writer.

Then runs the same imports alone in this process, and prints how much processor time they spend in
transactions, in all and in the longest one: on SQLite nobody else writes meanwhile, and unlike the waits
it hardly depends on what else the machine does.
"""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from unittest.mock import patch

import django

from bench.sides.servers import free_port

START_SECONDS, PATIENCE, PAUSE = 60, 300, 0.02
WAYS = ("continue", "abort")
# What imports do, and the number that tells how many rows they have done it to.
DONE = {"create": "created", "update": "updated"}


@dataclass
class Waits:
    """The seconds that requests took, and the statuses of those that failed; 0 is no answer."""

    seconds: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def note(self, started: float, status: int) -> None:
        self.seconds.append(time.perf_counter() - started)
        if not 200 <= status < 300:
            self.failed.append(status)

    def __str__(self) -> str:
        median, worst = statistics.median(self.seconds), max(self.seconds)
        return f"{len(self.seconds):6} median {median * 1000:6.0f} ms, worst {worst:6.2f} s, failed {self.failed or 0}"


@dataclass(frozen=True)
class Clinic:
    """An organization, the key of an administrator, and the providers that patients may name."""

    base: str
    key: str
    providers: list[str]


def new_clinic() -> Clinic:
    """Create an organization with an administrator, a key and providers."""
    from accounts.models import Role
    from accounts.scope import Actor
    from accounts.services.keys import issue_key
    from accounts.services.organizations import create_organization
    from accounts.services.users import create_user
    from patients.models import Provider

    system, name = Actor.system("bench"), f"neighbours-{uuid.uuid4().hex[:8]}"
    organization = create_organization(actor=system, name=name, slug=name, country="US")
    user = create_user(actor=system, email=f"{name}@example.org", role=Role.HC_ADMIN, organization=organization)
    _, key = issue_key(actor=system, user=user, description="bench")
    providers = [Provider.objects.create(organization=organization, name=f"Provider {number}") for number in range(20)]
    return Clinic(f"/api/v1/{organization.uuid}", key, [str(provider.uuid) for provider in providers])


class Client:
    """One connection with the key of a clinic."""

    def __init__(self, port: int, clinic: Clinic):
        self.link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.clinic = clinic

    def ask(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        """Send a request below the clinic's base; (0, {}) where no answer came."""
        headers = {"Authorization": f"Bearer {self.clinic.key}", "Content-Type": "application/json"}
        try:
            self.link.request(method, self.clinic.base + path, json.dumps(body) if body else None, headers)
            answer = self.link.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException):
            self.link.close()
            return 0, {}


def reader(client: Client) -> Callable[[], int]:
    """Return a task that reads one patient."""
    patient = client.ask("POST", "/patients", {"first_name": "Read", "last_name": "Often"})[1]["id"]
    return lambda: client.ask("GET", f"/patients/{patient}")[0]


def writer(client: Client) -> Callable[[], int]:
    """Return a task that creates a patient."""
    return lambda: client.ask("POST", "/patients", {"first_name": "Write", "last_name": "Often"})[0]


def repeat(task: Callable[[], int], waits: Waits, over: threading.Event) -> None:
    while not over.is_set():
        started = time.perf_counter()
        waits.note(started, task())
        time.sleep(PAUSE)


def imports(on_error: str, importer: Clinic, number: int) -> Iterator[dict]:
    """Yield the body of an import that creates `number` patients, and of one that changes them."""
    from bench.seed.imports import import_rows

    created = [
        {**row, "chart_number": uuid.uuid4().hex[:12]} for row in import_rows(number, random.Random(7), importer.providers)
    ]
    yield {"meta": {"mode": "create", "on_error": on_error}, "rows": created}
    changed = [
        {"chart_number": row["chart_number"], "last_name": row["last_name"] + "-Doe", "email": "new." + row["email"]}
        for row in created
    ]
    yield {"meta": {"mode": "update", "on_error": on_error}, "rows": changed}


def measure(port: int, importer: Clinic, other: Clinic, body: dict, asked: argparse.Namespace) -> None:
    """Import once, and print how long the import and the others took."""
    over, kinds = threading.Event(), {"readers": Waits(), "writers": Waits()}
    tasks = [(reader(Client(port, other)), kinds["readers"]) for _ in range(asked.readers)]
    tasks += [(writer(Client(port, other)), kinds["writers"]) for _ in range(asked.writers)]
    threads = [threading.Thread(target=repeat, args=(task, waits, over)) for task, waits in tasks]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    status, answer = Client(port, importer).ask("POST", "/patients/bulk", body)
    took = time.perf_counter() - started
    over.set()
    for thread in threads:
        thread.join()
    done = DONE[body["meta"]["mode"]]
    print(f"{title(body)}: {asked.rows} rows, answered {status}, {answer.get(done)} {done}, {took:.1f} s")
    for name, waits in kinds.items():
        print(f"  {name} {waits}", flush=True)


def title(body: dict) -> str:
    return f"{body['meta']['mode']}, {body['meta']['on_error']}"


def count_in_transactions(importer: Clinic, body: dict) -> None:
    """Import once in this process, and print the processor time of its transactions."""
    from django.test import Client as InProcess

    from config.core.bulk_writes import WriteTurns

    seconds: list[float] = []
    with patch.object(WriteTurns, "turn", counted(WriteTurns.turn, seconds)):
        answer = InProcess().generic(
            "POST",
            f"{importer.base}/patients/bulk",
            json.dumps(body).encode(),
            content_type="application/json",
            headers={"Authorization": f"Bearer {importer.key}"},
        )
    if answer.status_code != 200:
        raise SystemExit(f"the import answered {answer.status_code}: {answer.content[:500]!r}")
    print(f"{title(body)}: {sum(seconds):.2f} s of processor time in {len(seconds)} transactions, most {max(seconds):.2f}")


def counted(turn: Callable, seconds: list[float]) -> Callable:
    """Return `WriteTurns.turn`, adding to `seconds` the processor time from BEGIN to the end of COMMIT."""

    @contextmanager
    def counting(turns: Any, *given: Any) -> Iterator[None]:
        with turn(turns, *given):
            began = time.thread_time()
            yield
        seconds.append(time.thread_time() - began)

    return counting


def serve(port: int, workers: int) -> subprocess.Popen:
    """Start the server and wait until it answers."""
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen(command)
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return server
        time.sleep(0.2)
    raise SystemExit("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--writers", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--on-error", choices=WAYS, action="append", help="both ways without it")
    asked = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        raise SystemExit("bench.neighbours needs a database of its own in DATABASE_URL")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "RATE_LIMIT_PER_MINUTE": "100000000", "LOG_LEVEL": "ERROR"}
    os.environ.setdefault("ALLOWED_HOSTS", "127.0.0.1,testserver")
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    importer, other = new_clinic(), new_clinic()
    connections.close_all()
    port = free_port()
    server = serve(port, asked.workers)
    try:
        for on_error in asked.on_error or WAYS:
            for body in imports(on_error, importer, asked.rows):
                measure(port, importer, other, body, asked)
    finally:
        server.terminate()
        server.wait()
    for on_error in asked.on_error or WAYS:
        for body in imports(on_error, importer, asked.rows):
            count_in_transactions(importer, body)


if __name__ == "__main__":
    main()
