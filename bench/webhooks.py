"""What webhooks cost, and how many are delivered: `python -m bench.webhooks [--rate 1000] [--seconds 20]`.

    DATABASE_URL=postgres://… python -m bench.webhooks --endpoints 10 --wanted-by 1
    DATABASE_URL=postgres://… python -m bench.webhooks --endpoints 10 --wanted-by 10 --workers 2

Works on a database of its own, which it migrates and adds to. Writes events at a steady rate, 50 a transaction, first alone and
then beside workers that send each of them to so many of the endpoints as `--wanted-by` says; the receiver is a process on this
machine that answers at once. Prints how long the transactions took in both runs and their ratio, how many messages arrived a
second, how long until the last one was there, and the memory of the workers from their start to their end.
"""

import argparse
import asyncio
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import django

from bench.keys import KEYS
from bench.sides.servers import free_port

EVENTS_A_TRANSACTION = 50
PATIENCE = 600


# --- the receiver -----------------------------------------------------------------------------------
class Answers(asyncio.Protocol):
    """Answers each request of a connection with 204 as soon as its body is there."""

    count: "multiprocessing.sharedctypes.Synchronized[int]"

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while (head := self.buffer.find(b"\r\n\r\n")) >= 0:
            start = self.buffer.lower().find(b"content-length:") + 15
            end = head + 4 + int(self.buffer[start : self.buffer.find(b"\r\n", start)])
            if len(self.buffer) < end:
                return
            self.buffer = self.buffer[end:]
            Answers.count.value += 1
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def receive(count, port: int) -> None:
    """Serve until the process is ended."""
    Answers.count = count

    async def serve():
        server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def receiving():
    """Run a receiver in a process of its own; yield its port and the number of messages that it has got."""
    port = free_port()
    count = multiprocessing.Value("q", 0, lock=False)
    process = multiprocessing.get_context("fork").Process(target=receive, args=(count, port), daemon=True)
    process.start()
    try:
        yield port, count
    finally:
        process.terminate()
        process.join()


# --- writing ----------------------------------------------------------------------------------------
def write(organization_id: int, types: list[str], rate: int, seconds: float) -> list[float]:
    """Write events at a steady rate, the types in turn; return how many seconds each transaction took."""
    from django.db import transaction

    from accounts.models import OutboxEvent
    from config.core.bulk_writes import insert_values
    from config.core.orm import uuid7

    names = ("uuid", "organization_id", "type", "key_id", "subject_uuid", "patient_id", "version")
    took, begun = [], time.monotonic()
    for number in range(int(rate * seconds / EVENTS_A_TRANSACTION)):
        due = begun + number * EVENTS_A_TRANSACTION / rate
        time.sleep(max(0.0, due - time.monotonic()))
        start = time.perf_counter()
        rows = [
            (uuid7(), organization_id, types[place % len(types)], "", uuid7(), None, 1) for place in range(EVENTS_A_TRANSACTION)
        ]
        with transaction.atomic():
            insert_values(OutboxEvent, names, rows)
        took.append(time.perf_counter() - start)
    return took


def told(name: str, took: list[float], seconds: float) -> str:
    rate = len(took) * EVENTS_A_TRANSACTION / seconds
    p99 = statistics.quantiles(took, n=100)[98]
    median = statistics.median(took) * 1000
    return f"{name:18} {rate:6.0f} events/s, transactions of 50: median {median:5.1f} ms, p99 {p99 * 1000:6.1f} ms"


# --- the run ----------------------------------------------------------------------------------------
def new_organization(url: str, endpoints: int, types: list[list[str]]) -> int:
    from accounts.scope import Actor
    from accounts.services.organizations import create_organization
    from exports.models import WebhookEndpoint
    from exports.services import create_endpoint

    system, name = Actor.system("bench"), f"webhooks-{uuid.uuid4().hex[:8]}"
    # Endpoints of earlier runs have no receiver any more.
    WebhookEndpoint.objects.update(status="disabled")
    organization = create_organization(actor=system, name=name, slug=name)
    for number in range(endpoints):
        path = f"{url}/{number}"
        create_endpoint(actor=system, organization=organization, url=path, description="bench", event_types=types[number])
    return organization.pk


def memory(pids: list[int]) -> int:
    """Return the resident memory of processes, in MB."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def processor_seconds(pids: list[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(found[11]) + int(found[12]) for found in fields) / os.sysconf("SC_CLK_TCK")


def run(asked: argparse.Namespace) -> None:
    with receiving() as (port, count):
        os.environ |= {"WEBHOOK_ALLOW_HTTP": "1", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "WEBHOOK_PORTS": str(port)}
        django.setup()
        from django.core.management import call_command

        from exports.event_types import event_types

        words = event_types()[: asked.endpoints]
        call_command("migrate", verbosity=0)
        wanted = [[words[(number + step) % len(words)] for step in range(asked.wanted_by)] for number in range(asked.endpoints)]
        alone = write(new_organization(f"http://127.0.0.1:{port}", 0, []), list(words), asked.rate, asked.seconds)
        print(told("alone", alone, asked.seconds))

        organization = new_organization(f"http://127.0.0.1:{port}", asked.endpoints, wanted)
        command = [sys.executable, "manage.py", "deliver_webhooks"]
        workers = [subprocess.Popen(command) for _ in range(asked.workers)]
        pids = [worker.pid for worker in workers]
        time.sleep(5)  # They load what they need.
        sizes, cpu, before, begun = [memory(pids)], processor_seconds(pids), count.value, time.monotonic()
        beside = write(organization, list(words), asked.rate, asked.seconds)
        wrote, arrived = time.monotonic() - begun, count.value - before
        print(told("beside webhooks", beside, asked.seconds))
        expected = len(beside) * EVENTS_A_TRANSACTION * asked.wanted_by
        while count.value - before < expected and time.monotonic() - begun < PATIENCE:
            time.sleep(0.25)
            sizes.append(memory(pids))
        total = time.monotonic() - begun
        cpu = processor_seconds(pids) - cpu
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait()
        ratio = statistics.median(beside) / statistics.median(alone)
        print(f"median of a transaction beside webhooks / alone: {ratio:.2f}")
        print(f"messages: {count.value - before} of {expected}; {arrived / wrote:.0f}/s while events were written, ", end="")
        print(f"{(count.value - before) / total:.0f}/s in all; the last one {total - wrote:.1f} s after the last event")
        per_message = cpu / max(1, count.value - before) * 1_000_000
        print(f"workers: {asked.workers}, {per_message:.0f} µs of processor time a message, MB {sizes[0]} at first, ", end="")
        print(f"{max(sizes)} at most, {sizes[-1]} in the end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--wanted-by", type=int, default=1, help="endpoints that each event is sent to")
    parser.add_argument("--workers", type=int, default=1)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", **KEYS}
    run(parser.parse_args())


if __name__ == "__main__":
    main()
