"""What the processes of a server count, for monitoring: /metrics shows the sum (config/metrics.py).

Labels are words of this code: route templates, methods, names of limits. None is a path, a name or an id.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

# The package itself reads this variable: whoever has it counts in files of that directory, one for each process.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
LIMITS = ("user", "address", "failed", "sign_in", "password", "number", "taken")
AUDIT_KINDS = ("read", "change", "denial")
OUTCOMES = ("delivered", "failed")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# Each has a label, so that none has a value before `share_counts` may have said where values are kept.
REQUESTS = Histogram(
    "anamnesis_request_seconds",
    "Requests and how long Django worked on them: until the answer is made, or the first part of a stream.",
    ["route", "method", "status"],
    buckets=SECONDS,
)
RATE_LIMITED = Counter("anamnesis_rate_limited", "Requests and attempts that were refused over a limit.", ["limit"])
AUDIT_FAILURES = Counter(
    "anamnesis_audit_failures",
    "Events that could not be written: a read is then refused, a change rolled back, a denial is in the log alone.",
    ["kind"],
)
DELIVERIES = Counter("anamnesis_webhook_deliveries", "Attempts to deliver a message, by what came of them.", ["outcome"])
DELIVERY_LAG = Histogram(
    "anamnesis_webhook_lag_seconds",
    "How long messages took from their event until they arrived, by whether it was the first attempt.",
    ["first"],
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43_200, 172_800),
)
STREAMS = Gauge("anamnesis_streams_open", "Streamed answers that are being sent.", ["kind"], multiprocess_mode="livesum")


def count_request(route: str | None, method: str | None, status: int, seconds: float) -> None:
    """Count a request to the template `route`, None where it came to none."""
    word = method if method in METHODS else "other"
    REQUESTS.labels(route or "none", word, f"{status // 100}xx").observe(seconds)


def count_delivery(seconds: float, *, arrived: bool, first: bool) -> None:
    """Count an attempt to deliver a message, so many `seconds` after its event; `first` tells whether it was the first one."""
    DELIVERIES.labels("delivered" if arrived else "failed").inc()
    if arrived:
        DELIVERY_LAG.labels("yes" if first else "no").observe(seconds)


@contextmanager
def audit_failures_counted(kind: str) -> Iterator[None]:
    """Count it where what is inside fails, which writes an audit event; `kind` is one of AUDIT_KINDS."""
    try:
        yield
    except Exception:
        AUDIT_FAILURES.labels(kind).inc()
        raise


def share_counts() -> None:
    """Let this process and those that it starts from now on count in one place, which goes with it.

    Counters begin at 0: Prometheus sees no increase where a series begins with its first failure.
    """
    # Who names a directory keeps it, so that a worker of webhooks can count there, too.
    if DIRECTORY not in os.environ:
        os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="anamnesis-metrics-")
        values.ValueClass = values.MultiProcessValue()
        atexit.register(shutil.rmtree, os.environ[DIRECTORY], ignore_errors=True)
    for counter, words in ((RATE_LIMITED, LIMITS), (AUDIT_FAILURES, AUDIT_KINDS), (DELIVERIES, OUTCOMES)):
        for word in words:
            counter.labels(word)


def counts() -> CollectorRegistry:
    """Return a registry of what all processes have counted."""
    directory = os.environ.get(DIRECTORY)
    if directory is None:
        return REGISTRY
    _forget_ended_processes(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)
    return registry


def _forget_ended_processes(directory: Path) -> None:
    """Remove what processes that have ended held open. What they counted stays counted."""
    for file in directory.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(directory))
