"""Sign-ins, sign-outs, failed attempts and lock-outs, as Django and axes tell of them, in the audit trail.

A failed attempt names the account that it was for, if there is one, and never what was typed: that may be a password.
"""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit
from accounts.models import User
from accounts.scope import Actor
from config.core.logs import request_id
from config.core.middleware import client_address, route_of
from config.core.text import fold


@receiver(user_logged_in)
def record_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Audit a sign-in."""
    audit.record_access(_actor(request, user, role=user.role, user_id=user.pk), "user.login", **_about(user))


@receiver(user_logged_out)
def record_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Audit a sign-out. `user` is None for a visitor who was not signed in."""
    if user is not None:
        audit.record_access(_actor(request, user, role=user.role, user_id=user.pk), "user.logout", **_about(user))


@receiver(user_login_failed)
def record_failure(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Audit a failed attempt. One that led to a lock-out, or came during one, has its event: axes hears of it first."""
    if request is not None and not getattr(request, "axes_locked_out", False):
        _record_denied(request, "user.login", credentials.get("username"))


@receiver(user_locked_out)
def record_lock_out(sender: Any, request: HttpRequest, username: str | None = None, **kwargs: Any) -> None:
    """Audit the attempt that led to a lock-out, and each further one while it lasts."""
    _record_denied(request, "user.lock_out", username)


def _record_denied(request: HttpRequest, action: str, username: str | None) -> None:
    user = User.objects.filter(email_key=fold(username)).first() if username else None
    audit.record_denied(_actor(request, user), action, **_about(user))


def _about(user: User | None) -> dict[str, Any]:
    return {"subject": "user", "subject_id": user and user.pk}


def _actor(request: HttpRequest, user: User | None, **who: Any) -> Actor:
    """Return who acts: for a failed attempt nobody who is known, in the organization of the account."""
    return Actor(
        role=who.pop("role", ""),
        organization_id=user and user.organization_id,
        **origin_of(request),
        **who,
    )


def origin_of(request: HttpRequest) -> dict[str, Any]:
    """Return how `request` came, as an Actor keeps it."""
    return {"route": route_of(request) or "", "request_id": request_id.get(), "address": client_address(request)}
