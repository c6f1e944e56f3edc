"""`manage.py reset_second_factor`."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEvent, Role, SecondFactor
from tests.one_time_codes import enrolled


@pytest.mark.parametrize("role", [Role.FC_ADMIN, Role.HC_ADMIN, Role.HC_PRIMARY])
def test_it_resets_anybody_superadmins_too(clinic, role, capsys):
    user = clinic.users[role]
    enrolled(user, timezone.now())
    call_command("reset_second_factor", user.email.upper())
    assert not SecondFactor.objects.filter(user=user).exists()
    assert "removed" in capsys.readouterr().out
    assert AuditEvent.objects.get(action="second_factor.reset", subject_id=user.pk).route == "manage.py reset_second_factor"


def test_it_says_what_it_cannot_do(clinic):
    with pytest.raises(CommandError, match="No user has this e-mail address"):
        call_command("reset_second_factor", "nobody@hill.test")
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", clinic.users[Role.HC_ADMIN].email)
