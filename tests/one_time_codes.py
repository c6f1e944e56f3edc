"""An authenticator app: codes by RFC 6238, made without the library that checks them."""

import base64
import datetime
import hashlib
import hmac

from accounts.authentication import actor_of_user
from accounts.models import SecondFactor, User
from accounts.services.second_factors import enrol_second_factor

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
"""The secret of the examples in RFC 6238."""
STEP = datetime.timedelta(seconds=30)


def code_at(secret: str, moment: datetime.datetime) -> str:
    """Return the six digits that an app with `secret` shows at `moment`."""
    counter = int(moment.timestamp()) // 30
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def enrolled(user: User, now: datetime.datetime) -> tuple[SecondFactor, list[str]]:
    """Give `user` a second factor with RFC_SECRET by the code of `now`; return it with the recovery codes."""
    actor = actor_of_user(user, route="test")
    return enrol_second_factor(actor=actor, user=user, secret=RFC_SECRET, code=code_at(RFC_SECRET, now))
