"""The second factor of a person: setting it up, checking a code at sign-in, removing and resetting it."""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_otp.oath import TOTP

from accounts.audit import record_change, record_denied
from accounts.models import Role, SecondFactor, User
from accounts.scope import Actor
from accounts.services.ranks import check_rank
from accounts.services.users import end_sessions
from config.core.exceptions import Conflict, Invalid, NotFound, NotPermitted

ISSUER = "Anamnesis"
RECOVERY_CODES = 10
_SECRET_BYTES, _DIGITS = 20, 6
# Steps that a phone's clock may be early or late.
_TOLERANCE = 1
# 32 characters, none of which looks like another: 16 of them are 80 bits.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_RECOVERY_PLACES, _GROUP = 16, 4
_RANKS: dict[str, int] = {Role.FC_ADMIN: 2, Role.HC_ADMIN: 1}

WRONG_CODE = gettext_lazy("This code is wrong, expired or already used. Enter the code that your app shows now.")


def in_groups(text: str) -> list[str]:
    """Split `text` into groups of four characters, for people who type it."""
    return [text[start : start + _GROUP] for start in range(0, len(text), _GROUP)]


def second_factor_of(user: User) -> SecondFactor | None:
    """Return the second factor of `user`, None without one."""
    return getattr(user, "second_factor", None)


def is_required(user: User) -> bool:
    """Tell whether the organization of `user` requires a second factor. Superadmins belong to none and choose themselves."""
    return user.organization is not None and user.organization.second_factor_required


def new_secret() -> str:
    """Return a random secret of 160 bits in base32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def enrolment_uri(user: User, secret: str) -> str:
    """Return the otpauth: URI that an authenticator app reads from a QR code."""
    return f"otpauth://totp/{quote(f'{ISSUER}:{user.email}')}?{urlencode({'secret': secret, 'issuer': ISSUER})}"


def enrol_second_factor(*, actor: Actor, user: User, secret: str, code: str) -> tuple[SecondFactor, list[str]]:
    """Give `user` a second factor with `secret`, proved by a first `code`.

    Returns it with the recovery codes, which are kept as hashes and cannot be shown again. Raises Invalid for a wrong code, and
    Conflict where there is a second factor already.
    """
    step = _step_of(secret, code, after=None)
    if step is None:
        record_denied(actor, "second_factor.refused")
        raise Invalid(str(WRONG_CODE), "code")
    codes = ["-".join(in_groups(_random_code())) for _ in range(RECOVERY_CODES)]
    factor = SecondFactor(organization_id=user.organization_id, user=user, last_step=step)
    factor.secret, factor.recovery_hashes = secret, [_hash(each) for each in codes]
    try:
        with transaction.atomic():
            factor.save(force_insert=True)
            _record(actor, "second_factor.enrol", user)
    except IntegrityError as error:
        raise Conflict(_("There is a second factor already.")) from error
    return factor, codes


def check_code(*, actor: Actor, user: User, code: str) -> SecondFactor:
    """Accept `code`, of the app or a recovery code, once. Returns the second factor of `user` that it proves.

    Raises Invalid, after the failure is stored, if it is wrong or used, or if it comes before the pause that failures
    impose is over; NotFound without a second factor. A pause holds for right codes too.
    """
    with transaction.atomic():
        factor = _locked(user)
        wait = factor.seconds_to_wait
        used = None if wait else _use(factor, code)
        if used:
            # A sign-in changes nothing of the user.
            _record(actor, "second_factor.accept", user, changed=[used], event=None)
    if wait:
        # The code that began the pause was audited, and nothing is learned from the others.
        raise Invalid(_too_soon(wait), "code")
    if not used:
        record_denied(actor, "second_factor.refused")
        raise Invalid(str(WRONG_CODE), "code")
    return factor


def remove_second_factor(*, actor: Actor, user: User, code: str) -> None:
    """Remove the second factor of `user`, who proves it by `code`. Raises like `check_code`."""
    check_code(actor=actor, user=user, code=code)
    _delete(actor, "second_factor.remove", user)


def reset_second_factor(*, actor: Actor, user: User) -> None:
    """Remove the second factor of `user` without a code, for somebody who lost app and recovery codes.

    Raises NotPermitted unless `actor` ranks above `user` (caregivers and readers, administrators, superadmins) or is a
    command, and NotFound without a second factor.
    """
    check_rank(actor, user.role)
    by_command = actor.user_id is None and actor.role == Role.FC_ADMIN
    if not by_command and _RANKS.get(user.role, 0) >= _RANKS.get(actor.role, 0):
        raise NotPermitted(_("Only somebody who ranks above this person may reset their second factor."))
    _delete(actor, "second_factor.reset", user)


@transaction.atomic
def _delete(actor: Actor, action: str, user: User) -> None:
    """Remove the second factor, and end the sessions of `user`: those that still owe a code would owe none any more."""
    _locked(user).delete()
    end_sessions(User.objects.select_for_update().get(pk=user.pk))
    _record(actor, action, user)


def _record(actor: Actor, action: str, user: User, changed: Iterable[str] = (), *, event: str | None = "user.updated") -> None:
    record_change(actor, action, user, event=event, changed=changed, subject="user")


def _locked(user: User) -> SecondFactor:
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        raise NotFound(_("Second factor"))
    return factor


def _too_soon(wait: int) -> str:
    text = ngettext(
        "Too many wrong codes. Wait %(seconds)s second and try again.",
        "Too many wrong codes. Wait %(seconds)s seconds and try again.",
        wait,
    )
    return text % {"seconds": wait}


def _use(factor: SecondFactor, code: str) -> str | None:
    """Use `code` up and return the column by which it was accepted, or count a failure and return None."""
    used = None
    step, hashed = _step_of(factor.secret, code, after=factor.last_step), _hash(code)
    if step is not None:
        used, factor.last_step = "last_step", step
    elif hashed in factor.recovery_hashes:
        used, factor.recovery_hashes = "recovery_hashes", [kept for kept in factor.recovery_hashes if kept != hashed]
    factor.failures, factor.failed_at = (0, None) if used else (factor.failures + 1, timezone.now())
    factor.save(update_fields=["last_step", "recovery_hashes", "failures", "failed_at"])
    return used


def _step_of(secret: str, code: str, *, after: int | None) -> int | None:
    """Return the time step later than `after` whose code is `code`, None if it is none that is in time."""
    digits = "".join(code.split())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    clock = TOTP(base64.b32decode(secret), digits=_DIGITS)
    clock.time = timezone.now().timestamp()
    earliest = None if after is None else after + 1
    return clock.t() if clock.verify(int(digits), tolerance=_TOLERANCE, min_t=earliest) else None


def _random_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_PLACES))


def _hash(recovery_code: str) -> str:
    """Hash a recovery code as people type it: in any case, with or without hyphens and blanks."""
    plain = "".join(char for char in recovery_code.upper() if char.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
