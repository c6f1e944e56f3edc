"""Merges beside each other and beside other writes: one of two wins, nothing is left behind, nobody meets an error of ours."""

from collections.abc import Callable

import pytest

from clinical.models import Medication
from patients.models import Patient, PatientMerge, Relationship
from tests.concurrency.test_postgres_lifecycle import Request, race, several

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 30


@pytest.fixture
def merging(clinic, api) -> Callable[[list[Patient], list[Patient]], Request]:
    """Return `merging(survivors, others)`: the request that merges the records of the round."""

    def of(survivors: list[Patient], others: list[Patient]) -> Request:
        client = api()

        def send(number: int) -> int:
            body = {"other_patient_uuid": str(others[number].uuid), "base_version": 1, "other_base_version": 1}
            return client.post(f"{clinic.base}/patients/{survivors[number].uuid}/merge", body).status_code

        return send

    return of


@pytest.fixture
def post(clinic, api) -> Callable[..., Request]:
    """Return `post(patients, what, body_of)`: the request that posts `body_of(number)` about the patient of the round."""

    def of(patients: list[Patient], what: str, body_of: Callable[[int], dict] = lambda number: {}) -> Request:
        client = api()
        return lambda number: client.post(f"{clinic.base}/patients/{patients[number].uuid}/{what}", body_of(number)).status_code

    return of


def left_behind() -> int:
    """Count the medications and relationships that a merged record still has, or is named by."""
    merged = Patient.objects.filter(merged_into__isnull=False)
    entries = Medication.objects.filter(patient__in=merged).count()
    return entries + Relationship.objects.filter(to_patient__in=merged, deleted_at=None).count()


def test_two_records_that_are_merged_into_each_other_at_once_are_merged_once(clinic, merging):
    one, other = several(clinic, ROUNDS), several(clinic, ROUNDS)

    outcomes = race(ROUNDS, merging(one, other), merging(other, one))

    assert set(outcomes) <= {(200, 404), (404, 200)}
    assert PatientMerge.objects.count() == ROUNDS


def test_a_record_that_is_merged_into_two_at_once_goes_into_one(clinic, merging):
    first, second, both = (several(clinic, ROUNDS) for _ in range(3))

    outcomes = race(ROUNDS, merging(first, both), merging(second, both))

    assert set(outcomes) <= {(200, 404), (404, 200)}
    assert PatientMerge.objects.count() == ROUNDS


def test_an_entry_that_is_added_to_a_record_while_it_is_merged_moves_or_is_refused(clinic, merging, post):
    survivors, others = several(clinic, ROUNDS), several(clinic, ROUNDS)

    outcomes = race(
        ROUNDS, merging(survivors, others), post(others, "medications", lambda number: {"med_descript": "Herbal tea"})
    )

    assert set(outcomes) <= {(200, 201), (200, 404)}
    assert left_behind() == 0


def test_whoever_names_a_record_while_it_is_merged_names_the_survivor_or_is_refused(clinic, merging, post):
    """Ids lie in both orders. A merge that meets a new name may say that somebody is changing the record."""
    one, other, people = (several(clinic, ROUNDS) for _ in range(3))
    half = ROUNDS // 2
    survivors, others = one[:half] + other[half:], other[:half] + one[half:]

    def naming(number: int) -> dict:
        return {"to_patient_uuid": str(others[number].uuid), "relationship_type": "sibling"}

    outcomes = race(ROUNDS, merging(survivors, others), post(people, "relationships", naming))

    assert set(outcomes) <= {(200, 201), (200, 404), (409, 201)}
    assert left_behind() == 0


def test_a_record_that_is_unmerged_twice_at_once_comes_back_once(clinic, merging, post):
    survivors, others = several(clinic, ROUNDS), several(clinic, ROUNDS)
    merge = merging(survivors, others)
    assert {merge(number) for number in range(ROUNDS)} == {200}

    outcomes = race(ROUNDS, *[post(others, "unmerge")] * 2)

    assert set(outcomes) <= {(200, 422), (422, 200)}
    assert Patient.objects.filter(merged_into__isnull=False).count() == 0
