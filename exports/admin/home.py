"""What the home page tells administrators of webhooks: endpoints that have got nothing for long, paused or not."""

import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.home import Part, home_block
from accounts.permissions import ADMINISTRATORS
from accounts.scope import scope
from accounts.site import actor_of
from exports.admin.states import state_of
from exports.models import WebhookEndpoint, WebhookStatus

# A failure that is over sooner is no news.
TOLD_AFTER = datetime.timedelta(hours=1)
# How many the block names.
_NAMED = 5


@home_block(Part("administration", "main", 5, "admin/home/webhooks.html"), roles=ADMINISTRATORS)
def webhooks(request: HttpRequest) -> dict[str, Any] | None:
    """One statement. Those that somebody has paused without a failure are left out."""
    failing = WebhookEndpoint.objects.filter(deleted_at=None, failing_since__lt=timezone.now() - TOLD_AFTER)
    failing = failing.exclude(status=WebhookStatus.DISABLED)
    found = list(scope(actor_of(request), failing).order_by("failing_since", "pk")[: _NAMED + 1])
    if not found:
        return None
    return {"endpoints": [(endpoint, state_of(endpoint)) for endpoint in found[:_NAMED]], "more": len(found) > _NAMED}
