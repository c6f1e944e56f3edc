"""`manage.py serve`: starts only on a migrated database, serves static files, ends on SIGTERM."""

import gc
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from config.rest import documentation
from config.rest.dialects import DIALECTS
from exports.management.commands import serve
from tests.concurrency.servers import free_port
from tests.test_private_files import modes

ROOT = Path(__file__).parents[2]


def test_it_refuses_a_database_that_lacks_a_migration(db):
    MigrationRecorder.Migration.objects.filter(app="patients", name="0001_initial").delete()
    with pytest.raises(CommandError, match=r"lacks 1 migrations, patients\.0001_initial first\. Run: manage\.py migrate"):
        call_command("serve")


def test_it_refuses_a_database_that_does_not_answer(monkeypatch):
    def away():
        raise OperationalError("password of user clinic")

    monkeypatch.setattr(serve, "pending_migrations", away)
    with pytest.raises(CommandError) as refusal:
        call_command("serve")
    assert str(refusal.value) == "The database does not answer: OperationalError"


def test_static_files_are_collected_once_and_again_when_their_sources_change(settings, tmp_path, monkeypatch):
    settings.STATIC_ROOT = tmp_path / "collected"
    ran = []
    monkeypatch.setattr(serve, "call_command", lambda name, **options: ran.append((name, options["ignore_patterns"])))
    serve.collect_static_files()
    serve.collect_static_files()
    assert ran == [("collectstatic", ["*.map"])]
    monkeypatch.setattr(serve, "_fingerprint_of_sources", lambda: "changed")
    serve.collect_static_files()
    assert len(ran) == 2


def test_no_map_for_a_debugger_counts_among_the_sources(monkeypatch, tmp_path, settings):
    settings.STATICFILES_DIRS = [tmp_path]
    before = serve._fingerprint_of_sources()
    (tmp_path / "a.js.map").touch()
    assert serve._fingerprint_of_sources() == before
    (tmp_path / "a.js").touch()
    assert serve._fingerprint_of_sources() != before


@pytest.mark.parametrize("shown", [True, False])
def test_the_documents_are_made_before_the_first_visitor_comes(monkeypatch, settings, shown):
    made = []
    for maker in ("document_yaml", "_index", "_operations"):
        monkeypatch.setattr(documentation, maker, lambda dialect, maker=maker: made.append((dialect, maker)))
    settings.API_DOCUMENTATION = shown
    serve.load_application()
    assert made == [(dialect, maker) for dialect in DIALECTS for maker in ("document_yaml", "_index", "_operations") if shown]


def test_what_is_loaded_is_not_looked_through_by_the_garbage_collector():
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type")
    finally:
        connection.close()


def wait_until_it_listens(port: int, server: subprocess.Popen) -> None:
    for _ in range(600):
        try:
            get(port, "/healthz")
        except OSError:
            assert server.poll() is None, server.stderr.read()
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not listen")


@pytest.fixture
def server(tmp_path):
    """Start the server as an operator does, on a database of its own; yields (process, port)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "DJANGO"))}
    environment["DATA_DIR"] = str(tmp_path)
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, umask=0o022, check=True)  # noqa: S603
    port = free_port()
    command = [*manage, "serve", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, umask=0o022, stderr=subprocess.PIPE, text=True)  # noqa: S603
    yield process, port
    process.kill()
    process.communicate()


@pytest.mark.served
def test_it_serves_pages_and_static_files_and_ends_in_peace_on_sigterm(server, tmp_path):
    process, port = server
    wait_until_it_listens(port, process)
    assert get(port, "/readyz") == (200, "application/json")
    assert get(port, "/static/unfold/css/styles.css") == (200, 'text/css; charset="utf-8"')
    assert get(port, "/v1/me")[0] == 401
    private = modes(tmp_path)
    assert {"anamnesis.sqlite3", "anamnesis.sqlite3-wal"} <= private.keys()
    assert (private.pop("."), set(private.values())) == ("0o700", {"0o600"})
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_a_signal_may_come_while_the_main_thread_holds_the_lock_of_its_own_event():
    server = serve.Server("config.rsgi.application:application")
    with server.main_loop_interrupt._cond:
        handled = Thread(target=server.signal_handler_interrupt, daemon=True)
        handled.start()
        handled.join(timeout=5)
        assert not handled.is_alive()
    assert server.main_loop_interrupt.wait(timeout=5)


def test_a_signal_is_not_lost_while_a_worker_is_replaced():
    server = serve.Server("config.rsgi.application:application")
    server.signal_handler_interrupt()
    assert server.main_loop_interrupt.wait(timeout=5)
    server.main_loop_interrupt.clear()
    assert server.main_loop_interrupt.wait(timeout=5)
