"""The embedded database under several worker processes: writers wait their turn, readers never wait."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from django.conf import settings

from tests.concurrency.servers import Server, ask, environment
from tests.concurrency.threads import together

WRITERS, READERS, EACH = 4, 2, 40
CLINIC = """
import json
from tests.factories import Clinic
clinic = Clinic("Hill Valley")
print(json.dumps([clinic.base, clinic.keys["HC_ADMIN"]]))
"""


@pytest.fixture
def embedded(tmp_path) -> str:
    """Return the address of a new SQLite file with the product's tables."""
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0")
    return url


def manage(url: str, *arguments: str) -> str:
    """Run a management command on the database `url` and return what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    given = environment(url, "tests.settings")
    return subprocess.run(command, cwd=settings.BASE_DIR, env=given, check=True, capture_output=True, text=True).stdout  # noqa: S603


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
