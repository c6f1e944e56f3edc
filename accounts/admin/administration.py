"""What of the home page is for administrators: keys that expire, people who do not come any more, what was refused."""

import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.home import Part, home_block
from accounts.admin.organizations import OFFICE
from accounts.models import ApiKey, AuditEvent, Role, User, UserStatus
from accounts.scope import Actor, scope
from accounts.site import actor_of
from config.core.dates import start_of_today

EXPIRES_SOON = datetime.timedelta(days=30)
AWAY = datetime.timedelta(days=90)
# How many of each the block names.
_NAMED = 5
# So many events are looked through for those of today, so that a large trail costs no more.
_EVENTS = 10_000


@home_block(Part("administration", "main", 10, "admin/home/administration.html"), roles=OFFICE)
def administration(request: HttpRequest) -> dict[str, Any]:
    """Three statements."""
    actor = actor_of(request)
    keys = list(_expiring(actor)[: _NAMED + 1])
    away = list(_away(actor)[: _NAMED + 1])
    return {
        "keys": keys[:_NAMED],
        "more_keys": len(keys) > _NAMED,
        "away": away[:_NAMED],
        "more_away": len(away) > _NAMED,
        "refused": _refused_today(actor),
    }


def _expiring(actor: Actor) -> QuerySet[ApiKey]:
    now = timezone.now()
    keys = ApiKey.objects.filter(revoked_at=None, expires_at__gt=now, expires_at__lte=now + EXPIRES_SOON)
    return scope(actor, keys).select_related("user").order_by("expires_at", "pk")


def _away(actor: Actor) -> QuerySet[User]:
    """Return the staff who may sign in, but did not since AWAY, neither by password nor by key; the longest away first."""
    since = timezone.now() - AWAY
    used = Exists(ApiKey.objects.filter(user=OuterRef("pk"), last_used_at__gte=since))
    users = scope(actor, User.objects.filter(~used, status=UserStatus.ACTIVE).exclude(role=Role.PATIENT))
    return users.annotate(last_seen=Coalesce("last_login", "created_at")).filter(last_seen__lt=since).order_by("last_seen", "pk")


def _refused_today(actor: Actor) -> int:
    last = scope(actor, AuditEvent.objects.order_by("-id")).values("pk")[:_EVENTS]
    refused = Q(pk__in=last, outcome=AuditEvent.Outcome.DENIED, at__gte=start_of_today(actor.timezone))
    return AuditEvent.objects.filter(refused).count()
