"""How pages speak of webhook endpoints and of messages to them."""

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint, WebhookStatus


@dataclass(frozen=True)
class State:
    """A state in a word, and the colour of its label: green, orange, red, or none."""

    word: str
    colour: str = ""


def state_of(endpoint: WebhookEndpoint) -> State:
    """Return how an endpoint is doing."""
    if endpoint.deleted_at is not None:
        return State("Archived")
    if endpoint.status == WebhookStatus.DISABLED:
        return State("Disabled")
    if endpoint.status == WebhookStatus.PAUSED:
        return State("Paused", "red")
    return State("Failing", "orange") if endpoint.failing_since else State("Active", "green")


def state_of_message(delivery: WebhookDelivery) -> State:
    """Return what has become of a message."""
    if delivery.status == DeliveryStatus.DELIVERED:
        return State("Delivered", "green")
    if delivery.status == DeliveryStatus.DEAD:
        return State("Given up", "red")
    return State("Retrying", "orange") if delivery.attempts else State("Waiting")


def with_last_success(endpoints: QuerySet) -> QuerySet:
    """Return `endpoints` with the moment at which the newest message that has arrived was sent."""
    own = {"organization_id": OuterRef("organization_id"), "endpoint": OuterRef("pk"), "status": DeliveryStatus.DELIVERED}
    newest = WebhookDelivery.objects.filter(**own).order_by("-created_at", "-pk").values("attempted_at")[:1]
    return endpoints.annotate(last_success=Subquery(newest))
