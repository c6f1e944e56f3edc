"""Hashing of passwords: with which parameters, how many at a time, and what is told where there are too many."""

import threading

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, check_password, get_hasher, make_password
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client

from accounts.models import Role, User
from config import settings as shipped
from config.core import passwords
from config.core.exceptions import Busy
from config.core.passwords import HashingSlots
from tests.accounts.conftest import PASSWORD
from tests.pages import sign_in, submit


@pytest.fixture
def hashed(settings) -> None:
    """Hash as the product does, not as tests usually do."""
    settings.PASSWORD_HASHERS = shipped.PASSWORD_HASHERS


@pytest.fixture
def slots(hashed, monkeypatch) -> HashingSlots:
    """Return the slots that the hasher uses: one, and nobody waits."""
    slots = HashingSlots(1, waiting=0)
    monkeypatch.setattr(passwords, "SLOTS", slots)
    return slots


def attempt(email: str, password: str = PASSWORD):
    return Client().post("/admin/login/", {"username": email, "password": password})


# --- parameters -------------------------------------------------------------------------------------


def test_a_hash_takes_one_thread_and_19_mib(hashed):
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in make_password(PASSWORD)


def test_a_hash_of_earlier_parameters_is_still_right_and_made_anew(hashed):
    class Earlier(passwords.Argon2Hasher):
        parallelism, memory_cost = 2, 1024

    kept, anew = Earlier().encode(PASSWORD, "s" * 16), []
    assert check_password(PASSWORD, kept, setter=anew.append)
    assert anew == [PASSWORD]
    assert not check_password("wrong", kept)


# --- how many at a time -----------------------------------------------------------------------------


def test_who_finds_no_slot_is_refused_and_the_slot_is_given_back():
    slots = HashingSlots(1, waiting=0)
    with slots.taken(), pytest.raises(Busy), slots.taken():
        raise AssertionError("two at a time")
    with slots.taken():
        pass


def test_whether_there_is_a_slot_can_be_asked_without_taking_it():
    slots = HashingSlots(1, waiting=0)
    slots.check()
    slots.check()
    with slots.taken(), pytest.raises(Busy):
        slots.check()
    slots.check()


def test_a_fault_gives_the_slot_back():
    slots = HashingSlots(1, waiting=0)
    with pytest.raises(ZeroDivisionError), slots.taken():
        raise ZeroDivisionError
    with slots.taken():
        pass


def test_one_waits_for_the_slot_and_the_next_is_refused_at_once():
    slots, waits, served = HashingSlots(1, waiting=1, patience=60), threading.Event(), []
    acquire = slots._running.acquire

    def watched(**options):
        waits.set()
        return acquire(**options)

    def wait() -> None:
        with slots.taken():
            served.append("second")

    with slots.taken():
        slots._running.acquire = watched
        second = threading.Thread(target=wait)
        second.start()
        assert waits.wait(60)
        with pytest.raises(Busy), slots.taken():
            raise AssertionError("three at a time")
        assert served == []
    second.join(60)
    assert served == ["second"]


def test_who_waits_is_refused_when_patience_ends_and_makes_room():
    slots = HashingSlots(1, waiting=1, patience=0)
    with slots.taken():
        for _ in range(3):
            with pytest.raises(Busy), slots.taken():
                raise AssertionError("two at a time")
    with slots.taken():
        pass


@pytest.mark.parametrize("slots", [0, -1])
def test_no_slots_at_all_stop_the_start(slots):
    with pytest.raises(ImproperlyConfigured, match="PASSWORD_HASHES_AT_ONCE"):
        HashingSlots(slots)


def test_the_server_leaves_threads_to_others():
    from config.settings import THREADS

    assert shipped.PASSWORD_HASHES_AT_ONCE + passwords.WAITING <= THREADS // 2


# --- everything that hashes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "encoded"), [(PASSWORD, "made"), ("wrong", "made"), (PASSWORD, "!unusable"), (PASSWORD, "")]
)
def test_making_and_checking_a_hash_take_a_slot_even_where_there_is_none_to_check(slots, password, encoded):
    encoded = make_password(PASSWORD) if encoded == "made" else encoded
    with slots.taken():
        with pytest.raises(Busy):
            make_password(password)
        with pytest.raises(Busy):
            check_password(password, encoded)


def test_the_only_hasher_is_the_one_with_slots(hashed):
    assert [type(get_hasher(name)) for name in ("default", "argon2")] == [passwords.Argon2Hasher] * 2
    assert len(shipped.PASSWORD_HASHERS) == 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_signing_in_while_others_do_is_503_for_known_and_unknown_alike(slots, user, known, password):
    with slots.taken():
        answer = attempt(user.email if known else "nobody@hill.test", password)
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "5", "text/html; charset=utf-8")
    assert "Too many people are signing in" in answer.content.decode()
    assert "_auth_user_id" not in answer.wsgi_request.session
    assert attempt(user.email).status_code == 302


def test_a_refusal_for_want_of_a_slot_is_no_attempt_to_sign_in(slots, user):
    with slots.taken():
        assert {attempt(user.email, "wrong").status_code for _ in range(12)} == {503}
    assert attempt(user.email).status_code == 302


def test_changing_ones_own_password_takes_a_slot(slots, user):
    client = sign_in(user)
    sent = {"old_password": PASSWORD, "new_password1": PASSWORD + " 2", "new_password2": PASSWORD + " 2"}
    with slots.taken():
        answer = client.post("/admin/password_change/", sent)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_form_that_sets_a_password_keeps_what_was_typed_and_tells_to_send_it_again(slots, clinic, user):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    with slots.taken():
        answer = submit(client, User, user.pk, first_name="Nora", password=PASSWORD + " 2")
    assert "Too many people are signing in" in answer.content.decode()
    assert answer.context["adminform"].form["first_name"].value() == "Nora"
    user.refresh_from_db()
    assert (user.first_name, user.check_password(PASSWORD)) == ("", True)


def test_no_hash_is_made_in_a_transaction(clinic, monkeypatch):
    """On SQLite nobody else could write meanwhile. What is sent to a form is hashed before its transaction begins."""
    outside, hashes = len(connection.atomic_blocks), []

    class Watched(MD5PasswordHasher):
        def encode(self, password, salt):
            hashes.append(len(connection.atomic_blocks))
            return super().encode(password, salt)

    monkeypatch.setattr("django.contrib.auth.hashers.get_hasher", lambda *args: Watched())
    client, user = sign_in(clinic.users[Role.HC_ADMIN]), clinic.users[Role.HC_PRIMARY]
    assert submit(client, User, user.pk, password=PASSWORD).status_code == 302
    assert submit(client, User, email="new@hill.test", role=Role.HC_VIEW_ALL, password=PASSWORD, invite=[]).status_code == 302
    assert all(found.check_password(PASSWORD) for found in User.objects.filter(email__in=[user.email, "new@hill.test"]))
    assert set(hashes) == {outside}


def test_reading_a_page_with_a_session_takes_no_slot(slots, user):
    with slots.taken():
        assert sign_in(user).get("/admin/").status_code == 200
