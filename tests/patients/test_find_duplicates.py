"""Possible duplicates: any one signal is enough, in scope only."""

import datetime

import pytest

from tests.factories import archive

BORN = datetime.date(1980, 5, 17)


@pytest.fixture
def known(clinic):
    return clinic.patient(
        last_name="Łukasz",
        date_of_birth=BORN,
        email="Ada@Example.org",
        mobile_phone="(212) 555-0123",
        social_security_number="123-45-6789",
        care_group_id=clinic.group.pk,
    )


def check(client, clinic, **values):
    return client.post(f"{clinic.base}/patients/check-duplicates", {"last_name": "Nobody", **values})


@pytest.mark.parametrize(
    "signal",
    [
        {"last_name": "lukasz", "date_of_birth": "1980-05-17"},
        {"email": "ada@example.ORG"},
        {"mobile_phone": "+1 212 555 0123"},
        {"social_security_number": "123456789"},
    ],
)
def test_one_signal_finds_the_patient(api, clinic, known, signal):
    answer = check(api(), clinic, **signal)
    assert answer.status_code == 200
    assert [item["id"] for item in answer.json()["items"]] == [str(known.uuid)]
    assert answer.json()["total"] == 1


@pytest.mark.parametrize(
    "signal",
    [
        {"last_name": "Łukasz"},
        {"date_of_birth": "1980-05-17"},
        {"email": ""},
        {"mobile_phone": ""},
        {"social_security_number": "--"},
    ],
)
def test_less_than_a_signal_finds_nobody(api, clinic, known, signal):
    clinic.patient(email="", mobile_phone="")
    assert check(api(), clinic, **signal).json() == {"items": [], "total": 0}


def test_last_name_is_required(api, clinic):
    answer = api().post(f"{clinic.base}/patients/check-duplicates", {"email": "a@b.co"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "last_name"]


def test_patients_out_of_scope_and_archived_ones_are_not_found(api, clinic, neighbour, known):
    assert check(api(), clinic, email="ada@example.org").json()["total"] == 1
    assert check(api("HC_ADMIN", neighbour), neighbour, email="ada@example.org").json()["total"] == 0
    known.refresh_from_db()
    other = clinic.patient(email="other@example.org", care_group_id=clinic.other_group.pk)
    assert check(api("HC_PRIMARY"), clinic, email="other@example.org").json()["total"] == 0
    assert check(api(), clinic, email="other@example.org").json()["items"][0]["id"] == str(other.uuid)
    archive(known)
    assert check(api(), clinic, email="ada@example.org").json()["total"] == 0


def test_create_tells_possible_duplicates_and_reads_do_not(api, clinic, known):
    body = {"first_name": "Ada", "last_name": "Other", "email": "ada@example.org"}
    created = api().post(f"{clinic.base}/patients", body).json()
    assert [item["id"] for item in created["potential_duplicates"]] == [str(known.uuid)]
    read = api().get(f"{clinic.base}/patients/{created['id']}").json()
    assert read["potential_duplicates"] is None


def test_create_without_duplicates_tells_none(api, clinic):
    created = api().post(f"{clinic.base}/patients", {"first_name": "Ada", "last_name": "Only"}).json()
    assert created["potential_duplicates"] == []
