"""One link used by several at one moment: one of them chooses the password."""

import pytest

from accounts.models import Role, User
from accounts.services.password_links import PasswordLink, send_password_link, use_password_link
from accounts.services.users import NewPassword
from config.core.exceptions import Gone
from tests.concurrency.threads import together
from tests.factories import SYSTEM

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROUNDS = 5


def used(link: PasswordLink, text: str) -> bool:
    try:
        use_password_link(actor=SYSTEM, user=link.user, token=link.token, password=NewPassword.hashed(text))
    except Gone:
        return False
    return True


def test_a_link_that_several_use_at_once_is_used_once(clinic):
    texts = ["first heron lamp words", "second heron lamp words", "third heron lamp words"]
    for _ in range(ROUNDS):
        link = send_password_link(actor=SYSTEM, user=User.objects.get(pk=clinic.users[Role.HC_PRIMARY].pk))
        outcomes = together(*(lambda text=text, link=link: used(link, text) for text in texts))
        assert sorted(outcomes) == [False, False, True]
        user = User.objects.get(pk=link.user.pk)
        assert user.check_password(texts[outcomes.index(True)])
