"""How often somebody may fail to sign in: at one account from one address, from one address, and at one account."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.conf import settings as given
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import RateWindow, Role, User
from accounts.sign_in_limits import KNOWN_FOR
from tests.accounts.conftest import PASSWORD

WRONG = "wrong"
PAIR = given.AXES_FAILURE_LIMIT


@pytest.fixture(autouse=True)
def one_proxy(settings) -> None:
    settings.TRUSTED_PROXIES = 1


@pytest.fixture
def colleague(clinic) -> User:
    colleague = clinic.users[Role.HC_ADMIN]
    colleague.set_password(PASSWORD)
    colleague.save()
    return colleague


def attempt(email: str, password: str = WRONG, address: str = "10.0.0.1"):
    return Client().post("/admin/login/", {"username": email, "password": password}, headers={"X-Forwarded-For": address})


def statuses(attempts) -> list[int]:
    return [attempted.status_code for attempted in attempts]


def assert_locked(answer) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert int(answer["Retry-After"]) > 0
    assert "Too many" in answer.content.decode()


# --- one account from one address -------------------------------------------------------------------


def test_ten_failures_lock_the_account_for_this_address_alone(user, settings):
    settings.SIGN_INS_PER_ACCOUNT_PER_MINUTE = 100
    answers = [attempt(user.email) for _ in range(PAIR)]
    assert statuses(answers) == [200] * (PAIR - 1) + [429]
    refused = attempt(user.email, PASSWORD)
    assert_locked(refused)
    assert (answers[-1]["Retry-After"], refused["Retry-After"]) == ("900", "900")
    assert "15 minutes" in refused.content.decode()
    assert attempt(user.email, PASSWORD, "10.0.0.2").status_code == 302


# --- one address ------------------------------------------------------------------------------------


@pytest.fixture
def few(settings) -> int:
    """Let an address fail five times, whoever it tries to be."""
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 5
    return 5


def test_one_password_for_many_accounts_locks_the_address(few, user, colleague):
    emails = [user.email, *(f"n{number}@hill.test" for number in range(few - 1))]
    assert statuses(attempt(email) for email in emails) == [200] * (few - 1) + [429]
    assert_locked(attempt(colleague.email, PASSWORD))
    assert attempt(colleague.email, PASSWORD, "10.0.0.2").status_code == 302


def test_thirty_accounts_are_more_than_an_address_may_fail_at_as_shipped(db):
    answers = statuses(attempt(f"n{number}@hill.test") for number in range(30))
    assert answers == [200] * (given.SIGN_IN_FAILURES_PER_ADDRESS - 1) + [429] * (31 - given.SIGN_IN_FAILURES_PER_ADDRESS)


def test_other_browsers_do_not_give_an_address_new_attempts(few, user):
    for number in range(few):
        Client().post(
            "/admin/login/",
            {"username": f"n{number}@hill.test", "password": "wrong"},
            headers={"X-Forwarded-For": "10.0.0.1", "User-Agent": f"browser {number}"},
        )
    assert_locked(attempt(user.email, PASSWORD))


def test_a_lock_of_an_address_ends_even_where_somebody_goes_on_trying(few, user):
    for number in range(few):
        attempt(f"n{number}@hill.test")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timezone.timedelta(minutes=14))
    assert_locked(attempt("n0@hill.test"))
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timezone.timedelta(minutes=2))
    assert attempt(user.email, PASSWORD).status_code == 302


def test_an_address_that_signs_people_in_is_not_locked_by_it(few, user):
    assert statuses(attempt(user.email, PASSWORD) for _ in range(few + 1)) == [302] * (few + 1)


def test_addresses_of_one_ipv6_network_are_one(few, user):
    addresses = [f"2001:db8:0:1::{number}" for number in range(few)]
    assert statuses(attempt(f"n{place}@hill.test", address=place) for place in addresses)[-1] == 429
    assert attempt(user.email, PASSWORD, "2001:db8:0:1:ffff::1").status_code == 429
    assert attempt(user.email, PASSWORD, "2001:db8:0:2::1").status_code == 302


# --- one account ------------------------------------------------------------------------------------


@pytest.fixture
def slow(settings, clock) -> int:
    """Let everybody together try an account three times a minute."""
    settings.SIGN_INS_PER_ACCOUNT_PER_MINUTE = 3
    return 3


def attacked(email: str, times: int, first: int = 1):
    return [attempt(email, address=f"10.1.0.{number}") for number in range(first, first + times)]


@pytest.mark.parametrize("known", [True, False])
def test_an_account_is_tried_from_many_addresses_a_few_times_a_minute(slow, user, known):
    email = user.email if known else "nobody@hill.test"
    answers = attacked(email, slow + 2)
    assert statuses(answers) == [200] * slow + [429] * 2
    assert_locked(answers[-1])
    assert answers[-1]["Retry-After"] == "60"
    assert attempt(user.email.upper(), PASSWORD, "10.2.0.1").status_code == (429 if known else 302)


def test_the_delay_of_an_account_is_a_minute_and_refusals_do_not_lengthen_it(slow, clock, user):
    attacked(user.email, slow)
    for _ in range(5):
        clock.move(11)
        assert attempt(user.email, PASSWORD).status_code == 429
    clock.move(5)
    assert attempt(user.email, PASSWORD).status_code == 302


def test_nobody_locks_a_person_out_of_where_they_signed_in_before(slow, user, colleague):
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 302
    attacked(user.email, slow + 5)
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 302
    assert attempt(user.email, PASSWORD, "10.3.0.2").status_code == 429
    attacked(colleague.email, slow + 5)
    assert attempt(colleague.email, PASSWORD, "10.3.0.1").status_code == 429, "another person's address is not one's own"


def test_an_address_is_forgotten_after_a_month(slow, user):
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 302
    AccessLog.objects.update(attempt_time=timezone.now() - KNOWN_FOR - timezone.timedelta(minutes=1))
    attacked(user.email, slow + 5)
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 429


def test_a_known_address_is_still_locked_by_its_own_failures(slow, user):
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 302
    assert statuses(attempt(user.email, address="10.3.0.1") for _ in range(PAIR))[-1] == 429
    assert attempt(user.email, PASSWORD, "10.3.0.1").status_code == 429


def test_who_is_refused_costs_no_hash(slow, user, monkeypatch):
    attacked(user.email, slow)

    def hashed(*args, **kwargs):
        raise AssertionError("hashed")

    monkeypatch.setattr("django.contrib.auth.hashers.MD5PasswordHasher.encode", hashed)
    assert attempt(user.email, PASSWORD).status_code == 429


def test_the_counter_of_an_account_does_not_name_it(slow, user):
    attempt(user.email)
    attempt("nobody@hill.test")
    subjects = list(RateWindow.objects.filter(subject__startswith="account:").values_list("subject", flat=True))
    assert len(subjects) == 2
    assert not any("hill" in subject or user.email in subject for subject in subjects)


def test_the_limits_are_in_proportion():
    """Somebody who mistypes meets the lock of the pair first; an address holds several people."""
    assert given.SIGN_INS_PER_ACCOUNT_PER_MINUTE >= PAIR
    assert given.SIGN_IN_FAILURES_PER_ADDRESS >= 2 * PAIR
