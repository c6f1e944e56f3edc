"""`manage.py createsuperuser`: the way to the first person of an installation."""

import getpass
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent, Role, User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def typed(monkeypatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSWORD)


def test_a_superadmin_is_made_who_can_sign_in(typed, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "root@clinic.test")
    call_command("createsuperuser", stdout=io.StringIO())
    user = User.objects.get(email="root@clinic.test")
    assert (user.role, user.organization) == (Role.FC_ADMIN, None)
    assert Client().post("/admin/login/", {"username": user.email, "password": PASSWORD}).status_code == 302
    event = AuditEvent.objects.get(action="user.create", subject_id=user.pk)
    assert event.route == "manage.py createsuperuser"


@pytest.mark.parametrize("email", ["root", "root@clinic.test\n", "a" * 250 + "@clinic.test"])
def test_what_is_no_address_is_refused(typed, email):
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("createsuperuser", email=email)


def test_an_address_that_is_taken_is_told_with_the_command_to_use(typed, clinic):
    with pytest.raises(CommandError, match="changepassword"):
        call_command("createsuperuser", email=clinic.users[Role.HC_ADMIN].email.upper())


def test_a_password_that_is_easy_to_guess_is_refused(monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "passwordpassword")
    with pytest.raises(CommandError):
        call_command("createsuperuser", email="root@clinic.test")
    assert not User.objects.filter(email="root@clinic.test").exists()
