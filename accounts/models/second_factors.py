"""The second factor of staff: a secret shared with an authenticator app, and recovery codes."""

import datetime

from django.db import models
from django.utils import timezone

from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.scope import ScopePath
from config.core.encryption import seal, unseal
from config.core.orm import Identified

_COLUMN = "accounts_secondfactor.secret"
# Seconds. Whoever has the password can make the person wait so long: three tries of a million codes in each.
_LONGEST_PAUSE = 15 * 60


class SecondFactor(Identified):
    """What a person proves at sign-in beside the password: by a time-based one-time code (RFC 6238), or a recovery code.

    django-otp's own TOTPDevice and StaticToken keep secret and recovery codes in clear, so whoever reads the database, or a
    backup of it, could make every code. Here the secret is sealed with FIELD_KEYS, and of recovery codes the SHA-256 is
    kept: they are 80 random bits, which nobody guesses, so a slow hash would add nothing. Of django-otp the arithmetic is used.

    The row exists from the first right code on: an unfinished enrolment leaves none. `last_step` is the time step (30
    seconds each, since 1970) of the last code that was accepted; no code of that step or an earlier one is accepted again.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    user = models.OneToOneField(User, models.PROTECT, related_name="second_factor")
    secret_sealed = models.BinaryField(editable=False)
    recovery_hashes = models.JSONField(help_text="SHA-256 of each unused recovery code, in hexadecimal.")
    last_step = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=0, help_text="Wrong codes since the last right one.")
    failed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    scope = ScopePath(organization="organization_id")

    @property
    def secret(self) -> str:
        """The shared secret in base32."""
        return unseal(self.secret_sealed, _COLUMN, self.uuid)

    @secret.setter
    def secret(self, secret: str) -> None:
        self.secret_sealed = seal(secret, _COLUMN, self.uuid)

    @property
    def seconds_to_wait(self) -> int:
        """How long no code is tried: 1 second after the first failure, 2 after the second, then 4, 8, 16, at most 15 minutes."""
        if self.failed_at is None:
            return 0
        pause = datetime.timedelta(seconds=min(2 ** min(self.failures - 1, 16), _LONGEST_PAUSE))
        left = self.failed_at + pause - timezone.now()
        return max(0, -(-left // datetime.timedelta(seconds=1)))
