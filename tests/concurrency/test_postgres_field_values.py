"""Writers of the same custom fields, in any order: nobody meets a deadlock, nothing is there twice, no version is lost."""

import os
import random
from collections import Counter

import pytest

from accounts.models import OutboxEvent
from patients.models import FieldDefinition, FieldValue
from tests.concurrency.test_postgres_unique_values import CALLERS, race
from tests.concurrency.threads import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WRITERS, FIELDS = 4, 20
PUTS = int(os.environ.get("FIELD_VALUE_PUTS", "25"))
"""Requests of each writer; 150 in the full run."""


@pytest.fixture
def definitions(clinic) -> list[FieldDefinition]:
    return [clinic.catalog(FieldDefinition, f"Field {number:02}", field_type="number") for number in range(FIELDS)]


def body_of(definitions: list[FieldDefinition], value: float) -> dict:
    return {"fields": [{"field_definition_uuid": str(definition.uuid), "value": value} for definition in definitions]}


def test_writers_of_the_same_fields_in_any_order_are_all_served(clinic, api, definitions):
    path = f"{clinic.base}/patients/{clinic.patient().uuid}/field-values"

    def write(writer: int) -> list[tuple[int, list]]:
        client, chance, answers = api(), random.Random(writer), []
        for number in range(PUTS):
            shuffled = chance.sample(definitions, FIELDS)
            answer = client.put(path, body_of(shuffled, writer * PUTS + number))
            answers.append((answer.status_code, answer.json()))
        return answers

    answers = [answer for batch in together(*[lambda w=w: write(w) for w in range(WRITERS)]) for answer in batch]

    assert Counter(status for status, _ in answers) == {200: WRITERS * PUTS}
    versions = sorted({row["version"] for _, shown in answers for row in shown})
    assert versions == list(range(1, WRITERS * PUTS + 1)), "every write has a version of its own"
    assert all(len({(row["value"], row["version"]) for row in shown}) == 1 for _, shown in answers), "a write is whole"
    (last,) = ({row["value"] for row in shown} for _, shown in answers if shown[0]["version"] == versions[-1])
    assert set(FieldValue.objects.values_list("value", "version")) == {(value, versions[-1]) for value in last}
    assert OutboxEvent.objects.filter(type="field_value.updated").count() == WRITERS * PUTS * FIELDS


def test_eight_first_values_of_one_field_are_one_row(clinic, api, definitions):
    patients = [clinic.patient() for _ in range(20)]

    def put(caller: int, number: int) -> int:
        path = f"{clinic.base}/patients/{patients[number].uuid}/field-values"
        return api().put(path, body_of(definitions[:3], caller)).status_code

    rounds = race(len(patients), put)

    assert rounds == [{200: CALLERS}] * len(patients)
    rows = Counter(FieldValue.objects.values_list("patient_id", "field_definition_id", "version"))
    assert rows == {(patient.pk, definition.pk, CALLERS): 1 for patient in patients for definition in definitions[:3]}


def test_a_patient_is_archived_or_gets_a_value(clinic, api, definitions):
    patients = [clinic.patient() for _ in range(30)]
    body = body_of(definitions, 1)

    def act(caller: int, number: int) -> int:
        one = f"{clinic.base}/patients/{patients[number].uuid}"
        answer = api().put(f"{one}/field-values", body) if caller else api().post(f"{one}/archive")
        return answer.status_code

    statuses = together(*[lambda c=c: [act(c, number) for number in range(len(patients))] for c in range(2)])

    for patient, archived, written in zip(patients, *statuses, strict=True):
        patient.refresh_from_db()
        stored = FieldValue.objects.filter(patient=patient)
        assert (archived, written) in {(200, 200), (200, 404)}
        assert stored.count() == (FIELDS if written == 200 else 0)
        assert all(value.updated_at < patient.updated_at for value in stored), "nothing is written into an archived chart"
