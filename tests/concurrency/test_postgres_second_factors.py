"""A code sent by several callers at once: one of them is let in."""

import pytest
from django.utils import timezone

from accounts.authentication import actor_of_user
from accounts.models import Role, SecondFactor
from accounts.services.second_factors import check_code, enrol_second_factor
from config.core.exceptions import Conflict, Invalid
from tests.concurrency.threads import together
from tests.one_time_codes import RFC_SECRET, STEP, code_at, enrolled

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
CALLERS = 8


@pytest.mark.parametrize("kind", ["of the app", "recovery code"])
def test_one_of_eight_callers_uses_a_code(clinic, kind):
    user = clinic.users[Role.HC_PRIMARY]
    _, recovery_codes = enrolled(user, timezone.now())
    code = recovery_codes[0] if kind == "recovery code" else code_at(RFC_SECRET, timezone.now() + STEP)

    def use() -> bool:
        try:
            check_code(actor=actor_of_user(user, route="test"), user=user, code=code)
        except Invalid:
            return False
        return True

    assert sum(together(*[use] * CALLERS)) == 1


def test_one_of_eight_callers_sets_it_up(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    code = code_at(RFC_SECRET, timezone.now())

    def enrol() -> bool:
        try:
            enrol_second_factor(actor=actor_of_user(user, route="test"), user=user, secret=RFC_SECRET, code=code)
        except Conflict:
            return False
        return True

    assert sum(together(*[enrol] * CALLERS)) == 1
    assert SecondFactor.objects.filter(user=user).count() == 1
