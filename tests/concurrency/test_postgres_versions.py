"""Two writers on one patient: nothing that was acknowledged is lost."""

import datetime
from collections import Counter

import pytest

from accounts.models import AuditEvent
from patients.models import Patient
from tests.concurrency.threads import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
PATCHES = 500
PUTS = 250


def count_up(client, path: str) -> list[tuple[int, dict]]:
    """Raise the number in medical_summary PATCHES times from what was last seen; return every status and body."""
    seen, answers = client.get(path).json(), []
    for _ in range(PATCHES):
        number = str(int(seen["medical_summary"]) + 1)
        answer = client.patch(path, {"base_version": seen["version"], "medical_summary": number})
        answers.append((answer.status_code, answer.json()))
        seen = answer.json() if answer.status_code == 200 else client.get(path).json()
    return answers


def test_of_two_writers_with_base_versions_none_overwrites_the_other(clinic, api):
    patient = clinic.patient(medical_summary="0")
    path = f"{clinic.base}/patients/{patient.uuid}"

    first, second = together(lambda: count_up(api(), path), lambda: count_up(api(), path))

    answers = first + second
    statuses = Counter(status for status, _ in answers)
    patient.refresh_from_db()
    assert set(statuses) == {200, 409}
    assert sum(statuses.values()) == 2 * PATCHES
    assert statuses[200] == patient.version - 1 == int(patient.medical_summary)
    acknowledged = sorted((body["version"], body["medical_summary"]) for status, body in answers if status == 200)
    assert acknowledged == [(version, str(version - 1)) for version in range(2, patient.version + 1)]
    assert AuditEvent.objects.filter(action="patient.update", subject_id=patient.pk).count() == statuses[200]


def test_a_refused_writer_is_told_both_versions(clinic, api):
    patient = clinic.patient(medical_summary="0")
    path = f"{clinic.base}/patients/{patient.uuid}"

    answers = together(*[lambda: api().patch(path, {"base_version": 1, "city": "Hill Valley"})] * 8)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    told = {answer.json()["detail"] for answer in answers if answer.status_code == 409}
    assert told == {"Version conflict: expected 2, got 1"}


def test_two_writers_without_versions_are_both_served_and_counted(clinic, general):
    patient = clinic.patient(date_of_birth=datetime.date(1968, 6, 9))
    path = f"/general/v1/patients/{patient.pk}"

    def put(column: str) -> Counter:
        client = general()
        return Counter(
            client.put(path, {"patient": {"address": {column: f"{column} {number}"}}}).status_code for number in range(PUTS)
        )

    statuses = sum(together(lambda: put("city"), lambda: put("state")), Counter())

    patient.refresh_from_db()
    assert statuses == {200: 2 * PUTS}
    assert patient.version == 1 + statuses[200]
    assert (patient.city, patient.state) == (f"city {PUTS - 1}", f"state {PUTS - 1}")


def test_the_last_of_two_writers_leaves_a_record_that_is_found_by_what_it_says(clinic, general, api):
    """Derived columns follow from the row as it stands under the lock, not as the writer first read it."""
    patient = clinic.patient(date_of_birth=datetime.date(1968, 6, 9))
    path = f"/general/v1/patients/{patient.pk}"

    def put(column: str) -> None:
        for number in range(40):
            general().put(path, {"patient": {column: f"{column.title().replace('_', '')}{number}"}})

    together(lambda: put("first_name"), lambda: put("last_name"))

    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.first_name_key, stored.last_name_key) == ("firstname39", "lastname39")
    assert stored.search_text.split()[:2] == ["firstname39", "lastname39"]
