"""The page of a webhook endpoint, with the messages to it, and the page that shows its secret."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.pages import Page, page
from accounts.permissions import ADMINISTRATORS
from accounts.scope import scope
from config.core.orm import is_id
from exports.admin.actions import possible_actions
from exports.admin.event_names import event_name
from exports.admin.states import State, failure_of, state_of, state_of_message, with_last_success
from exports.models import SECRET_OVERLAP, DeliveryStatus, WebhookDelivery, WebhookEndpoint, WebhookStatus
from exports.services import secrets_of

MESSAGES_A_PAGE = 50
# As far as pages go: what is older is asked of the API.
LAST_PAGE = 200
# What the list of messages may be narrowed to: the word in the address, and its title.
FILTERS = {
    "": gettext_lazy("All"),
    DeliveryStatus.PENDING: gettext_lazy("Waiting"),
    DeliveryStatus.DELIVERED: gettext_lazy("Delivered"),
    DeliveryStatus.DEAD: gettext_lazy("Given up"),
}
# The session's key for the endpoint whose secret is still to be shown, and for the rotation that it is of.
TO_SHOW = "webhook_secret"


class Message(NamedTuple):
    """A message as the page shows it: the row, what it tells of, what has become of it, and what the receiver answered."""

    delivery: WebhookDelivery
    name: str
    state: State
    answer: str

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> "Message":
        """Return how the page shows a delivery."""
        return cls(delivery, event_name(delivery.event.type), state_of_message(delivery), failure_of(delivery))


def show_secret(request: HttpRequest, endpoint: WebhookEndpoint) -> str:
    """Let the caller see the secret of `endpoint` once; return the address of the page that shows it.

    The session holds no secret: that is stored, encrypted, with the endpoint.
    """
    request.session[TO_SHOW] = _secret_of(WebhookEndpoint.objects.get(pk=endpoint.pk))
    return reverse("admin:webhook_secret", args=[endpoint.pk])


def _secret_of(endpoint: WebhookEndpoint) -> list[Any]:
    """Return what tells the secret of `endpoint` from those before and after it."""
    return [endpoint.pk, str(endpoint.rotated_at)]


class EndpointPage(Page):
    """Base of the pages about the endpoint whose id is the argument `endpoint_id`.

    It is in the caller's scope; otherwise the page does not exist, and that is audited.
    """

    section = "admin:exports_webhookendpoint_changelist"
    parents = (("exports_webhookendpoint_changelist", gettext_lazy("Webhook endpoints")),)
    readers = writers = ADMINISTRATORS
    endpoint: WebhookEndpoint

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.endpoint = self.find_endpoint(kwargs["endpoint_id"])

    def find_endpoint(self, endpoint_id: int) -> WebhookEndpoint:
        """Return the endpoint in scope. Raises Http404 where there is none."""
        return self.get_object_or_404(scope(self.actor, self.endpoints()), endpoint_id, "webhook_endpoint")

    def endpoints(self) -> QuerySet:
        """Return all endpoints, with what the page shows of one."""
        return WebhookEndpoint.objects.select_related("organization")

    def get_title(self) -> str:
        return self.title or self.endpoint.description

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"endpoint": self.endpoint, **kwargs})


@page("webhooks/<int:endpoint_id>/", name="webhook")
class WebhookPage(EndpointPage):
    """One endpoint: how it is doing, what it is told of, what to do with it, and the messages to it, the newest first."""

    template_name = "admin/webhooks/endpoint.html"

    def endpoints(self) -> QuerySet:
        return with_last_success(super().endpoints().select_related("created_by"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        endpoint, number, chosen = self.endpoint, self._page_number(), self.request.GET.get("status", "")
        found = self._messages(chosen, number)
        return super().get_context_data(
            state=state_of(endpoint),
            told_of=[event_name(name) for name in endpoint.event_types or ()],
            actions=possible_actions(endpoint),
            is_failing=endpoint.failing_since and endpoint.status != WebhookStatus.DISABLED,
            filters=FILTERS.items(),
            chosen=chosen,
            messages_shown=[Message.of(message) for message in found[:MESSAGES_A_PAGE]],
            number=number,
            has_older=len(found) > MESSAGES_A_PAGE and number < LAST_PAGE,
            overlap_ends=self._overlap_ends(),
            **kwargs,
        )

    def _messages(self, status: str, number: int) -> list[WebhookDelivery]:
        """Return one message more than the page shows: no count is made of what may be many."""
        if status not in FILTERS:
            raise Http404
        own = {"organization_id": self.endpoint.organization_id, "endpoint": self.endpoint}
        narrowed = {"status": status} if status else {}
        rows = WebhookDelivery.objects.filter(**own, **narrowed).select_related("event").order_by("-created_at", "-pk")
        first = (number - 1) * MESSAGES_A_PAGE
        return list(rows[first : first + MESSAGES_A_PAGE + 1])

    def _page_number(self) -> int:
        given = self.request.GET.get("page", "1")
        if not is_id(given) or not 1 <= int(given) <= LAST_PAGE:
            raise Http404
        return int(given)

    def _overlap_ends(self) -> Any:
        """Return until when the secret before the last rotation signs, None where it does not."""
        ends = self.endpoint.rotated_at and self.endpoint.rotated_at + SECRET_OVERLAP
        return ends if ends and ends > timezone.now() else None


@page("webhooks/<int:endpoint_id>/secret/", name="webhook_secret")
class SecretPage(EndpointPage):
    """The secret of an endpoint that was just made, or whose secret was rotated: to whom did it, once."""

    template_name = "admin/webhooks/secret.html"
    title = gettext_lazy("Secret")

    def get_breadcrumbs(self) -> list[tuple[str, str]]:
        page = reverse("admin:webhook", args=[self.endpoint.pk])
        return [*super().get_breadcrumbs(), (self.endpoint.description, page)]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.session.pop(TO_SHOW, None) != _secret_of(self.endpoint):
            messages.warning(request, _("The secret is shown once. If it is lost, rotate it."))
            return redirect("admin:webhook", self.endpoint.pk)
        return self.render_to_response(self.get_context_data(secret=secrets_of(self.endpoint)[0]))
