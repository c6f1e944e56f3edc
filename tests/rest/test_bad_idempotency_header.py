"""Idempotency-Key: what is no key, and what a key cannot be used for again."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import IdempotencyRecord, User
from accounts.scope import Role
from config.rest import idempotency
from patients.models import Patient
from tests.rest.wire import Wire


@pytest.fixture
def practice(clinic) -> Wire:
    return Wire("practice", clinic)


def create(wire: Wire, key: str, role: str = Role.HC_ADMIN, **values):
    return wire.create(wire.values(**values), wire.client(role), Idempotency_Key=key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "a b",
        "a" * 256,
        "a" * 65_536,
        "a\tb",
        "a\x00",
        "a\x7f",
        "a\n",
        "é",
        "٣",
        "\ud7ff",
        "one,two",
        "one, two",
        ",",
    ],
)
def test_what_is_no_key_is_400_and_nothing_is_made(practice, key):
    response = practice.limited(practice.checked(create(practice, key), 400))
    assert response.json() == {"detail": "Idempotency-Key must be 1 to 255 printable ASCII characters, sent once"}
    assert not Patient.objects.exists()


@pytest.mark.parametrize("key", ["a", "a" * 255, "!#$%&'*+-.^_`|~", "01890000-0000-7000-8000-000000000000"])
def test_any_printable_key_is_taken_and_replayed(practice, key):
    first, again = create(practice, key), create(practice, key)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert again.headers["Content-Type"] == "application/json"
    practice.limited(again)
    assert Patient.objects.count() == 1


def test_same_key_with_another_body_is_409(practice):
    assert create(practice, "k").status_code == 201
    response = practice.checked(create(practice, "k", first_name="Eve"), 409)
    assert response.json() == {"detail": "Idempotency conflict"}
    assert Patient.objects.count() == 1


SENT = b'{"first_name": "Ada", "last_name": "Quist", "own": {"a": 1, "b": [1, 2]}, "note": "1.0", "n": 18446744073709551616}'


@pytest.mark.parametrize(
    "again",
    [
        b'{"n": 18446744073709551616, "own": {"b": [1, 2], "a": 1}, "note": "1.0", "last_name": "Quist", "first_name": "Ada"}',
        b'{"first_name":"Ada","last_name":"Quist",\n"own":{"a":1,"b":[1,2]},"note":"1.0","n":18446744073709551616}',
        b'{"first_name":"\\u0041da","last_name":"Quist","own":{"a":1.0,"b":[1,20e-1]}, "note":"1.0","n":18446744073709551616}',
    ],
    ids=["order of keys", "blanks", "writing of numbers and texts"],
)
def test_same_values_written_otherwise_are_the_same_request(practice, again):
    first, second = [practice.client()("POST", practice.patients, raw=raw, Idempotency_Key="k") for raw in (SENT, again)]
    assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[1, 2]", b"[2, 1]"),
        (b'"a": 1', b'"a": true'),
        (b'"a": 1', b'"a": "1"'),
        (b'"1.0"', b'"1"'),
        (b"[1, 2]", b"[1, 2, null]"),
        (b"551616", b"551617"),
    ],
)
def test_other_values_are_another_request(practice, old, new):
    other = SENT.replace(old, new)
    answers = [practice.client()("POST", practice.patients, raw=raw, Idempotency_Key="k") for raw in (SENT, other)]
    assert [answer.status_code for answer in answers] == [201, 409]


def test_the_same_path_with_its_ids_in_upper_case_is_the_same_request(practice, clinic):
    organization = str(clinic.organization.uuid)
    path = practice.patients.replace(organization, organization.upper())
    assert path != practice.patients
    first, second = [practice.client().post(at, practice.values(), Idempotency_Key="k") for at in (practice.patients, path)]
    assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_same_key_with_another_query_is_409(practice):
    assert create(practice, "k").status_code == 201
    response = practice.client().post(f"{practice.patients}?x=1", practice.values(), Idempotency_Key="k")
    assert response.json() == {"detail": "Idempotency conflict"}


def test_keys_of_users_and_of_organizations_are_their_own(practice, clinic, neighbour):
    clinic.add_user(Role.HC_ADMIN)
    assert create(practice, "k").status_code == 201
    other = Wire("practice", neighbour)
    assert create(other, "k").status_code == 201
    assert create(practice, "k", Role.HC_PRIMARY).status_code == 201
    client = practice.client(Role.FC_ADMIN)
    answers = [wire.create(wire.values(), client, Idempotency_Key="k") for wire in (practice, other)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert all("Idempotent-Replayed" not in answer.headers for answer in answers)
    assert Patient.objects.count() == 5


def test_replay_is_refused_to_who_has_lost_access(practice, clinic):
    assert create(practice, "k").status_code == 201
    user = clinic.users[Role.HC_ADMIN]
    User.objects.filter(pk=user.pk).update(role=Role.HC_VIEW_ALL)
    practice.checked(create(practice, "k"), 403)


def test_replay_is_refused_in_an_organization_that_is_no_longer_ones_own(practice, clinic, neighbour):
    assert create(practice, "k").status_code == 201
    User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(organization=neighbour.organization)
    response = practice.checked(create(practice, "k"), 404)
    assert response.json() == {"detail": "Organization not found"}


def test_failures_are_not_remembered(practice):
    assert create(practice, "k", gender="nope").status_code == 422
    assert create(practice, "k", primary_provider_uuid="01890000-0000-7000-8000-000000000000").status_code == 404
    assert not IdempotencyRecord.objects.exists()
    assert create(practice, "k").status_code == 201


def test_key_that_is_in_use_is_409_with_the_time_to_come_back(practice, monkeypatch):
    monkeypatch.setattr(idempotency, "try_advisory_lock", lambda name: False)
    response = create(practice, "k")
    assert response.status_code == 409
    assert response.headers["Retry-After"] == "1"
    assert response.json()["detail"].startswith("Idempotency conflict")
    assert not Patient.objects.exists()


def test_key_is_forgotten_after_a_day(practice):
    assert create(practice, "k").status_code == 201
    IdempotencyRecord.objects.update(created_at=timezone.now() - datetime.timedelta(hours=24, seconds=1))
    assert create(practice, "k", first_name="Eve").status_code == 201
    assert Patient.objects.count() == 2


def test_bad_body_is_told_before_a_bad_key(practice):
    response = practice.client()("POST", practice.patients, raw=b"{", Idempotency_Key="")
    assert response.json() == {"detail": "The body is not valid JSON"}


@pytest.mark.parametrize("name", ["public", "general"])
def test_operations_that_do_not_document_the_header_ignore_it(clinic, name):
    wire = Wire(name, clinic)
    assert wire.create(wire.values(), Idempotency_Key="").status_code == 201
    assert not IdempotencyRecord.objects.exists()


def test_stored_answer_cannot_be_read_in_the_database(practice):
    assert create(practice, "k", first_name="ZZcanary").status_code == 201
    assert b"ZZcanary" not in bytes(IdempotencyRecord.objects.get().answer)


def test_numbers_of_any_size_are_compared(practice):
    bodies = [SENT.replace(b'"a": 1', b'"a": ' + number) for number in (b"1" + b"0" * 30, b"1" + b"0" * 30, b"1e300")]
    answers = [practice.client()("POST", practice.patients, raw=raw, Idempotency_Key="k") for raw in bodies]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[0].content == answers[1].content
