"""Issuing, revoking and reading API keys: `anm_<id>_<secret><checksum>`."""

import datetime
import hashlib
import secrets
import string
import zlib

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import ApiKey, User
from accounts.scope import Actor
from accounts.services.users import check_rank
from config.core.exceptions import NotAuthenticated, NotFound

PREFIX = "anm"
_ALPHABET = string.digits + string.ascii_letters
_SECRET_PLACES, _ID_PLACES, _CHECK_PLACES = 43, 8, 6
_LAST_USE_EVERY = datetime.timedelta(minutes=1)


def _random(places: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(places))


def _checksum(text: str) -> str:
    number, places = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_PLACES):
        number, digit = divmod(number, len(_ALPHABET))
        places = _ALPHABET[digit] + places
    return places


def split_key(raw: str) -> tuple[str, str]:
    """Return (key id, secret) of a well-formed key. Raises NotAuthenticated for anything else, without a query.

    The checksum lets secret scanners, and this function, tell a key from a string that only looks like one.
    """
    prefix, _, rest = raw.partition("_")
    key_id, _, tail = rest.partition("_")
    well_formed = (
        raw.isascii()
        and prefix == PREFIX
        and len(key_id) == _ID_PLACES
        and len(tail) == _SECRET_PLACES + _CHECK_PLACES
        and secrets.compare_digest(_checksum(raw[:-_CHECK_PLACES]), tail[-_CHECK_PLACES:])
    )
    if not well_formed:
        raise NotAuthenticated(failed_key=True)
    return key_id, tail[:-_CHECK_PLACES]


@transaction.atomic
def issue_key(*, actor: Actor, user: User, description: str, expires_at: datetime.datetime | None = None) -> tuple[ApiKey, str]:
    """Create a key for `user`. Returns the row and the key itself, which is not stored and cannot be shown again."""
    check_rank(actor, user.role)
    key_id, secret = _random(_ID_PLACES), _random(_SECRET_PLACES)
    raw = f"{PREFIX}_{key_id}_{secret}"
    row = ApiKey.objects.create(
        organization_id=user.organization_id,
        user=user,
        key_id=key_id,
        secret_hash=hashlib.sha256(secret.encode()).digest(),
        description=description,
        expires_at=expires_at,
        created_by_id=actor.user_id,
    )
    record_change(actor, "api_key.issue", row, event="api_key.issued", event_subjects=[user.uuid])
    return row, raw + _checksum(raw)


@transaction.atomic
def revoke_key(*, actor: Actor, key: ApiKey) -> None:
    """Revoke `key` from the next request on. Raises NotFound if it has been revoked already."""
    check_rank(actor, key.user.role)
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    if not revoked:
        raise NotFound("API key")
    record_change(actor, "api_key.revoke", key, event="api_key.revoked", event_subjects=[key.user.uuid])


def note_use(key_pk: int, last_used_at: datetime.datetime | None, now: datetime.datetime) -> None:
    """Store the time of the last use, at most once a minute."""
    if last_used_at is None or now - last_used_at >= _LAST_USE_EVERY:
        ApiKey.objects.filter(pk=key_pk).update(last_used_at=now)
