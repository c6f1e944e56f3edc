"""Creating and changing users, their care groups and their status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import CareGroup, GroupMembership, Organization, User, UserStatus, UserStatusChange
from accounts.scope import Actor
from accounts.services.keys import revoke_issued_for_others, revoke_keys_of
from accounts.services.ranks import check_rank
from config.core.exceptions import Invalid

ENDS_SESSIONS = ("role", "organization_id", "password")
"""The columns of a user whose change ends their sessions."""


@dataclass(frozen=True)
class NewPassword:
    """A password and its hash, made before the transaction that stores it: a hash takes long, and SQLite has one writer."""

    text: str = field(repr=False)
    encoded: str = field(repr=False)

    @classmethod
    def hashed(cls, text: str) -> "NewPassword":
        """Hash `text`. Raises Busy where too many passwords are hashed at this time."""
        return cls(text, make_password(text))


@transaction.atomic
def create_user(
    *,
    actor: Actor,
    email: str,
    role: str,
    organization: Organization | None,
    password: NewPassword | None = None,
    care_groups: Iterable[CareGroup] = (),
    status: str = UserStatus.ACTIVE,
    **values,
) -> User:
    """Create a user. The first of `care_groups` becomes the default group, which patients they create join.

    Invalid for a password that is too easy to guess.
    """
    check_rank(actor, role)
    groups = list(care_groups)
    user = User(email=email, role=role, organization=organization, status=status, **values)
    user.default_group = user.default_group or (groups[0] if groups else None)
    _set_password(user, password)
    user.save()
    set_care_groups(actor=actor, user=user, care_groups=groups)
    record_change(actor, "user.create", user, event="user.created")
    return user


@transaction.atomic
def update_user(
    *,
    actor: Actor,
    user: User,
    changes: Mapping[str, Any],
    care_groups: Iterable[CareGroup] | None = None,
    password: NewPassword | None = None,
) -> None:
    """Write `changes` (columns except the status), and the care groups and the password if given.

    If the default group is no longer among the user's groups, the first of them replaces it. A new password, role or
    organization ends all sessions of the user.
    Invalid for a password that is too easy to guess.
    """
    stored = User.objects.select_for_update().get(pk=user.pk)
    before = _access(stored)
    for role in (stored.role, changes.get("role", stored.role)):
        check_rank(actor, role)
    for name, value in changes.items():
        setattr(stored, name, value)
    changed = set(changes)
    if password:
        _set_password(stored, password)
        changed.add("password")
    if care_groups is not None:
        groups = list(care_groups)
        set_care_groups(actor=actor, user=stored, care_groups=groups)
        stored.default_group = _default_among(groups, stored.default_group_id)
        changed |= {"care_groups", "default_group"}
    stored.updated_at = timezone.now()
    stored.save(update_fields=[*(changed - {"care_groups"}), "email_key", "updated_at"])
    if _access(stored) != before:
        end_sessions(stored)
    record_change(actor, "user.update", stored, event="user.updated", changed=changed)


def _set_password(user: User, password: NewPassword | None) -> None:
    """Set the password of `user`, or none that works; Invalid for one that is too easy to guess."""
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password.text, user)
    except ValidationError as error:
        raise Invalid({"password": error.messages}) from error
    user.password = password.encoded


def _access(user: User) -> list[Any]:
    return [getattr(user, name) for name in ENDS_SESSIONS]


def end_sessions(user: User) -> None:
    """End the sessions of `user`, whose row is locked: those that are stored, and any that is being stored now."""
    User.objects.filter(pk=user.pk).update(session_version=F("session_version") + 1)
    user.sessions.all().delete()


def _default_among(groups: list[CareGroup], wanted: int | None) -> CareGroup | None:
    return next((group for group in groups if group.pk == wanted), groups[0] if groups else None)


@transaction.atomic
def set_care_groups(*, actor: Actor, user: User, care_groups: Iterable[CareGroup]) -> None:
    """Set the care groups of `user`, all of which must belong to the user's organization."""
    groups = list(care_groups)
    if any(group.organization_id != user.organization_id for group in groups):
        raise Invalid(_("A care group must belong to the user's organization."), "care_groups")
    user.memberships.exclude(care_group__in=groups).delete()
    GroupMembership.objects.bulk_create(
        [GroupMembership(organization_id=group.organization_id, user=user, care_group=group) for group in groups],
        ignore_conflicts=True,
    )


@transaction.atomic
def change_user_status(
    *, actor: Actor, user: User, status: str, reason: str, revoke_issued: bool = False
) -> UserStatusChange | None:
    """Change the status of `user` and store the reason. Returns None if they have the status already.

    Any status but active ends the user's sessions and revokes their keys, for good. `revoke_issued` also revokes the keys
    that they issued for others, whatever the status.
    """
    check_rank(actor, user.role)
    before = User.objects.select_for_update().get(pk=user.pk).status
    if revoke_issued:
        revoke_issued_for_others(actor=actor, user=user)
    if before == status:
        return None
    User.objects.filter(pk=user.pk).update(status=status, updated_at=timezone.now())
    user.status = status
    change = UserStatusChange.objects.create(
        organization_id=user.organization_id,
        user=user,
        from_status=before,
        to_status=status,
        reason=reason,
        created_by_id=actor.user_id,
        processed_at=timezone.now(),
    )
    record_change(actor, "user.change_status", user, event=f"user.{status}", changed=["status"])
    if status != UserStatus.ACTIVE:
        end_sessions(user)
        revoke_keys_of(actor=actor, user=user)
    return change


@receiver(user_logged_out)
def _keep_sign_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    """Store the time of the sign-out, as Django does for the sign-in. `user` is None for an anonymous visitor."""
    if user is not None:
        User.objects.filter(pk=user.pk).update(last_logout=timezone.now())
