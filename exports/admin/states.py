"""How pages speak of webhook endpoints and of messages to them."""

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint, WebhookStatus


@dataclass(frozen=True)
class State:
    """A state in a word, and the colour of its label: green, orange, red, or none."""

    word: str
    colour: str = ""


def state_of(endpoint: WebhookEndpoint) -> State:
    """Return how an endpoint is doing."""
    if endpoint.deleted_at is not None:
        return State(_("Archived"))
    if endpoint.status == WebhookStatus.DISABLED:
        return State(_("Disabled"))
    if endpoint.status == WebhookStatus.PAUSED:
        return State(_("Paused"), "red")
    return State(_("Failing"), "orange") if endpoint.failing_since else State(_("Active"), "green")


def state_of_message(delivery: WebhookDelivery) -> State:
    """Return what has become of a message."""
    if delivery.status == DeliveryStatus.DELIVERED:
        return State(_("Delivered"), "green")
    if delivery.status == DeliveryStatus.DEAD:
        return State(_("Given up"), "red")
    return State(_("Retrying"), "orange") if delivery.attempts else State(_("Waiting"))


def failure_of(delivery: WebhookDelivery) -> str:
    """Return why the last attempt failed, in the language of the page; the status of the answer where it did not."""
    if not delivery.error:
        return "" if delivery.response_status is None else str(delivery.response_status)
    if delivery.error == f"answered {delivery.response_status}":
        return _("answered %(status)s") % {"status": delivery.response_status}
    return _(delivery.error)


def with_last_success(endpoints: QuerySet) -> QuerySet:
    """Return `endpoints` with the moment at which the newest message that has arrived was sent."""
    own = {"organization_id": OuterRef("organization_id"), "endpoint": OuterRef("pk"), "status": DeliveryStatus.DELIVERED}
    newest = WebhookDelivery.objects.filter(**own).order_by("-created_at", "-pk").values("attempted_at")[:1]
    return endpoints.annotate(last_success=Subquery(newest))
