"""Issuing, revoking and authenticating API keys: `anm_<id>_<secret><checksum>`."""

import datetime
import hashlib
import hmac
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import ApiKey, GroupMembership, User, UserStatus
from accounts.scope import Actor
from accounts.services.ranks import check_rank
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.databases import CommaJoined
from config.core.exceptions import AccountInactive, NotAuthenticated, NotFound

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
    _revoke(actor, key)


@transaction.atomic
def revoke_keys_of(*, actor: Actor, user: User) -> None:
    """Revoke all keys of `user`, who is active no longer. They stay revoked when the user is active again."""
    for key in user.api_keys.select_for_update().filter(revoked_at=None).order_by("id"):
        _revoke(actor, key, revoked_with_user=True)


def _revoke(actor: Actor, key: ApiKey, **values: Any) -> None:
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now(), **values)
    if not revoked:
        raise NotFound("API key")
    record_change(actor, "api_key.revoke", key, event="api_key.revoked", event_subjects=[key.user.uuid])


def note_use(key_pk: int, last_used_at: datetime.datetime | None, now: datetime.datetime) -> None:
    """Store the time of the last use, at most once a minute."""
    if last_used_at is None or now - last_used_at >= _LAST_USE_EVERY:
        ApiKey.objects.filter(pk=key_pk).update(last_used_at=now)


_COLUMNS = (
    "id",
    "key_id",
    "secret_hash",
    "description",
    "expires_at",
    "revoked_at",
    "revoked_with_user",
    "last_used_at",
    "user_id",
    "user__uuid",
    "user__role",
    "user__status",
    "user__default_group_id",
    "user__organization_id",
    "user__organization__uuid",
    "user__organization__timezone",
    "user__organization__catalog_version",
    "groups",
)


def authenticate_key(raw: str, *, route: str, request_id: str) -> Actor:
    """Return the Actor who holds the key `raw`. Nothing is cached: role, status and revocation are read each time.

    One query reads key, user, role, organization, groups and the catalog version. Raises
    NotAuthenticated with one wording whatever is wrong with the key, AccountInactive where only its
    user is not active, for which the key may have been revoked.
    """
    key_id, secret = split_key(raw)
    rows = KeyWithUser(key_id).fetch()
    row = dict(zip(_COLUMNS, rows[0], strict=True)) if rows else {}
    # A key that does not exist costs the same comparison as one that does.
    stored = bytes(row["secret_hash"]) if row else bytes(32)
    if not hmac.compare_digest(stored, hashlib.sha256(secret.encode()).digest()) or not row:
        raise NotAuthenticated(failed_key=True)
    now = datetime.datetime.now(datetime.UTC)
    inactive = row["user__status"] != UserStatus.ACTIVE
    revoked = row["revoked_at"] and not (row["revoked_with_user"] and inactive)
    if revoked or (row["expires_at"] and row["expires_at"] <= now):
        raise NotAuthenticated(failed_key=True)
    if inactive:
        raise AccountInactive(failed_key=True)
    note_use(row["id"], row["last_used_at"], now)
    return _actor_of_key(row, route, request_id)


@dataclass(frozen=True)
class KeyWithUser(QueryDefinition):
    """A key by its id, with its user, their organization, and the ids of their care groups in one text."""

    key_id: str = parameter(CharField())

    def queryset(self) -> QuerySet:
        groups = (
            GroupMembership.objects.filter(user=OuterRef("user_id"), care_group__deleted_at=None)
            .order_by()
            .values("user_id")
            .annotate(joined=CommaJoined(F("care_group_id")))
            .values("joined")
        )
        keys = ApiKey.objects.filter(key_id=self.key_id).order_by()
        return keys.annotate(groups=Subquery(groups)).values_list(*_COLUMNS)


def _actor_of_key(row: dict, route: str, request_id: str) -> Actor:
    return Actor(
        role=row["user__role"],
        user_id=row["user_id"],
        user_uuid=row["user__uuid"],
        organization_id=row["user__organization_id"],
        organization_uuid=row["user__organization__uuid"],
        group_ids=tuple(int(group) for group in (row["groups"] or "").split(",") if group),
        default_group_id=row["user__default_group_id"],
        timezone=row["user__organization__timezone"] or "UTC",
        catalog_version=row["user__organization__catalog_version"] or 0,
        key_id=row["key_id"],
        route=route,
        request_id=request_id,
        key={name: row[name] for name in ("key_id", "description", "expires_at")},
    )
