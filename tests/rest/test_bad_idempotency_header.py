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
