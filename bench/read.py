"""Reads of the product beside plain Django REST framework, on the same table in the same run.

    DATABASE_URL=postgres://… python -m bench.read [--patients 200000] [--seconds 8] [--rounds 3]

Needs an empty PostgreSQL database (it is filled once and kept) and `wrk`. Both sides run under
granian with two workers of four threads; 16 connections; rounds are interleaved and medians
compared, so that what counts is the ratio. The product runs as in production: authentication,
scope, rate limit (raised, counting), audit.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PORTS = {"anamnesis": 8190, "plain": 8191}
SETTINGS = {"anamnesis": "config.settings", "plain": "bench.plain_settings"}
SERVERS = {
    "anamnesis": "manage.py serve",
    "plain": "-m granian --interface wsgi --blocking-threads 4 --no-access-log --log-level error config.wsgi:application",
}
CONNECTIONS = 16
RESULTS = Path(__file__).parent / "results"


@contextlib.contextmanager
def serving(side: str) -> Iterator[str]:
    """Run one side's server and yield its base address."""
    port = PORTS[side]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": SETTINGS[side],
        "RATE_LIMIT_PER_MINUTE": "100000000",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, *SERVERS[side].split(), "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield _answering(port)
    finally:
        server.terminate()
        server.wait(20)


def _answering(port: int) -> str:
    for _ in range(100):
        time.sleep(0.2)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return f"http://127.0.0.1:{port}"
    raise SystemExit("the server does not answer")


def load(url: str, key: str, seconds: int) -> dict[str, float]:
    """Return requests a second and latencies (ms) of `url` under load; any answer but 2xx ends the run."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {key}", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"{url} answered errors:\n{said}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    return {"rps": rate, "p50": _milliseconds(said, "50%"), "p99": _milliseconds(said, "99%")}


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", said).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def filled(by: str, rows: int) -> tuple[str, str]:
    """Return organization and key of the database that `bench.{by}` fills with `rows` the first time."""
    kept = RESULTS / f"{by}.txt"
    if not kept.exists():
        RESULTS.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        made = subprocess.run([sys.executable, "-m", f"bench.{by}", str(rows)], check=True, stdout=subprocess.PIPE, text=True)
        subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", _VACUUM], check=True)
        kept.write_text(made.stdout)
    organization, key = kept.read_text().split()[:2]
    return organization, key


_VACUUM = """
from django.db import connection
connection.cursor().execute("SET statement_timeout = 0")
connection.cursor().execute("VACUUM ANALYZE")
"""


def compare(rounds: int, seconds: int, organization: str, key: str) -> dict:
    """Run all work on both sides, round by round in turn, and return the medians."""
    figures: dict[str, dict[str, list]] = {}
    for _ in range(rounds):
        for side in PORTS:
            with serving(side) as base:
                patients = f"{base}/api/v1/{organization}/patients"
                page = urllib.request.Request(patients, headers={"Authorization": f"Bearer {key}"})
                first = json.load(urllib.request.urlopen(page))
                items = first.get("items") or first["results"]
                parameter = "q" if side == "anamnesis" else "search"
                urls = {
                    "list of 50": patients,
                    "one patient": f"{patients}/{items[7]['id']}",
                    "typeahead": f"{patients}/search?{parameter}=jans",
                }
                for work, url in urls.items():
                    load(url, key, 2)
                    figures.setdefault(work, {}).setdefault(side, []).append(load(url, key, seconds))
    return {
        work: {side: {name: statistics.median(run[name] for run in runs) for name in runs[0]} for side, runs in sides.items()}
        for work, sides in figures.items()
    }


def show(figures: dict) -> None:
    """Print the table."""
    print(f"{'':14} {'anamnesis':>28} {'plain DRF':>28}   ratio")
    print(f"{'':14} {'req/s    p50 ms    p99 ms':>28} {'req/s    p50 ms    p99 ms':>28}")
    for work, sides in figures.items():
        cells = "".join(f" {side['rps']:10.0f} {side['p50']:8.1f} {side['p99']:8.1f}" for side in sides.values())
        print(f"{work:14} {cells}   {sides['anamnesis']['rps'] / sides['plain']['rps']:5.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench.read needs wrk (Debian: apt-get install wrk)")
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        raise SystemExit("bench.read needs an empty PostgreSQL database in DATABASE_URL")
    figures = compare(asked.rounds, asked.seconds, *filled("seed", asked.patients))
    show(figures)
    (RESULTS / "read.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
