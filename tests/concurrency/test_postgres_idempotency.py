"""One Idempotency-Key, many requests at once: the work is done once."""

import json
import threading
from collections import Counter

import pytest
from django.db import transaction

from accounts.models import IdempotencyRecord, Role
from patients.models import Patient
from tests.concurrency.servers import ask, database_url
from tests.concurrency.threads import PATIENCE, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
BODY = {"first_name": "Emmett", "last_name": "Brown", "chart_number": "EB-1885"}
CALLERS, EACH = 20, 5


def kind(status: int, replayed: bool) -> str:
    """Name an answer: "201", "201 replayed", "409"."""
    return f"{status} replayed" if replayed else str(status)


def check(kinds: Counter, bodies: set[bytes], clinic) -> None:
    assert kinds["201"] == 1
    assert set(kinds) <= {"201", "201 replayed", "409"}
    assert len(bodies) == 1
    assert Patient.objects.filter(organization=clinic.organization).count() == 1
    assert IdempotencyRecord.objects.count() == 1


def test_a_hundred_posts_with_one_key_make_one_patient(clinic, api):
    def post() -> list:
        client = api()
        return [client.post(f"{clinic.base}/patients", BODY, Idempotency_Key="one") for _ in range(EACH)]

    answers = [answer for batch in together(*[post] * CALLERS) for answer in batch]

    kinds = Counter(kind(answer.status_code, "Idempotent-Replayed" in answer) for answer in answers)
    made = {answer.content for answer in answers if answer.status_code == 201}
    check(kinds, made, clinic)
    again = api().post(f"{clinic.base}/patients", BODY, Idempotency_Key="one")
    assert (again.status_code, again["Idempotent-Replayed"], {again.content}) == (201, "true", made)


def test_a_hundred_connections_to_two_workers_with_one_key_make_one_patient(clinic, serve):
    server, key = serve(database_url()), clinic.keys[Role.HC_ADMIN]

    def post() -> tuple[str, bytes]:
        with server.connected() as link:
            path, body = f"{clinic.base}/patients", json.dumps(BODY).encode()
            answer, content = ask(link, key, "POST", path, body, Idempotency_Key="one")
            return kind(answer.status, answer.headers["Idempotent-Replayed"] == "true"), content

    answers = together(*[post] * 100)

    made = {content for name, content in answers if name.startswith("201")}
    check(Counter(name for name, _ in answers), made, clinic)


def test_a_request_whose_twin_still_runs_is_asked_to_come_back(clinic, api):
    held, refused = threading.Event(), threading.Event()

    def post():
        held.wait(PATIENCE)
        answer = api().post(f"{clinic.base}/patients", BODY, Idempotency_Key="one")
        if answer.status_code == 409:
            refused.set()
        return answer

    def hold() -> None:
        """Keep the chart number in a transaction that comes to nothing: the first of the twins waits for its end."""
        with transaction.atomic():
            clinic.patient(chart_number=BODY["chart_number"])
            held.set()
            refused.wait(PATIENCE)
            transaction.set_rollback(True)

    _, *answers = together(hold, post, post)

    answers = {answer.status_code: answer for answer in answers}
    assert set(answers) == {201, 409}
    assert answers[409]["Retry-After"] == "1"
    assert "still running" in answers[409].json()["detail"]


def test_two_bodies_under_one_key_make_one_patient(clinic, api):
    def post(name: str) -> int:
        return api().post(f"{clinic.base}/patients", {**BODY, "first_name": name}, Idempotency_Key="one").status_code

    statuses = together(*[lambda: post("Emmett")] * 4, *[lambda: post("Clara")] * 4)

    patient = Patient.objects.get(organization=clinic.organization)
    others = statuses[4:] if patient.first_name == "Emmett" else statuses[:4]
    assert set(others) == {409}
