"""Two callers and one patient's life: whatever the order, one rule holds and nobody meets an error of ours."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db.models import F

from patients.models import Patient, ReferralAttribution, Relationship
from tests.concurrency.threads import PATIENCE, together
from tests.factories import archive

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

Request = Callable[[int], int]
"""What a caller sends in round `number`; returns the status."""


def race(rounds: int, *callers: Request) -> Counter:
    """Let the callers send their requests at once, round by round; count the combinations of statuses."""
    gate = threading.Barrier(len(callers))

    def call(send: Request) -> list[int]:
        statuses = []
        for number in range(rounds):
            gate.wait(PATIENCE)
            statuses.append(send(number))
        return statuses

    return Counter(zip(*together(*[lambda send=send: call(send) for send in callers]), strict=True))


@pytest.fixture
def act(clinic, api) -> Callable[..., Request]:
    """Return `act(patients, action, body)`: the request that does `action` to the patient of the round."""

    def of(patients: list[Patient], action: str, body: dict | None = None) -> Request:
        client = api()
        return lambda number: client.post(f"{clinic.base}/patients/{patients[number].uuid}/{action}", body).status_code

    return of


@pytest.fixture
def change(clinic, api) -> Callable[..., Request]:
    """Return `change(patients, body_of)`: the request that patches the patient of the round by `body_of(number)`."""

    def of(patients: list[Patient], body_of: Callable[[int], dict]) -> Request:
        client = api()

        def send(number: int) -> int:
            body = {"base_version": patients[number].version, **body_of(number)}
            return client.patch(f"{clinic.base}/patients/{patients[number].uuid}", body).status_code

        return send

    return of


@pytest.fixture
def create(clinic, api) -> Callable[..., Request]:
    """Return `create(body_of)`: the request that makes a patient of `body_of(number)`."""

    def of(body_of: Callable[[int], dict]) -> Request:
        client, named = api(), {"first_name": "Ada", "last_name": "Quist"}
        return lambda number: client.post(f"{clinic.base}/patients", {**named, **body_of(number)}).status_code

    return of


@pytest.fixture
def add(clinic, api) -> Callable[..., Request]:
    """Return `add(patients, what, body_of)`: the request that adds `body_of(number)` to a chart of the patient of the round."""

    def of(patients: list[Patient], what: str, body_of: Callable[[int], dict]) -> Request:
        client = api()
        return lambda number: client.post(f"{clinic.base}/patients/{patients[number].uuid}/{what}", body_of(number)).status_code

    return of


def several(clinic, number: int, **values) -> list[Patient]:
    return [clinic.patient(**values) for _ in range(number)]


def guaranteed_by(guarantors: list[Patient]) -> Callable[[int], dict]:
    return lambda number: {"responsible_party_uuid": str(guarantors[number].uuid)}


def orphans() -> int:
    """Count the patients whose guarantor is archived while they are not."""
    return Patient.objects.filter(deleted_at=None, responsible_party__deleted_at__isnull=False).count()


def versions(patients: list[Patient]) -> set[int]:
    return {patient.version for patient in Patient.objects.filter(pk__in=[patient.pk for patient in patients])}


def test_a_guarantor_is_archived_or_gets_a_new_dependent(clinic, act, create, change):
    """By a patient who is made, and by one who is there: rows are locked in the order of their ids, so both orders are tried."""
    first, middle, last = several(clinic, 100), several(clinic, 100), several(clinic, 50)

    made = race(100, act(first, "archive"), create(guaranteed_by(first)))
    changed = race(50, act(middle[:50], "archive"), change(last, guaranteed_by(middle[:50])))
    changed += race(50, act(last, "archive"), change(middle[50:], guaranteed_by(last)))

    assert set(made) <= {(200, 404), (422, 201)}
    assert set(changed) <= {(200, 404), (422, 200)}
    assert orphans() == 0


def test_a_guarantor_is_archived_or_an_archived_dependent_restored(clinic, act):
    guarantors = several(clinic, 40)
    dependents = [archive(clinic.patient(responsible_party_id=guarantor.pk)) for guarantor in guarantors]

    outcomes = race(40, act(guarantors, "archive"), act(dependents, "restore"))

    assert set(outcomes) <= {(200, 422), (422, 200)}
    assert orphans() == 0


def test_of_two_transitions_from_one_version_one_is_made(clinic, act):
    patients = several(clinic, 60)
    to = {status: {"base_version": 1, "new_status": status} for status in ("inactive", "deceased")}

    alike = race(30, *[act(patients[:30], "transition-status", to["inactive"])] * 2)
    apart = race(30, *[act(patients[30:], "transition-status", body) for body in to.values()])

    assert set(alike) | set(apart) <= {(200, 409), (409, 200)}
    assert versions(patients) == {2}


def test_a_chart_number_returns_with_its_patient_or_goes_to_another(clinic, act, create, change):
    first = [archive(clinic.patient(chart_number=f"Q-1-{number}")) for number in range(30)]
    second = [archive(clinic.patient(chart_number=f"Q-2-{number}")) for number in range(30)]
    others = several(clinic, 30)

    made = race(30, act(first, "restore"), create(lambda number: {"chart_number": f"q-1-{number}"}))
    changed = race(30, act(second, "restore"), change(others, lambda number: {"chart_number": f"q-2-{number}"}))

    assert set(made) <= {(200, 409), (409, 201)}
    assert set(changed) <= {(200, 409), (409, 200)}
    assert Patient.objects.filter(deleted_at=None, chart_number_key__startswith="q-").count() == 60


def test_who_is_archived_or_restored_twice_at_once_is_so_once(clinic, act):
    patients = several(clinic, 30)

    archived = race(30, *[act(patients, "archive")] * 2)
    restored = race(30, *[act(patients, "restore")] * 2)

    assert set(archived) <= {(200, 404), (404, 200)}
    assert set(restored) <= {(200, 422), (422, 200)}
    assert versions(patients) == {3}


def test_two_patients_can_name_each_other_as_guarantor_at_once(clinic, change):
    one, other = several(clinic, 40), several(clinic, 40)

    outcomes = race(40, change(one, guaranteed_by(other)), change(other, guaranteed_by(one)))

    assert outcomes == {(200, 200): 40}


NAMING = [
    ("relationships", "to_patient", {"relationship_type": "sibling"}, Relationship),
    ("referral-attributions", "referring_patient", {}, ReferralAttribution),
]


@pytest.mark.parametrize(("what", "field", "values", "model"), NAMING)
def test_a_patient_is_archived_or_named_by_the_chart_of_another(clinic, act, add, what, field, values, model):
    """An entry may be there first and stay; but none is made once they are archived. Ids lie in both orders."""
    one, other = several(clinic, 40), several(clinic, 40)
    first, second = one[:20] + other[20:], other[:20] + one[20:]

    naming = add(first, what, lambda number: {f"{field}_uuid": str(second[number].uuid), **values})
    outcomes = race(40, act(second, "archive"), naming)

    assert set(outcomes) <= {(200, 201), (200, 404)}
    assert not model.objects.filter(created_at__gt=F(f"{field}__deleted_at")).exists()


def test_two_patients_can_be_related_to_each_other_at_once(clinic, add):
    one, other = several(clinic, 40), several(clinic, 40)

    def spouse(of: list[Patient]) -> Callable[[int], dict]:
        return lambda number: {"to_patient_uuid": str(of[number].uuid), "relationship_type": "spouse"}

    outcomes = race(40, add(one, "relationships", spouse(other)), add(other, "relationships", spouse(one)))

    assert outcomes == {(201, 201): 40}
    assert Relationship.objects.count() == 80
