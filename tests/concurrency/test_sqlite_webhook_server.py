"""`manage.py serve --with-worker`: a small clinic has one command to run, and no worker is left behind."""

import json
import os
import signal
import subprocess
import time

import pytest

from tests.concurrency.servers import WholeServer, ask, manage
from tests.concurrency.test_sqlite_metrics import TOKEN, scrape
from tests.receivers import receiving

pytestmark = pytest.mark.served
PATIENCE = 60
NONE_DELIVERED = 'anamnesis_webhook_deliveries_total{outcome="delivered"} 0.0'
CLINIC = """
import json
from tests.factories import Clinic
clinic = Clinic("Hill Valley")
print(json.dumps([clinic.base, clinic.keys["HC_ADMIN"]]))
"""


class ServerWithWorker(WholeServer):
    def command(self, workers: int) -> list[str]:
        return [*super().command(workers), "--with-worker"]

    def children(self, *named: str) -> list[int]:
        """Return the process ids of the children, or of the one that is `named` by its command."""
        found = ["pgrep", "-P", str(self.process.pid), *named]
        return [int(pid) for pid in subprocess.run(found, capture_output=True, text=True).stdout.split()]  # noqa: S603

    def worker(self) -> int:
        (worker,) = self.children("-f", "deliver_webhooks")
        return worker

    def kill(self) -> None:
        """End everything but the worker."""
        others = set(self.children()) - {self.worker()}
        self.process.kill()
        self.process.wait()
        for child in others:
            os.kill(child, signal.SIGKILL)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_endpoint_made_by_the_api_is_told_of_a_patient_and_the_worker_ends_with_the_server(tmp_path):
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0")
    base, key = json.loads(manage(url, "shell", "-v", "0", "-c", CLINIC))
    with receiving() as receiver:
        given = {"WEBHOOK_ALLOW_HTTP": "1", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "WEBHOOK_PORTS": str(receiver.server_port)}
        given |= {"METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
        endpoint = {"url": receiver.url, "description": "Test", "event_types": ["patient.created"]}
        for end in (ServerWithWorker.stop, ServerWithWorker.kill):
            server = ServerWithWorker(url, workers=1, **given)
            try:
                server.wait()
                worker = server.worker()
                with server.connected() as link:
                    assert ask(link, key, "POST", f"{base}/webhook-endpoints", json.dumps(endpoint).encode())[0].status == 201
                    patient = {"first_name": "Ada", "last_name": "Quist"}
                    _, content = ask(link, key, "POST", f"{base}/patients", json.dumps(patient).encode())
                uuid = json.loads(content)["id"]
                wait_until(lambda uuid=uuid: uuid in [message.json["data"]["patient_uuid"] for message in receiver.messages])
                wait_until(lambda server=server: NONE_DELIVERED not in scrape(server))
            finally:
                end(server)
            wait_until(lambda worker=worker: not is_there(worker))
