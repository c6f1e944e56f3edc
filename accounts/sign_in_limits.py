"""How often somebody may fail to sign in, before a password is hashed."""

import datetime
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.authentication import name_to_lock
from accounts.models import User
from config.core import passwords
from config.rest import throttling

# For so long an address is known from which a person has signed in.
KNOWN_FOR = datetime.timedelta(days=30)


class SignInLimits(AxesDatabaseHandler):
    """Three limits, each against another way of guessing.

    - An account, from one address: AXES_FAILURE_LIMIT failures lock the pair for AXES_COOLOFF_TIME.
    - An address, whatever the accounts: SIGN_IN_FAILURES_PER_ADDRESS failures lock the address for the same
      time. A clinic is often one address, so this number is higher, and only failures count.
    - An account, from anywhere: SIGN_INS_PER_ACCOUNT_PER_MINUTE attempts from addresses that are not known
      for it. A lock would let anybody keep a person out: this is a delay, which ends at most a
      minute after they stop, and does not hold at an address from which the person has signed in
      during the last 30 days. Who guesses from many addresses is left with 14,400 attempts a day (at 10 a
      minute); the weakest password that accounts/passwords.py admits takes 2^36.

    Unknown names are counted and refused like known ones.
    """

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Tell whether the attempt may be made. Raises Busy where no password can be hashed: such an attempt is not counted."""
        passwords.SLOTS.check()
        return super().is_allowed(request, credentials) and self._account_allows(request, credentials)

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures of the pair or those of its address, whichever are nearer to their limit, on the pair's scale."""
        pair, address = map(_failures, self.get_user_attempts(request, credentials))
        return max(pair, address * settings.AXES_FAILURE_LIMIT // max(1, settings.SIGN_IN_FAILURES_PER_ADDRESS))

    def _account_allows(self, request: HttpRequest, credentials: dict[str, Any] | None) -> bool:
        """Count an attempt from an address that is not known for the account, and tell whether it may be made."""
        name = name_to_lock(request, credentials)
        if self._is_known(name, request.axes_ip_address):  # type: ignore[attr-defined]  # axes sets it
            return True
        # Who mistypes may have typed a password: the name is kept as a digest.
        subject = f"account:{salted_hmac('sign-in', name, algorithm='sha256').hexdigest()}"
        allowance = throttling.count(subject, settings.SIGN_INS_PER_ACCOUNT_PER_MINUTE)
        if allowance.used <= allowance.limit:
            return True
        vars(request)["retry_after"] = allowance.reset
        return False

    def _is_known(self, name: str, address: str) -> bool:
        emails = User.objects.filter(email_key=name).values("email")
        since = datetime.datetime.now(datetime.UTC) - KNOWN_FOR
        return AccessLog.objects.filter(ip_address=address, username__in=emails, attempt_time__gte=since).exists()


def _failures(attempts: QuerySet[AccessAttempt]) -> int:
    return attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
