"""`manage.py serve`: the server, for demos and production alike."""

import _thread
import fcntl
import hashlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import MPServer

from config.core.collecting import without_collecting
from config.core.metrics import share_counts
from config.core.schema import pending_migrations, refuse_missing_triggers
from config.rest.counters import counters_connection
from config.rest.documentation import make_documents

APPLICATION = "config.rsgi.application"
# Threads of the server's own that read files and pipes; one waits while a stream has not made its next part.
FILE_THREADS = 64
# Maps for debuggers: several times as large as what they describe, and not needed in production.
NOT_SERVED = ["*.map"]
HEADER_MILLISECONDS = 10_000
# Bytes of a request's head, and of an answer that waits for its client in the server.
BUFFER = 131_072
# Connections of a worker, those that idle included, as far as the system allows the files for them.
CONNECTIONS = 2_048
FILES_A_CONNECTION = 4
KILL_AFTER_SECONDS = 10
LOGGING = {
    "formatters": {name: {"()": settings.LOG_FORMATTERS[settings.LOG_FORMAT]} for name in ("generic", "access")},
    "handlers": {
        "console": {"formatter": "generic", "class": "logging.StreamHandler"},
        "access": {"formatter": "access", "class": "logging.StreamHandler"},
    },
}


class Server(MPServer):
    """The server, with a handler of SIGTERM and SIGINT that cannot block it.

    The library's own sets the Event that the main thread waits for. That takes the Event's lock, which the main thread may
    hold already where a signal interrupts it: when two signals come within a fraction of a millisecond, as from `make` and
    its shell, it waits for itself for good. The main thread also clears the Event after it has replaced a worker. So another
    thread sets it here, until the process ends.
    """

    def signal_handler_interrupt(self, *args: Any) -> None:
        if not self.interrupt_signal:
            self.interrupt_signal = True
            # Not a threading.Thread: starting one takes a lock that the main thread may hold, too.
            _thread.start_new_thread(self._wake_main_loop, ())

    def _wake_main_loop(self) -> None:
        while True:
            self.main_loop_interrupt.set()
            time.sleep(1)


class Command(BaseCommand):
    """Serves pages, APIs and static files until SIGTERM or SIGINT, then finishes running requests."""

    help = "Serve the admin and the APIs. Needs a database that is migrated; collects static files when they changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help=f"processes, each of {settings.THREADS} threads")
        parser.add_argument("--with-worker", action="store_true", help="run deliver_webhooks, too: for small clinics")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unmigrated()
        refuse_missing_triggers()
        collect_static_files()
        if settings.METRICS_TOKEN:
            share_counts()
        load_application()
        # Workers that make the file of the counters at once are in each other's way.
        counters_connection().ensure_connection()
        counters_connection().close()
        connections.close_all()
        with webhook_worker() if options["with_worker"] else nullcontext():
            self._serve(options)

    def _serve(self, options: dict[str, Any]) -> None:
        Server(
            f"{APPLICATION}:application",
            address=options["host"],
            port=options["port"],
            workers=options["workers"],
            interface=Interfaces.RSGI,
            # No proxy speaks HTTP/2 to a server behind it, and its streams would escape the limits of a connection.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=BUFFER),
            backpressure=allowed_connections(),
            runtime_blocking_threads=FILE_THREADS,
            websockets=False,
            workers_kill_timeout=KILL_AFTER_SECONDS,
            respawn_failed_workers=True,
            log_dictconfig=LOGGING,
        ).serve()


@contextmanager
def webhook_worker() -> Iterator[None]:
    """Run `manage.py deliver_webhooks` in a process of its own, which ends with this one, however this one ends."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "deliver_webhooks", "--parent", str(os.getpid())]
    process = subprocess.Popen(command)  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def allowed_connections() -> int:
    """Raise this process's limit of open files as far as is needed and allowed; return how many connections it is good for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = CONNECTIONS * FILES_A_CONNECTION
    if most != resource.RLIM_INFINITY:
        files = min(files, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files // FILES_A_CONNECTION


def refuse_unmigrated() -> None:
    """Raise CommandError if the database does not answer or lacks migrations."""
    try:
        pending = pending_migrations()
    except Error as error:
        raise CommandError(f"The database does not answer: {type(error).__name__}") from error
    if pending:
        app, name = pending[0]
        raise CommandError(f"The database lacks {len(pending)} migrations, {app}.{name} first. Run: manage.py migrate")


def collect_static_files() -> None:
    """Collect static files into STATIC_ROOT, unless they have been collected from the same sources."""
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        stamp, fingerprint = root / ".sources", _fingerprint_of_sources()
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=NOT_SERVED)
        stamp.write_text(fingerprint, encoding="utf-8")


def load_application() -> None:
    """Load what the workers run. They are forked from this process: it is done once, and they share its memory."""
    # As in config/apps.py. The application keeps the collector from what is loaded.
    with without_collecting():
        make_documents()
        import_module(APPLICATION)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other servers that start now from collecting into `directory` at the same time."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _fingerprint_of_sources() -> str:
    """Return a digest of the names, sizes and times of all static files of the installed apps that are served."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(NOT_SERVED):
            stat = os.stat(storage.path(name))
            digest.update(f"{name}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
