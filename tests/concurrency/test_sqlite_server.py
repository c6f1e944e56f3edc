"""The embedded database under several worker processes: writers wait their turn, readers never wait."""

import json
import sqlite3
import threading
from collections import Counter
from functools import partial
from itertools import groupby

import pytest

from patients.bulk_import import CHUNK
from tests.concurrency.servers import Server, ask, manage
from tests.concurrency.threads import PATIENCE, together

pytestmark = pytest.mark.served

WRITERS, READERS, EACH = 4, 2, 40
LIMIT = 30
CLINIC = """
import json
from tests.factories import Clinic
clinic = Clinic("Hill Valley")
print(json.dumps([clinic.base, clinic.keys["HC_ADMIN"]]))
"""
TWO_CLINICS = """
import json
from tests.factories import Clinic
clinics = [Clinic("Hill Valley"), Clinic("Elm Street")]
print(json.dumps([[clinic.base, clinic.keys["HC_ADMIN"], clinic.organization.pk] for clinic in clinics]))
"""
ROWS = 4 * CHUNK


@pytest.fixture
def embedded(tmp_path) -> str:
    """Return the address of a new SQLite file with the product's tables."""
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0")
    return url


def write(server: Server, base: str, key: str, name: str) -> list[int]:
    """Create a patient and change it over and over; return the statuses."""
    with server.connected() as link:
        patient = json.dumps({"first_name": name, "last_name": "0"}).encode()
        answer, content = ask(link, key, "POST", f"{base}/patients", patient)
        statuses, row = [answer.status], json.loads(content)
        for number in range(EACH):
            change = json.dumps({"base_version": number + 1, "last_name": str(number)}).encode()
            statuses.append(ask(link, key, "PATCH", f"{base}/patients/{row['id']}", change)[0].status)
    return statuses


def read(server: Server, base: str, key: str) -> list[int]:
    with server.connected() as link:
        return [ask(link, key, "GET", f"{base}/patients")[0].status for _ in range(EACH)]


def test_no_writer_and_no_reader_meets_a_locked_database(embedded, serve):
    base, key = json.loads(manage(embedded, "shell", "-v", "0", "-c", CLINIC))
    server = serve(embedded, workers=4)

    batches = together(
        *[lambda name=name: write(server, base, key, f"Writer {name}") for name in range(WRITERS)],
        *[lambda: read(server, base, key)] * READERS,
    )

    statuses = sum(map(Counter, batches), Counter())
    assert statuses == {201: WRITERS, 200: (WRITERS + READERS) * EACH}
    with server.connected() as link:
        stored = json.loads(ask(link, key, "GET", f"{base}/patients")[1])["items"]
    assert {(row["version"], row["last_name"]) for row in stored} == {(EACH + 1, str(EACH - 1))}
    assert len(stored) == WRITERS


def test_who_only_reads_is_counted_while_another_process_writes(embedded, serve):
    _, key = json.loads(manage(embedded, "shell", "-v", "0", "-c", CLINIC))
    server = serve(embedded)
    with server.connected() as link, sqlite3.connect(embedded.removeprefix("sqlite:///")) as database:
        before = ask(link, key, "GET", "/v1/me")[0]
        database.execute("BEGIN IMMEDIATE")
        answer = ask(link, key, "GET", "/v1/me")[0]
    left = [int(found.headers["X-RateLimit-Remaining"]) for found in (before, answer)]
    assert (answer.status, left[0] - left[1]) == (200, 1)


def test_two_processes_count_together(embedded, serve):
    _, key = json.loads(manage(embedded, "shell", "-v", "0", "-c", CLINIC))
    server = serve(embedded, RATE_LIMIT_PER_MINUTE=str(LIMIT))

    def spend() -> list[int]:
        with server.connected() as link:
            return [ask(link, key, "GET", "/v1/me")[0].status for _ in range(LIMIT // 2)]

    statuses = sum(map(Counter, together(*[spend] * 4)), Counter())
    assert statuses == {200: LIMIT, 429: LIMIT}


class Meanwhile:
    """Requests that neighbours repeat for as long as an import runs, which begins when each has been answered once."""

    def __init__(self, server: Server):
        self.server, self.over, self.begun = server, threading.Event(), threading.Barrier(3)

    def import_rows(self, base: str, key: str, on_error: str) -> list[int]:
        rows = [{"first_name": f"First{number}", "last_name": "Imported", "city": on_error} for number in range(ROWS)]
        body = json.dumps({"meta": {"on_error": on_error}, "rows": rows}).encode()
        try:
            with self.server.connected() as link:
                self.begun.wait(PATIENCE)
                return [ask(link, key, "POST", f"{base}/patients/bulk", body)[0].status]
        finally:
            self.over.set()

    def repeat(self, key: str, method: str, path: str, body: bytes = b"") -> list[int]:
        with self.server.connected() as link:
            statuses = [ask(link, key, method, path, body)[0].status]
            self.begun.wait(PATIENCE)
            while not self.over.is_set():
                statuses.append(ask(link, key, method, path, body)[0].status)
            return statuses


def test_a_neighbour_reads_and_writes_while_an_organization_imports(embedded, serve):
    (base, key, importer), (other, other_key, neighbour) = json.loads(manage(embedded, "shell", "-v", "0", "-c", TWO_CLINICS))
    server = serve(embedded, workers=3)
    patient = json.dumps({"first_name": "Next", "last_name": "Door"}).encode()
    last = 0
    for on_error in ("continue", "abort"):
        meanwhile = Meanwhile(server)
        imported, written, read = together(
            partial(meanwhile.import_rows, base, key, on_error),
            partial(meanwhile.repeat, other_key, "POST", f"{other}/patients", patient),
            partial(meanwhile.repeat, other_key, "GET", f"{other}/patients"),
        )

        assert (imported, set(written), set(read)) == ([200], {201}, {200})
        with sqlite3.connect(embedded.removeprefix("sqlite:///")) as database:
            made = "SELECT id, organization_id FROM patients_patient WHERE id > ? ORDER BY id"
            ids, owners = zip(*database.execute(made, [last]), strict=True)
        last = ids[-1]
        runs = [len(list(run)) for owner, run in groupby(owners) if owner == importer]
        assert (sum(runs), owners.count(neighbour)) == (ROWS, len(written))
        # All or nothing is one transaction. Otherwise the neighbour has come in between chunks.
        assert (len(runs) == 1) == (on_error == "abort")
        assert all(run % CHUNK == 0 for run in runs)
