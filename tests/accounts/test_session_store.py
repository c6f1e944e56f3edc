"""Sessions in the database: Django's own behaviour, but for the key, of which only a hash is stored, and an end that comes."""

import datetime
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from tests.clock import Clock
from tests.pages import sign_in

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
Session = SessionStore.get_model_class()
NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def client(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


def cookie_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


# --- what the table gives away ----------------------------------------------------------------------


def test_the_cookie_is_in_no_table(client):
    assert is_signed_in(with_cookie(cookie_of(client)))
    client.post("/admin/login/", {"username": "nobody@hill.test", "password": "x"})
    rows = [row for model in apps.get_models() for row in model._base_manager.values()]
    assert len(rows) > 40
    assert cookie_of(client) not in str(rows)


def test_what_is_stored_signs_nobody_in(client):
    (row,) = Session.objects.values()
    texts = [value for value in row.values() if isinstance(value, str)]
    assert len(texts) >= 2
    for text in texts:
        assert not is_signed_in(with_cookie(text))
    assert is_signed_in(client)


def test_a_row_is_named_without_its_key(client):
    row = Session.objects.get()
    assert row.session_key not in str(row) + repr(row)


def test_a_row_names_its_user_once_somebody_has_signed_in(clinic, client):
    assert Session.objects.get().user == clinic.users[Role.HC_ADMIN]
    visitor = SessionStore()
    visitor.create()
    assert Session.objects.filter(user=None).count() == 1


# --- Django's own behaviour, called directly and awaited --------------------------------------------


@pytest.fixture(params=["", "a"], ids=["direct", "awaited"])
def call(request, db) -> Callable[..., Any]:
    """Return a function that calls a method of a store, or its asynchronous twin."""

    def call(store, method: str, *args, **options):
        found = getattr(store, request.param + method)
        return async_to_sync(found)(*args, **options) if request.param else found(*args, **options)

    return call


def stored(call, **data) -> Any:
    store = SessionStore()
    call(store, "create")
    store.update(data)
    call(store, "save")
    return store


def held(call, key: str | None) -> dict:
    """Return what another request finds under a key, without what the store adds."""
    return {name: value for name, value in call(SessionStore(key), "load").items() if not name.startswith("_")}


def test_what_is_saved_is_loaded_by_the_same_key_only(call):
    one, other = stored(call, colour="blue"), stored(call, colour="red")
    assert held(call, one.session_key) == {"colour": "blue"}
    assert held(call, other.session_key) == {"colour": "red"}
    assert held(call, "0" * 32) == {}


def test_who_brings_an_unknown_key_is_given_another_one(call):
    store = SessionStore("0" * 32)
    assert call(store, "load") == {}
    call(store, "save")
    assert store.session_key not in (None, "0" * 32)
    assert not call(store, "exists", "0" * 32)


@pytest.mark.parametrize("key", ["\x00" * 32, "ÿ" * 32, "' or 1=1 --", "a" * 10_000])
def test_what_is_no_key_is_an_unknown_key(call, key):
    assert held(call, key) == {}


def test_exists_knows_keys_and_not_their_hashes(call):
    store = stored(call)
    assert call(store, "exists", store.session_key)
    assert not call(store, "exists", Session.objects.get().session_key)


def test_a_new_key_keeps_the_data_and_ends_the_old_one(call):
    store = stored(call, colour="blue")
    before = store.session_key
    call(store, "cycle_key")
    assert store.session_key != before
    assert not call(store, "exists", before)
    assert held(call, store.session_key) == {"colour": "blue"}
    assert Session.objects.count() == 1


def test_flush_leaves_neither_data_nor_row(call):
    store = stored(call, colour="blue")
    call(store, "flush")
    assert (store.session_key, store.is_empty()) == (None, True)
    assert not Session.objects.exists()


def test_delete_takes_the_session_named_or_its_own_or_none(call):
    one, other = stored(call), stored(call)
    call(one, "delete", "0" * 32)
    call(SessionStore(), "delete")
    assert Session.objects.count() == 2
    call(one, "delete", other.session_key)
    assert call(one, "exists", one.session_key)
    assert not call(one, "exists", other.session_key)
    call(one, "delete")
    assert not Session.objects.exists()


def test_a_session_that_was_deleted_meanwhile_is_not_saved_again(call):
    store = stored(call, colour="blue")
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        call(store, "save")
    assert not Session.objects.exists()


def test_a_key_that_is_taken_is_not_created_again(call):
    again = SessionStore(stored(call, colour="blue").session_key)
    again._session_cache = {}
    with pytest.raises(CreateError):
        call(again, "save", must_create=True)
    assert held(call, again.session_key) == {"colour": "blue"}


def test_expired_sessions_are_not_loaded_and_can_be_cleared(call, monkeypatch):
    clock = Clock(monkeypatch, NOON)
    old = stored(call, colour="blue")
    clock.move(NOON + datetime.timedelta(minutes=15))
    new = stored(call, colour="red")
    assert held(call, old.session_key) == {}
    clock.move(NOON + datetime.timedelta(minutes=15, seconds=1))
    call(SessionStore, "clear_expired")
    assert not call(new, "exists", old.session_key)
    assert held(call, new.session_key) == {"colour": "red"}


def test_a_row_can_be_decoded(call):
    stored(call, colour="blue")
    assert Session.objects.get().get_decoded()["colour"] == "blue"


def test_what_somebody_wrote_into_a_row_without_the_servers_key_is_not_believed(call):
    store = stored(call, colour="blue")
    Session.objects.update(session_data=json.dumps({"colour": "red"}))
    assert held(call, store.session_key) == {}


def test_an_expiry_of_its_own_is_kept_unless_it_is_too_late(call):
    store = stored(call)
    for days, kept in ((0.25, True), (30, False)):
        wanted = timezone.now() + datetime.timedelta(days=days)
        call(store, "set_expiry", wanted)
        call(store, "save")
        assert (Session.objects.get().expire_date == wanted) is kept
    latest = timezone.now() + datetime.timedelta(hours=settings.SESSION_MAX_HOURS)
    assert Session.objects.get().expire_date <= latest


# --- the end ----------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch, settings) -> Clock:
    settings.SESSION_MAX_HOURS = 1
    return Clock(monkeypatch, NOON)


def poll(client: Client, clock: Clock, minutes: int) -> list[bool]:
    """Ask every ten minutes; return whether the client was still signed in each time."""
    seen = []
    for _ in range(minutes // 10):
        clock.move(clock.now + datetime.timedelta(minutes=10))
        seen.append(is_signed_in(client))
    return seen


def test_a_session_that_is_polled_ends_all_the_same(clinic, clock):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert poll(client, clock, minutes=70) == [True] * 5 + [False] * 2


def test_a_session_that_nobody_uses_ends_earlier(clinic, clock):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    clock.move(NOON + datetime.timedelta(minutes=14))
    assert is_signed_in(client)
    clock.move(NOON + datetime.timedelta(minutes=30))
    assert not is_signed_in(client)


def test_the_time_runs_from_the_sign_in_and_not_from_the_first_visit(clinic, clock):
    visitor = SessionStore()
    visitor.create()
    client = with_cookie(visitor.session_key)
    clock.move(NOON + datetime.timedelta(minutes=10))
    client.force_login(clinic.users[Role.HC_ADMIN], backend="accounts.authentication.StaffBackend")
    assert poll(client, clock, minutes=60) == [True] * 5 + [False]


def test_a_new_key_prolongs_nothing(clinic, clock):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert poll(client, clock, minutes=50) == [True] * 5
    session = client.session
    session.cycle_key()
    assert poll(with_cookie(session.session_key), clock, minutes=10) == [False]


def test_who_signs_in_again_has_the_whole_time_again(clinic, clock):
    user = clinic.users[Role.HC_ADMIN]
    client = sign_in(user)
    assert poll(client, clock, minutes=50) == [True] * 5
    client.force_login(user, backend="accounts.authentication.StaffBackend")
    assert poll(client, clock, minutes=60) == [True] * 5 + [False]


def test_a_database_that_is_busy_is_no_session_that_has_ended(clinic, monkeypatch):
    def busy(*args, **kwargs):
        raise OperationalError("database is locked")

    client = sign_in(clinic.users[Role.HC_ADMIN])
    monkeypatch.setattr("accounts.models.Session.save", busy)
    response = client.get("/admin/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "The database is busy." in response.content.decode()
