"""What ends with a change of a person: their sessions, and with their status their keys. Neither comes back."""

import getpass
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, OutboxEvent, Role, User, UserStatus
from accounts.services.keys import revoke_key
from accounts.services.users import NewPassword, change_user_status, update_user
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key
from tests.pages import sign_in, submit

Session = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
PASSWORD = "correct horse battery"
INACTIVE = [status for status in UserStatus.values if status != UserStatus.ACTIVE]


@pytest.fixture
def user(clinic) -> User:
    return clinic.users[Role.HC_ADMIN]


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


def sessions_of(user: User) -> int:
    return sum(row.get_decoded().get("_auth_user_id") == str(user.pk) for row in Session.objects.all())


def set_status(user: User, status: str) -> None:
    change_user_status(actor=SYSTEM, user=user, status=status, reason="test")


def set_password(user: User) -> None:
    update_user(actor=SYSTEM, user=user, changes={}, password=NewPassword.hashed(PASSWORD))


def change(user: User, **changes: Any) -> None:
    update_user(actor=SYSTEM, user=user, changes=changes)


def status_and_back(status: str) -> Callable:
    return lambda user, neighbour: (set_status(user, status), set_status(user, UserStatus.ACTIVE))


# What is done to a person, and undone where it can be.
CHANGES: dict[str, Callable] = {
    **{status: status_and_back(status) for status in INACTIVE},
    "role": lambda user, neighbour: (change(user, role=Role.HC_VIEW_ALL), change(user, role=user.role)),
    "password": lambda user, neighbour: set_password(user),
    "organization": lambda user, neighbour: (
        change(user, organization=neighbour.organization),
        change(user, organization=user.organization),
    ),
    "organization id": lambda user, neighbour: (
        change(user, organization_id=neighbour.organization.pk),
        change(user, organization_id=user.organization_id),
    ),
}


# --- sessions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_all_sessions_of_a_person_end_and_do_not_come_back(clinic, neighbour, user, name):
    browsers, colleague = [sign_in(user), sign_in(user)], sign_in(clinic.users[Role.HC_VIEW_ALL])
    assert sessions_of(user) == 2
    CHANGES[name](user, neighbour)
    assert sessions_of(user) == 0
    assert [is_signed_in(browser) for browser in browsers] == [False, False]
    assert is_signed_in(colleague)


@pytest.mark.parametrize("name", CHANGES)
def test_a_session_that_is_stored_while_its_person_changes_is_none(clinic, neighbour, user, name):
    browser = sign_in(user)
    (row,) = Session.objects.all()
    CHANGES[name](user, neighbour)
    row.save(force_insert=True)
    assert not is_signed_in(browser)
    assert sessions_of(user) == 0


@pytest.mark.parametrize("column", ["role", "organization", "password"])
def test_what_was_changed_past_the_services_ends_sessions_too(neighbour, user, column):
    browser = sign_in(user)
    values = {"role": Role.HC_VIEW_ALL, "organization": neighbour.organization, "password": "!"}
    User.objects.filter(pk=user.pk).update(**{column: values[column]})
    assert not is_signed_in(browser)


@transaction.atomic
def roll_back_after(act: Callable) -> None:
    act()
    raise RuntimeError


def test_a_change_that_is_rolled_back_ends_nothing(clinic, user):
    browser, key = sign_in(user), clinic.keys[Role.HC_ADMIN]
    for act in (lambda: set_status(user, UserStatus.STOPPED), lambda: set_password(user)):
        with pytest.raises(RuntimeError):
            roll_back_after(act)
    assert is_signed_in(browser)
    assert ApiClient(key).get("/v1/me").status_code == 200


def test_changes_that_take_nothing_away_end_nothing(clinic, user):
    browser = sign_in(user)
    update_user(actor=SYSTEM, user=user, changes={"first_name": "Ada", "role": user.role}, care_groups=[clinic.group])
    change(user, organization=user.organization, organization_id=user.organization_id)
    set_status(user, UserStatus.ACTIVE)
    assert is_signed_in(browser)


def test_who_becomes_active_loses_nothing(clinic, user):
    User.objects.filter(pk=user.pk).update(status=UserStatus.CREATED)
    key = new_key(user)
    set_status(user, UserStatus.ACTIVE)
    assert ApiClient(key).get("/v1/me").status_code == 200


# --- by the pages and commands that change people ---------------------------------------------------


def test_who_is_stopped_in_the_admin_is_out(clinic, user):
    nurse = clinic.users[Role.HC_PRIMARY]
    browser = sign_in(nurse)
    assert submit(sign_in(user), User, nurse.pk, status="stopped", reason="Left").status_code == 302
    assert submit(sign_in(user), User, nurse.pk, status="active", reason="Came back").status_code == 302
    assert not is_signed_in(browser)
    assert ApiClient(clinic.keys[Role.HC_PRIMARY]).get("/v1/me").status_code == 401


def change_on_own_page(browser: Client, user: User) -> Any:
    return browser.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": PASSWORD + "2", "new_password2": PASSWORD + "2"},
    )


def change_on_page_of_users(browser: Client, user: User) -> Any:
    return submit(browser, User, user.pk, password=PASSWORD + "2")


@pytest.mark.parametrize("page", [change_on_own_page, change_on_page_of_users])
def test_who_changes_their_own_password_stays_signed_in_here_and_nowhere_else(user, page):
    set_password(user)
    user.refresh_from_db()
    here, elsewhere = sign_in(user), sign_in(user)
    before = here.cookies[settings.SESSION_COOKIE_NAME].value
    assert page(here, user).status_code == 302
    assert User.objects.get(pk=user.pk).check_password(PASSWORD + "2")
    assert sessions_of(user) == 1
    assert (is_signed_in(here), is_signed_in(elsewhere)) == (True, False)
    assert here.cookies[settings.SESSION_COOKIE_NAME].value != before
    event = AuditEvent.objects.filter(action="user.update", subject_id=user.pk).latest("id")
    assert (event.changed_fields, event.user_id) == ("password", user.pk)


def test_a_wrong_old_password_changes_and_ends_nothing(user):
    browser = sign_in(user)
    assert change_on_own_page(browser, user).status_code == 200
    assert is_signed_in(browser)
    assert not AuditEvent.objects.filter(action="user.update", outcome="ok").exists()


def test_the_command_changes_a_password_by_the_same_service(user, monkeypatch, capsys):
    browser = sign_in(user)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSWORD)
    call_command("changepassword", user.email.upper())
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert sessions_of(user) == 0
    assert not is_signed_in(browser)
    event = AuditEvent.objects.get(action="user.update", subject_id=user.pk)
    assert (event.changed_fields, event.route) == ("password", "manage.py changepassword")


@pytest.mark.parametrize(
    ("typed", "message"), [(["short"], "too short"), ([PASSWORD, "other"], "not the same"), ([""], "too short")], ids=str
)
def test_the_command_takes_no_bad_password(user, monkeypatch, typed, message):
    answers = iter(typed * 2)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    with pytest.raises(CommandError, match=message):
        call_command("changepassword", user.email)
    assert not AuditEvent.objects.filter(action="user.update", outcome="ok").exists()


def test_the_command_knows_who_there_is(db):
    with pytest.raises(CommandError, match="No user has this e-mail address"):
        call_command("changepassword", "nobody@example.test")


# --- keys -------------------------------------------------------------------------------------------


def code_of(key: str) -> str:
    """Return the code by which the public dialect refuses a key, or "" if it takes it."""
    response = ApiClient(key).get("/v1/me")
    return "" if response.status_code == 200 else response.json()["errors"][0]["code"]


@pytest.mark.parametrize("status", INACTIVE)
def test_all_keys_of_a_person_end_and_do_not_come_back(clinic, user, status):
    keys, colleague = [clinic.keys[Role.HC_ADMIN], new_key(user)], clinic.keys[Role.HC_VIEW_ALL]
    set_status(user, status)
    assert [code_of(key) for key in keys] == ["account_inactive"] * 2
    set_status(user, UserStatus.ACTIVE)
    assert [code_of(key) for key in keys] == ["unauthorized"] * 2
    assert code_of(colleague) == ""
    assert code_of(new_key(user)) == ""


def test_keys_stay_revoked_from_one_bad_status_to_the_next(clinic, user):
    key = clinic.keys[Role.HC_ADMIN]
    set_status(user, UserStatus.BLOCKED)
    revoked_at = key_row(key).revoked_at
    set_status(user, UserStatus.STOPPED)
    assert key_row(key).revoked_at == revoked_at
    assert code_of(key) == "account_inactive"


def test_a_key_that_was_revoked_before_is_just_a_bad_key(clinic, user):
    key = clinic.keys[Role.HC_ADMIN]
    revoke_key(actor=SYSTEM, key=key_row(key))
    set_status(user, UserStatus.STOPPED)
    assert code_of(key) == "unauthorized"


def test_an_expired_key_of_who_was_stopped_is_just_a_bad_key(user):
    key = new_key(user, expires_at=timezone.now())
    set_status(user, UserStatus.STOPPED)
    assert code_of(key) == "unauthorized"


def test_each_revocation_is_audited_and_told(clinic, user):
    rows = [key_row(clinic.keys[Role.HC_ADMIN]), key_row(new_key(user))]
    set_status(user, UserStatus.STOPPED)
    events = AuditEvent.objects.filter(action="api_key.revoke").order_by("id")
    assert list(events.values_list("subject_id", "organization_id")) == [(row.pk, clinic.organization.pk) for row in rows]
    told = OutboxEvent.objects.filter(type="api_key.revoked")
    assert list(told.values_list("subject_uuid", flat=True)) == [user.uuid] * 2
    assert not ApiKey.objects.filter(user=user, revoked_at=None).exists()


def test_who_has_no_keys_is_stopped_all_the_same(clinic, user):
    ApiKey.objects.filter(user=user).delete()
    set_status(user, UserStatus.STOPPED)
    assert not AuditEvent.objects.filter(action="api_key.revoke").exists()
