"""Links by which people choose a password: an invitation, and one for somebody who has a login and no password at hand.

Of a person one link is open at most. It is used once, and ends earlier where another one is sent, where the person signs in, and
where their address, password, role, organization or status changes.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change, record_denied
from accounts.models import Role, User, UserStatus
from accounts.scope import Actor
from accounts.services.ranks import check_rank
from accounts.services.users import NewPassword, change_user_status, update_user
from config.core.exceptions import Conflict, Gone, Invalid
from config.core.text import fold

# Nobody is sent more mails by strangers than one in this time.
PAUSE = datetime.timedelta(minutes=5)
ACCEPTED = "Accepted the invitation."


class LinkTokens(PasswordResetTokenGenerator):
    """Django's, bound to more of the person: see the head of this file."""

    key_salt = "accounts.services.password_links"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        bound_to = (user.role, user.status, user.organization_id, user.session_version, _text(user.link_sent_at))
        return f"{super()._make_hash_value(user, timestamp)}|{bound_to}"


TOKENS = LinkTokens()


@dataclass(frozen=True)
class PasswordLink:
    """A link for `user` that is open until `expires_at`."""

    user: User
    expires_at: datetime.datetime
    token: str = field(repr=False)

    @property
    def is_invitation(self) -> bool:
        """Whether the person has never signed in."""
        return self.user.status == UserStatus.CREATED


def link_end(user: User) -> datetime.datetime | None:
    """Return until when the link of `user` is open that was sent last, None without one."""
    return user.link_sent_at and user.link_sent_at + _life(user)


def _life(user: User) -> datetime.timedelta:
    if user.status == UserStatus.CREATED:
        return datetime.timedelta(days=settings.INVITATION_DAYS)
    return datetime.timedelta(hours=settings.PASSWORD_LINK_HOURS)


@transaction.atomic
def invite_user(*, actor: Actor, user: User) -> PasswordLink:
    """Make the link for the invitation of `user`, who chooses a password with it and is active from then on.

    Raises Conflict for a person who has been active, and Invalid for a patient.
    """
    check_rank(actor, user.role)
    stored = _locked(user)
    if stored.status != UserStatus.CREATED:
        raise Conflict(_("This person has been active already: send a link to choose a new password."))
    return _link(actor, "user.invite", stored)


@transaction.atomic
def send_password_link(*, actor: Actor, user: User) -> PasswordLink:
    """Make a link with which `user` chooses a new password. Raises Conflict for who is not active, Invalid for a patient."""
    check_rank(actor, user.role)
    stored = _locked(user)
    if stored.status != UserStatus.ACTIVE:
        raise Conflict(_("Only a person who is active chooses a new password."))
    return _link(actor, "user.send_password_link", stored)


@transaction.atomic
def ask_password_link(*, actor: Actor, email: str) -> PasswordLink | None:
    """Make the link that somebody asks for who has not signed in; None, without a word why, where they get none.

    Those are unknown addresses, people who are not active, patients, and who was sent a link less than PAUSE ago.
    """
    user = User.objects.select_for_update().filter(email_key=fold(email)).first()
    # In the organization of the account, whose administrators see it, as a sign-in that failed.
    about = {"subject": "user", "subject_id": user and user.pk, "organization_id": user and user.organization_id}
    if user is None or not user.is_staff or (user.link_sent_at and user.link_sent_at > timezone.now() - PAUSE):
        record_denied(actor, "user.ask_password_link", **about)
        return None
    return _link(actor, "user.ask_password_link", user)


def user_of_link(user_uuid: UUID, token: str) -> User | None:
    """Return the person whose link holds `token`, None where it is not open, or never was."""
    user = User.objects.select_related("organization").filter(uuid=user_uuid).first()
    return user if user and _is_open(user, token) else None


@transaction.atomic
def use_password_link(*, actor: Actor, user: User, token: str, password: NewPassword) -> User:
    """Set the password that `user` has chosen, and make them active if they were invited. Returns them as they are stored then.

    Raises Gone where the link is not open any more, and Invalid for a password that is too easy to guess.
    """
    stored = _locked(user)
    if not _is_open(stored, token):
        raise Gone(_("This link has been used or has expired."))
    update_user(actor=actor, user=stored, changes={"link_sent_at": None}, password=password)
    record_change(actor, "user.use_password_link", stored, event=None)
    if stored.status == UserStatus.CREATED:
        change_user_status(actor=actor, user=stored, status=UserStatus.ACTIVE, reason=ACCEPTED)
    return User.objects.get(pk=stored.pk)


def _locked(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)


def _link(actor: Actor, action: str, user: User) -> PasswordLink:
    if user.role == Role.PATIENT:
        raise Invalid(_("Patients do not sign in here."), "role")
    user.link_sent_at = now = timezone.now()
    User.objects.filter(pk=user.pk).update(link_sent_at=now)
    # Clients learn of people and their status, not of their mails.
    record_change(actor, action, user, event=None)
    return PasswordLink(user, now + _life(user), TOKENS.make_token(user))


def _is_open(user: User, token: str) -> bool:
    end = link_end(user)
    open_to = user.role != Role.PATIENT and user.status in (UserStatus.CREATED, UserStatus.ACTIVE)
    return end is not None and end > timezone.now() and open_to and TOKENS.check_token(user, token)


def _text(moment: datetime.datetime | None) -> str:
    return moment.astimezone(datetime.UTC).isoformat() if moment else ""
