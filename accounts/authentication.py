"""From a key or a signed-in person to an Actor. Nothing is cached: role, status and revocation are read each time."""

import datetime
import hashlib
import hmac
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import CharField, F, OuterRef, Subquery
from django.http import HttpRequest

from accounts.models import ApiKey, GroupMembership, User, UserStatus
from accounts.scope import Actor
from accounts.services.keys import note_use, split_key
from config.core.databases import CommaJoined, Param
from config.core.exceptions import AccountInactive, NotAuthenticated
from config.core.orm import fold
from config.core.statements import statements

_COLUMNS = (
    "id", "key_id", "secret_hash", "description", "expires_at", "revoked_at", "last_used_at",
    "user_id", "user__uuid", "user__role", "user__status", "user__default_group_id",
    "user__organization_id", "user__organization__uuid", "user__organization__timezone",
    "user__organization__catalog_version", "groups",
)  # fmt: skip


def authenticate_key(raw: str, *, route: str, request_id: str) -> Actor:
    """Return who holds the key `raw`; NotAuthenticated with one wording for whatever is wrong with it.

    One statement reads key, user, role, organization, groups and the catalog version.
    AccountInactive tells that the key is good and its user is not.
    """
    key_id, secret = split_key(raw)
    rows = statements.get("authenticate", _key_query).decoded({"key_id": key_id})
    row = dict(zip(_COLUMNS, rows[0], strict=True)) if rows else {}
    # A key that does not exist costs the same comparison as one that does.
    stored = bytes(row["secret_hash"]) if row else bytes(32)
    if not hmac.compare_digest(stored, hashlib.sha256(secret.encode()).digest()) or not row:
        raise NotAuthenticated(failed_key=True)
    now = datetime.datetime.now(datetime.UTC)
    if row["revoked_at"] or (row["expires_at"] and row["expires_at"] <= now):
        raise NotAuthenticated(failed_key=True)
    if row["user__status"] != UserStatus.ACTIVE:
        raise AccountInactive(failed_key=True)
    note_use(row["id"], row["last_used_at"], now)
    return _actor_of_key(row, route, request_id)


def _key_query() -> Any:
    groups = (
        GroupMembership.objects.filter(user=OuterRef("user_id"), care_group__deleted_at=None)
        .order_by()
        .values("user_id")
        .annotate(joined=CommaJoined(F("care_group_id")))
        .values("joined")
    )
    keys = ApiKey.objects.filter(key_id=Param("key_id", CharField())).order_by()
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


def actor_of_user(user: User, *, route: str, request_id: str = "") -> Actor:
    """Return the Actor of a person who signed in to the admin."""
    organization = user.organization
    return Actor(
        role=user.role,
        user_id=user.pk,
        user_uuid=user.uuid,
        organization_id=user.organization_id,
        organization_uuid=organization.uuid if organization else None,
        group_ids=tuple(user.memberships.filter(care_group__deleted_at=None).values_list("care_group_id", flat=True)),
        default_group_id=user.default_group_id,
        timezone=organization.timezone if organization else "UTC",
        catalog_version=organization.catalog_version if organization else 0,
        route=route,
        request_id=request_id,
    )


def name_to_lock(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return under which name failed attempts to sign in are counted: one for all spellings of an address."""
    return fold((credentials or request.POST).get("username"))[:254]


class StaffBackend(BaseBackend):
    """Signs staff in by e-mail address and password; patients and inactive people are refused."""

    def authenticate(self, request, username=None, password=None, **credentials):
        user = User.objects.filter(email_key=fold(username)).first() if username else None
        if user is None:
            User().set_password(password)  # An unknown address takes as long as a wrong password.
            return None
        return user if user.check_password(password) and user.is_staff else None

    def get_user(self, user_id):
        user = User.objects.select_related("organization").filter(pk=user_id).first()
        return user if user and user.is_staff else None
