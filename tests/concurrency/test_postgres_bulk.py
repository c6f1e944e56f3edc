"""An import whose worker is killed leaves whole chunks or nothing, and is completed once by whoever sends it again."""

import json
import random
import threading
import time
from contextlib import suppress

import pytest
import requests
from django.db import connection

from accounts.models import AuditedPatient, IdempotencyRecord, OutboxEvent, Role
from patients.bulk_import import CHUNK
from patients.models import NameKey, Patient
from tests.concurrency.servers import database_url
from tests.concurrency.threads import PATIENCE, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROWS = 4 * CHUNK + 100
KILLS = 3
"""Kills of one import: each retry but the last is killed too."""


def body_of(on_error: str, chance: random.Random) -> bytes:
    rows = [
        {"first_name": f"First{number}", "last_name": f"Last{chance.randrange(10**6)}", "chart_number": f"HV-{number}"}
        for number in range(ROWS)
    ]
    return json.dumps({"meta": {"on_error": on_error}, "rows": rows}).encode()


OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Importer:
    """Sends one import, over and over, to servers that may be killed meanwhile."""

    def __init__(self, clinic, body: bytes, key: str):
        self.path = f"{clinic.base}/patients/bulk"
        self.body = body
        self.headers = {
            "Authorization": f"Bearer {clinic.keys[Role.HC_ADMIN]}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }

    def send(self, server) -> requests.Response:
        return requests.post(f"http://127.0.0.1:{server.port}{self.path}", self.body, headers=self.headers, timeout=PATIENCE)

    def killed(self, server, seconds: float) -> requests.Response | None:
        """Send the import and kill the server after some seconds; return the answer where it was quicker."""
        answers: list[requests.Response] = []

        def send() -> None:
            with suppress(requests.RequestException):
                answers.append(self.send(server))

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(seconds)
        server.kill()
        thread.join(PATIENCE)
        return answers[0] if answers else None

    def finished(self, server) -> requests.Response:
        """Send the import until it is answered; the database may need a moment to see that its client has died."""
        for _ in range(PATIENCE * 2):
            answer = self.send(server)
            if answer.status_code != 409:
                return answer
            assert answer.headers["Retry-After"] == "1"
            time.sleep(0.5)
        raise AssertionError("the key was never given back")


def settled() -> None:
    """Wait until the connections of killed workers are gone, and with them what they had begun."""
    for _ in range(PATIENCE * 10):
        with connection.cursor() as cursor:
            cursor.execute(OTHERS)
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.1)
    raise AssertionError("connections of a killed worker are still there")


def stored(clinic) -> int:
    """Return how many patients there are, after checking that all that goes with each is there once."""
    patients = set(Patient.objects.filter(organization=clinic.organization).values_list("pk", flat=True))
    created = AuditedPatient.objects.filter(event__action="patient.bulk_create").values_list("patient_id", flat=True)
    assert sorted(created) == sorted(patients)
    assert OutboxEvent.objects.filter(type="patient.created").count() == len(patients)
    assert set(NameKey.objects.values_list("patient_id", flat=True)) == patients
    return len(patients)


@pytest.mark.parametrize(("on_error", "seed"), [("continue", 1), ("continue", 2), ("abort", 3)])
def test_an_import_killed_at_any_moment_is_completed_once(clinic, serve, on_error, seed):
    chance = random.Random(seed)
    work = Importer(clinic, body_of(on_error, chance), "one")
    seen = [0]
    for _ in range(KILLS):
        server = serve(database_url(), workers=1)
        answer = work.killed(server, chance.uniform(0.05, 0.8))
        settled()
        seen.append(stored(clinic))
        assert seen[-1] >= seen[-2]
        assert seen[-1] in ((0, ROWS) if on_error == "abort" else (*range(0, ROWS, CHUNK), ROWS))
        assert answer is None or seen[-1] == ROWS
        # The record tells of what is stored, and of nothing else.
        assert IdempotencyRecord.objects.count() == (1 if seen[-1] else 0)

    server = serve(database_url(), workers=1)
    answer = work.finished(server)

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert (answer.json()["created"], answer.json()["total"]) == (ROWS, ROWS)
    assert stored(clinic) == ROWS
    uuids = {str(uuid) for uuid in Patient.objects.filter(organization=clinic.organization).values_list("uuid", flat=True)}
    assert {result["uuid"] for result in results} == uuids
    by_number = dict(Patient.objects.values_list("chart_number", "uuid"))
    assert all(result["uuid"] == str(by_number[f"HV-{result['index']}"]) for result in results)
    again = work.send(server)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (answer.content, "true")


def test_imports_at_once_with_one_key_make_everybody_once(clinic, serve):
    server = serve(database_url(), workers=2)
    work = Importer(clinic, body_of("continue", random.Random(4)), "one")

    answers = together(*[lambda: work.send(server)] * 4)

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert stored(clinic) == ROWS


def test_imports_at_once_of_the_same_chart_numbers_make_everybody_once(clinic, serve):
    server = serve(database_url(), workers=2)
    body = body_of("continue", random.Random(5))
    works = [Importer(clinic, body, key) for key in ("one", "two")]

    answers = together(*[lambda work=work: work.send(server) for work in works])

    assert {answer.status_code for answer in answers} <= {200, 503}
    done = [answer.json() for answer in answers if answer.status_code == 200]
    assert done
    assert all(answer["created"] + answer["failed"] == answer["total"] == ROWS for answer in done)
    assert stored(clinic) == ROWS
