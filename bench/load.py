"""Load by wrk: many connections in one process of C, which takes a few hundredths of a core at these rates."""

import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SCRIPT = Path(__file__).parent / "requests.lua"
CONNECTIONS = 16
PATIENCE = "60s"


class Request(NamedTuple):
    """A request to send: method, path, and body as JSON text."""

    method: str
    path: str
    body: str = ""


class Load(NamedTuple):
    """What wrk has seen: requests a second, latencies in ms, and the share of a core that wrk itself took.

    Where no answer came in time there are no latencies: None, as wrk's own 0 would look like the best of all.
    """

    rate: float
    p50: float | None
    p99: float | None
    generator: float


def check_tool() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("The bench needs wrk (Debian: apt-get install wrk).")


def send(
    address: str, requests: Iterable[Request], headers: dict[str, str], seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Send `requests` in turn for so many `seconds`. Any answer but 2xx ends the bench."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as file:
        file.writelines("\t".join(request) + "\n" for request in requests)
        file.flush()
        head = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        options = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", PATIENCE, "--latency", "-s", str(SCRIPT), *head]
        began, used = time.perf_counter(), _used()
        said = subprocess.run(
            ["wrk", *options, f"http://{address}/", "--", file.name], capture_output=True, text=True, check=True
        ).stdout
        share = (_used() - used) / (time.perf_counter() - began)
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{address} did not answer as it should:\n{said}")
    return read_report(said, share)


def read_report(said: str, share: float) -> Load:
    """Return what wrk printed as numbers."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise SystemExit(f"wrk printed something else:\n{said}")
    if not float(rate[1]):
        return Load(0.0, None, None, share)
    return Load(float(rate[1]), _milliseconds(said, "50%"), _milliseconds(said, "99%"), share)


def _milliseconds(said: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s|m)\b", said)
    if found is None:
        raise SystemExit(f"wrk printed no {percentile}:\n{said}")
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[found[2]]


def _used() -> float:
    """Return the processor time of the child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
