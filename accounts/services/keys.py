"""Issuing, revoking and authenticating API keys. What one looks like is in accounts/services/key_texts.py."""

import datetime
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import (
    BinaryField,
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_access, record_change
from accounts.models import ApiKey, GroupMembership, Organization, User, UserStatus
from accounts.scope import Actor, Role
from accounts.services.key_texts import key_text, new_key_id, new_secret, split_key
from accounts.services.ranks import check_rank
from config.core import page_statements
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.databases import CommaJoined
from config.core.exceptions import AccountInactive, Invalid, NotAuthenticated, NotFound
from config.core.middleware import network_of
from config.core.orm import check_required_texts
from config.core.page_statements import Addition

_LAST_USE_EVERY = datetime.timedelta(minutes=1)
# So many addresses of a key are remembered; the one that was new longest ago goes first.
KNOWN_ADDRESSES = 20


class Expiry(Enum):
    """When a key expires of which nobody has said when."""

    DEFAULT = "after API_KEY_DAYS"


def default_days() -> int:
    """Return how many days a key lives of which nobody has said how long."""
    return min(settings.API_KEY_DAYS, settings.API_KEY_LONGEST_DAYS or settings.API_KEY_DAYS)


def default_expiry() -> datetime.datetime:
    """Return when a key expires that is issued now, and of which nobody has said when."""
    return timezone.now() + datetime.timedelta(days=default_days())


@transaction.atomic
def issue_key(
    *,
    actor: Actor,
    user: User,
    description: str,
    expires_at: datetime.datetime | Expiry | None = Expiry.DEFAULT,
    key_id: str = "",
) -> tuple[ApiKey, str]:
    """Create a key for `user`. Returns the row and the key itself, which is not stored and cannot be shown again.

    A user of a sandbox gets a test key. `key_id`, of `new_key_id`, was given to the form that asks for the key: sent twice, it
    breaks the constraint of a unique id and issues nothing.
    `expires_at` None is never; Invalid where that, or the moment, is beyond API_KEY_LONGEST_DAYS, for a blank description, and
    for a user who is not active: their keys are revoked for good, and this one would outlive that.
    """
    check_rank(actor, user.role)
    check_required_texts(ApiKey, {"description": description})
    if user.status != UserStatus.ACTIVE:
        raise Invalid(_("A person who is not active gets no key."), "user")
    key_id, secret = key_id or new_key_id(), new_secret()
    in_sandbox = user.organization is not None and user.organization.is_sandbox
    row = ApiKey.objects.create(
        organization_id=user.organization_id,
        user=user,
        key_id=key_id,
        secret_hash=hashlib.sha256(secret.encode()).digest(),
        description=description,
        expires_at=_accepted_expiry(expires_at),
        issued_by=_issuing_key(actor),
        created_by_id=actor.user_id,
    )
    record_change(actor, "api_key.issue", row, event="api_key.issued", event_subject=user.uuid)
    return row, key_text(key_id, secret, is_test=in_sandbox)


def _accepted_expiry(expires_at: datetime.datetime | Expiry | None) -> datetime.datetime | None:
    wanted = default_expiry() if expires_at is Expiry.DEFAULT else expires_at
    longest = settings.API_KEY_LONGEST_DAYS
    # A minute, since a form is filled in before its values come here.
    latest = timezone.now() + datetime.timedelta(days=longest, minutes=1)
    if longest and (wanted is None or wanted > latest):
        words = _("A key may be used for %(days)s days at most.")
        raise Invalid(words % {"days": longest}, "expires_at")
    return wanted


def _issuing_key(actor: Actor) -> ApiKey | None:
    """Return the key that `actor` acts with, locked: who revokes it with all it issued waits, and finds the new one."""
    if not actor.key_id:
        return None
    key = ApiKey.objects.select_for_update().filter(key_id=actor.key_id, revoked_at=None).first()
    if key is None:
        raise NotAuthenticated
    return key


@transaction.atomic
def revoke_key(*, actor: Actor, key: ApiKey) -> None:
    """Revoke `key` from the next request on. Raises NotFound if it has been revoked already."""
    if not _revoke_permitted(actor, key):
        raise NotFound(_("API key"))


@transaction.atomic
def revoke_key_with_issued(*, actor: Actor, key: ApiKey) -> int:
    """Revoke `key`, the keys that were issued with it, those that were issued with these, and so on.

    Returns how many were not revoked yet. All or none: NotPermitted if one of them is not the actor's to revoke.
    """
    revoked, issued = 0, [key]
    while issued:
        revoked += sum(_revoke_permitted(actor, found) for found in issued)
        issued = list(_issued_with(issued))
    return revoked


def keys_issued_with(key: ApiKey) -> list[ApiKey]:
    """Return the keys that were issued with `key`, those that were issued with these, and so on: one statement a generation."""
    found: list[ApiKey] = []
    issued = [key]
    while issued:
        issued = list(_issued_with(issued))
        found += issued
    return found


def _issued_with(keys: list[ApiKey]) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(issued_by__in=keys).select_related("user").order_by("pk")


def issued_for_others(user: User) -> QuerySet[ApiKey]:
    """Return the working keys that `user` issued, by whatever way, for other people."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    keys = ApiKey.objects.filter(unexpired, created_by=user, revoked_at=None).exclude(user=user)
    return keys.select_related("user").order_by("pk")


@transaction.atomic
def revoke_issued_for_others(*, actor: Actor, user: User) -> int:
    """Revoke the keys that `user` issued for other people, and what was issued with them. Returns how many.

    All or none: NotPermitted if one of them is not the actor's to revoke.
    """
    return sum(revoke_key_with_issued(actor=actor, key=key) for key in issued_for_others(user))


def _revoke_permitted(actor: Actor, key: ApiKey) -> bool:
    check_rank(actor, key.user.role)
    return _revoke(actor, key)


@transaction.atomic
def revoke_keys_of(*, actor: Actor, user: User) -> None:
    """Revoke all keys of `user`, who is active no longer. They stay revoked when the user is active again."""
    for key in user.api_keys.select_for_update().filter(revoked_at=None).order_by("id"):
        _revoke(actor, key, revoked_with_user=True)


def _revoke(actor: Actor, key: ApiKey, **values: Any) -> bool:
    """Revoke `key`; False if it has been revoked already."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now(), **values)
    if revoked:
        record_change(actor, "api_key.revoke", key, event="api_key.revoked", event_subject=key.user.uuid)
    return bool(revoked)


def note_use(key: dict, actor: Actor, now: datetime.datetime) -> None:
    """Store the time of the last use of the key row `key`, at most once a minute, and the address where it is a new one.

    A new address is audited, except for the first, which nothing can be compared with.
    """
    network = address_hash(actor.address)
    known = [part for part in key["known_addresses"].split(",") if part]
    changes: dict[str, Any] = {}
    if due := key["last_used_at"] is None or now - key["last_used_at"] >= _LAST_USE_EVERY:
        changes["last_used_at"] = now
    if not network or network in known:
        if due:
            recent = sorted(known, key=lambda part: part != network)
            ApiKey.objects.filter(pk=key["id"]).update(known_addresses=",".join(recent), **changes)
        return
    # More addresses than are remembered, in turn, would make every request a new one.
    if len(known) >= KNOWN_ADDRESSES and not due:
        return
    changes["known_addresses"] = ",".join([network, *known][:KNOWN_ADDRESSES])
    with transaction.atomic():
        # Of two requests from new addresses at once, one is noted now and the other by its next request.
        noted = ApiKey.objects.filter(pk=key["id"], known_addresses=key["known_addresses"]).update(**changes)
        if noted and known:
            record_access(actor, "api_key.new_address", subject="api_key", subject_id=key["id"])


def address_hash(address: str) -> str:
    """Return a short keyed hash of an IPv4 address, or of the /64 of an IPv6 one, in which devices change theirs; "" for none."""
    try:
        ip_address(address)
    except ValueError:
        return ""
    text = f"api_key.address|{network_of(address)}"
    return hmac.digest(settings.INDEX_KEY.encode(), text.encode(), hashlib.sha256).hex()[:16]


_COLUMNS = (
    "id",
    "key_id",
    "secret_hash",
    "description",
    "expires_at",
    "revoked_at",
    "revoked_with_user",
    "last_used_at",
    "known_addresses",
    "user_id",
    "user__uuid",
    "user__role",
    "user__status",
    "user__default_group_id",
    "user__organization_id",
    "user__organization__uuid",
    "user__organization__timezone",
    "user__organization__catalog_version",
    "user__organization__is_sandbox",
    "groups",
    "out_of_reach",
    "is_good",
)
USER_ID, IS_GOOD = (f"c{_COLUMNS.index(name)}" for name in ("user_id", "is_good"))
"""What the columns with the user and whether the key is good are called in a statement with an Addition."""


def authenticate_key(raw: str, *, route: str, request_id: str, address: str = "") -> Actor:
    """Return the Actor who holds the key `raw`. Nothing is cached: role, status and revocation are read each time.

    One query reads key, user, role, organization, groups and the catalog version. Raises
    NotAuthenticated with one wording whatever is wrong with the key, AccountInactive where only its
    user is not active, for which the key may have been revoked.
    """
    return authenticate_key_with(None, raw, route=route, request_id=request_id, address=address)[0]


def authenticate_key_with(
    addition: Addition | None, raw: str, *, route: str, request_id: str, address: str = ""
) -> tuple[Actor, tuple]:
    """Return the Actor as `authenticate_key` does, and the values of the columns of `addition`.

    That is part of the statement which reads the key, where the database can; else there are no values.
    """
    now = datetime.datetime.now(datetime.UTC)
    row, added = _working_key(raw, now, addition)
    actor = _actor_of_key(row, route=route, request_id=request_id, address=address)
    note_use(row, actor, now)
    return actor, added


def user_of_key(raw: str) -> tuple[int, int | None]:
    """Return the ids of the user who holds the key `raw` and of their organization. Raises as `authenticate_key` does.

    It is no use of the key.
    """
    row, _ = _working_key(raw, datetime.datetime.now(datetime.UTC))
    return row["user_id"], row["user__organization_id"]


def _working_key(raw: str, now: datetime.datetime, addition: Addition | None = None) -> tuple[dict, tuple]:
    """Return the row of the key `raw` by _COLUMNS, and the values of the columns of `addition`."""
    key_id, secret, is_test = split_key(raw)
    secret_hash = hashlib.sha256(secret.encode()).digest()
    query = KeyWithUser(is_test, key_id, secret_hash, now).bind()
    joined = addition is not None and page_statements.are_possible(query.query.using)
    rows = page_statements.fetch_page(query, (), addition)[0] if joined else query.fetch()
    values = rows[0] if rows else ()
    row = dict(zip(_COLUMNS, values, strict=False))
    # A key that does not exist costs the same comparison as one that does.
    stored = bytes(row["secret_hash"]) if row else bytes(32)
    if not hmac.compare_digest(stored, secret_hash) or not row:
        raise NotAuthenticated(failed_key=True)
    if row["is_good"]:
        return row, values[len(_COLUMNS) :]
    misnamed = bool(row["user__organization__is_sandbox"]) != is_test
    inactive = row["user__status"] != UserStatus.ACTIVE
    revoked = row["revoked_at"] and not row["revoked_with_user"]
    expired = row["expires_at"] and row["expires_at"] <= now
    if inactive and not (revoked or expired or misnamed):
        raise AccountInactive(failed_key=True)
    raise NotAuthenticated(failed_key=True)


@dataclass(frozen=True)
class KeyWithUser(QueryDefinition):
    """A key by its id, with its user, their organization, and the ids of their care groups in one text.

    `is_good` tells whether it lets its user in `now`, with the secret of the hash `secret_hash`: a test key in a sandbox, any
    other one elsewhere. `out_of_reach` are the ids of the sandboxes, for a superadmin, whose keys are none of theirs.
    """

    is_test: bool
    key_id: str = parameter(CharField())
    secret_hash: bytes = parameter(BinaryField())
    now: datetime.datetime = parameter(DateTimeField())

    def queryset(self) -> QuerySet:
        groups = (
            GroupMembership.objects.filter(user=OuterRef("user_id"), care_group__deleted_at=None)
            .order_by()
            .values("user_id")
            .annotate(joined=CommaJoined(F("care_group_id")))
            .values("joined")
        )
        unexpired = Q(expires_at=None) | Q(expires_at__gt=self.now)
        sandboxes = (
            Organization.objects.filter(is_sandbox=True)
            .order_by()
            .values("is_sandbox")
            .annotate(joined=CommaJoined(F("pk")))
            .values("joined")
        )
        in_sandbox = Q(user__organization__is_sandbox=True)
        right_place = in_sandbox if self.is_test else ~in_sandbox
        good = Q(unexpired, right_place, secret_hash=self.secret_hash, revoked_at=None, user__status=UserStatus.ACTIVE)
        is_good = Case(When(good, then=True), default=False, output_field=BooleanField())
        out_of_reach = Case(When(user__role=Role.FC_ADMIN, then=Subquery(sandboxes)))
        keys = ApiKey.objects.filter(key_id=self.key_id).order_by()
        return keys.annotate(groups=Subquery(groups), out_of_reach=out_of_reach, is_good=is_good).values_list(*_COLUMNS)


def _actor_of_key(row: dict, **request: str) -> Actor:
    return Actor(
        role=row["user__role"],
        user_id=row["user_id"],
        user_uuid=row["user__uuid"],
        organization_id=row["user__organization_id"],
        organization_uuid=row["user__organization__uuid"],
        group_ids=_ids(row["groups"]),
        out_of_reach=_ids(row["out_of_reach"]) or None,
        default_group_id=row["user__default_group_id"],
        timezone=row["user__organization__timezone"] or "UTC",
        catalog_version=row["user__organization__catalog_version"] or 0,
        key_id=row["key_id"],
        **request,
        key={name: row[name] for name in ("key_id", "description", "expires_at")},
    )


def _ids(joined: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in joined.split(",")) if joined else ()
