"""Who sends a large body is known before it is read."""

from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import ApiKey, Role, User
from accounts.services.keys import revoke_key
from accounts.services.users import end_sessions
from config.rsgi import senders
from config.rsgi.bodies import BodyFault, Sender
from config.rsgi.environ import environ_of
from config.rsgi.senders import sender_of
from tests.factories import SYSTEM, key_row
from tests.pages import sign_in
from tests.rsgi.fakes import scope


@pytest.fixture(autouse=True)
def in_this_transaction(monkeypatch) -> None:
    """Keep the connection of the test, which Django takes for one that was left in a transaction."""
    monkeypatch.setattr(senders, "close_old_connections", lambda: None)


def sender(path: str, **headers: str) -> Sender | None:
    return sender_of(environ_of(scope("POST", path, *headers.items()), b"", 0))


@pytest.fixture
def nurse(clinic) -> User:
    return clinic.users[Role.HC_PRIMARY]


@pytest.fixture
def key(clinic) -> str:
    return clinic.keys[Role.HC_PRIMARY]


PATHS = {"/v1/patients": "authorization", "/api/v1/x/patients/bulk": "authorization", "/general/v1/patients": "x-user-token"}


@pytest.mark.parametrize(("path", "header"), [*PATHS.items(), ("/v1/nothing", "authorization")])
def test_the_holder_of_a_key_is_known_in_each_dialect(clinic, nurse, key, path, header):
    value = f"Bearer {key}" if header == "authorization" else key
    assert sender(path, **{header: value}) == Sender(nurse.pk, clinic.organization.pk)
    other = next(name for name in PATHS.values() if name != header)
    assert sender(path, **{other: value}) is None
    # What a gateway puts into Authorization beside X-User-Token is no key; beside a key in Authorization is another one.
    expected = None if header == "authorization" else Sender(nurse.pk, clinic.organization.pk)
    assert sender(path, **{header: value, other: value}) == expected
    assert sender(path) is None


def test_to_ask_is_no_use_of_the_key(key):
    before = ApiKey.objects.filter(pk=key_row(key).pk).values().get()
    assert sender("/v1/patients", authorization=f"Bearer {key}")
    assert ApiKey.objects.filter(pk=key_row(key).pk).values().get() == before


def test_a_key_that_does_not_work_is_nobodys(nurse, key):
    assert sender("/v1/patients", authorization=f"Bearer {key[:-1]}") is None
    User.objects.filter(pk=nurse.pk).update(status="blocked")
    assert sender("/v1/patients", authorization=f"Bearer {key}") is None
    User.objects.filter(pk=nurse.pk).update(status="active")
    revoke_key(actor=SYSTEM, key=key_row(key))
    assert sender("/v1/patients", authorization=f"Bearer {key}") is None


def test_pages_know_people_by_their_session(clinic, nurse, key):
    cookies = sign_in(nurse).cookies
    cookie = "; ".join(f"{name}={found.value}" for name, found in cookies.items())
    assert sender("/admin/patients/patient/add/", cookie=cookie) == Sender(nurse.pk, clinic.organization.pk)
    assert sender("/admin/", cookie=f"{next(iter(cookies))}=x") is None
    assert sender("/admin/", authorization=f"Bearer {key}") is None
    assert sender("/v1/patients", cookie=cookie) is None
    end_sessions(nurse)
    assert sender("/admin/", cookie=cookie) is None


def test_without_the_database_nobody_is_known(key, monkeypatch):
    def fail(*args: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(senders, "user_of_key", fail)
    with pytest.raises(BodyFault) as fault:
        sender("/v1/patients", authorization=f"Bearer {key}")
    assert fault.value.status == 503
