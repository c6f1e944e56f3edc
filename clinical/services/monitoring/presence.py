"""Who is looking at a monitoring alert, so that two people do not work on the same one.

A claim lasts CLAIM and is renewed while its alert is open in front of somebody. It forbids nothing: an alert can be
taken over, and be processed through the API without a claim.
"""

import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import User
from accounts.scope import Actor
from clinical.models import MonitoringAlert, MonitoringAlertStatus
from config.core.exceptions import NotFound

CLAIM = datetime.timedelta(minutes=2)


@transaction.atomic
def claim_alert(*, actor: Actor, alert_id: int, take_over: bool = False) -> User | None:
    """Claim an alert that is not processed for the actor, and return None, or whoever else holds it.

    With `take_over` it becomes the actor's in any case. To renew one's own claim is not audited again. Raises NotFound.
    """
    now = timezone.now()
    rows = MonitoringAlert.objects.filter(pk=alert_id).exclude(status=MonitoringAlertStatus.PROCESSED)
    claim = {"claimed_by_id": actor.user_id, "claimed_until": now + CLAIM}
    if rows.filter(claimed_by_id=actor.user_id, claimed_until__gt=now).update(**claim):
        return None
    free = Q() if take_over else Q(claimed_by=None) | Q(claimed_until__lte=now)
    if not rows.filter(free).update(**claim):
        return _holder(alert_id)
    alert = MonitoringAlert.objects.get(pk=alert_id)
    # Nothing about the alert itself has changed, so nothing is published.
    record_change(actor, "monitoring_alert.claim", alert, event=None, changed=["claimed_by"])
    return None


def release_alert(*, actor: Actor, alert_id: int) -> None:
    """End the actor's own claim, which would expire anyway; so this is not audited."""
    MonitoringAlert.objects.filter(pk=alert_id, claimed_by_id=actor.user_id).update(claimed_by=None, claimed_until=None)


def _holder(alert_id: int) -> User:
    """Return who holds an alert. Raises NotFound if it has gone from the open ones."""
    rows = MonitoringAlert.objects.select_related("claimed_by").exclude(status=MonitoringAlertStatus.PROCESSED)
    alert = rows.filter(pk=alert_id).first()
    if alert is None or alert.claimed_by is None:
        raise NotFound(_("Alert"))
    return alert.claimed_by
