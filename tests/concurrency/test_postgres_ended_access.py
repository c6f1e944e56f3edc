"""Signing in and being stopped at one moment: whoever is first, nothing of it is good afterwards, and nobody waits for ever."""

import pytest
from django.test import Client

from accounts.models import Role, User, UserStatus
from accounts.services.users import change_user_status
from tests.concurrency.threads import together
from tests.factories import SYSTEM
from tests.pages import sign_in

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROUNDS = 10


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


def set_status(user: User, status: str) -> None:
    change_user_status(actor=SYSTEM, user=User.objects.get(pk=user.pk), status=status, reason="test")


def busy(client: Client) -> None:
    """Use the admin, whatever it answers to a session that ends meanwhile."""
    for _ in range(3):
        assert client.get("/admin/password_change/").status_code in (200, 302, 400)


def test_no_session_of_who_is_stopped_meanwhile_is_good_afterwards(clinic):
    pk = clinic.users[Role.HC_ADMIN].pk
    for _ in range(ROUNDS):
        user = User.objects.get(pk=pk)
        before = sign_in(user)
        one, other, *_ = together(
            lambda user=user: sign_in(user),
            lambda user=user: sign_in(user),
            lambda before=before: busy(before),
            lambda user=user: set_status(user, UserStatus.STOPPED),
        )
        set_status(user, UserStatus.ACTIVE)
        assert [is_signed_in(client) for client in (before, one, other)] == [False] * 3
