"""What an administrator does with a webhook endpoint: at once by a button, or after a question."""

import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from accounts.admin.dialogs import DialogView
from accounts.admin.fields import LocalDateTimeField, LocalForm
from accounts.admin.forms import WholeNumberField
from accounts.admin.pages import page
from accounts.models.events import KEPT
from accounts.templatetags.clinic import moment
from config.core.orm import is_id
from exports.admin.actions import EndpointAction, possible_actions
from exports.admin.event_names import event_name
from exports.admin.pages import EndpointPage, show_secret
from exports.models import WebhookDelivery, WebhookEndpoint
from exports.services import replay_delivery, replay_since


class ConfirmationForm(LocalForm):
    """The version that the page shows: the button says the rest."""

    base_version = WholeNumberField(min_value=1, widget=forms.HiddenInput)


class EndpointDialog(DialogView, EndpointPage):
    """Base of the dialogs about one endpoint that is not archived. The page behind is loaded again, with what was done."""

    template_name = "admin/webhooks/dialog.html"
    refreshes_page = True

    def find_endpoint(self, endpoint_id: int) -> WebhookEndpoint:
        endpoint = super().find_endpoint(endpoint_id)
        if endpoint.deleted_at is not None:
            raise Http404
        return endpoint

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"country": self.endpoint.organization.country}


@page("webhooks/<int:endpoint_id>/<slug:action>/", name="webhook_action")
class ActionDialog(EndpointDialog):
    """One of the actions on an endpoint, where it is possible."""

    form_class = ConfirmationForm
    name: str
    action: EndpointAction

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.name = kwargs["action"]
        action = dict(possible_actions(self.endpoint)).get(self.name)
        if action is None:
            raise Http404
        self.action = action

    def get_title(self) -> str:
        return str(self.action.title)

    def get_initial(self) -> dict[str, Any]:
        return {"base_version": self.endpoint.version}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {"text": self.action.text, "submit_label": self.action.title, "is_dangerous": self.action.is_dangerous}
        return super().get_context_data(**{**shown, **kwargs})

    def conflicting(self, form: forms.Form) -> HttpResponse:
        """Ask again about the endpoint as it is by now."""
        self.endpoint = self.find_endpoint(self.endpoint.pk)
        fresh = self.get_form({"base_version": self.endpoint.version})
        fresh.add_error(None, _("Someone else changed this endpoint meanwhile. Look at the page behind before you go on."))
        return self.refused(fresh)

    def save(self, form: Any) -> str:
        return self.action.save(self.actor, self.endpoint, form.cleaned_data["base_version"])

    def success_url(self) -> str | None:
        if self.name == "rotate":
            return show_secret(self.request, self.endpoint)
        return reverse("admin:exports_webhookendpoint_changelist") if self.name == "archive" else None


class SinceForm(LocalForm):
    """From which moment on."""

    since = LocalDateTimeField(
        label=pgettext_lazy("first moment", "Since"),
        help_text=format_lazy(gettext_lazy("Events are kept for {days} days."), days=KEPT.days),
    )


@page("webhooks/<int:endpoint_id>/replay/since/", name="webhook_replay_since")
class ReplaySinceDialog(EndpointDialog):
    """Sends again what has happened since a moment, and what was not told."""

    form_class = SinceForm
    title = gettext_lazy("Send again since")

    def get_initial(self) -> dict[str, Any]:
        return {"since": self.endpoint.failing_since or timezone.now() - datetime.timedelta(days=1)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = _(
            "Every event since this moment is sent, the oldest first, also what has arrived before. Receivers tell it by its id."
        )
        return super().get_context_data(**{"text": text, "submit_label": _("Send again"), **kwargs})

    def save(self, form: Any) -> str:
        replayed = replay_since(actor=self.actor, endpoint=self.endpoint, since=form.cleaned_data["since"])
        if not replayed.messages:
            return _("Nothing has happened since then of which this endpoint is told.")
        number = replayed.messages
        told = ngettext("%(count)s message will be sent again.", "%(count)s messages will be sent again.", number)
        told %= {"count": number}
        if replayed.more_since:
            more = _("There are more since %(moment)s: send those next.") % {"moment": moment(replayed.more_since)}
            told = f"{told} {more}"
        return told


@page("webhooks/<int:endpoint_id>/replay/<int:delivery_id>/", name="webhook_replay")
class ReplayDialog(EndpointDialog):
    """Sends one message again, at once where the button of the message asks for it."""

    form_class = LocalForm
    title = gettext_lazy("Send again")
    delivery: WebhookDelivery

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        given = kwargs["delivery_id"]
        rows = WebhookDelivery.objects.filter(endpoint=self.endpoint).select_related("endpoint", "event")
        delivery = rows.filter(pk=given).first() if is_id(str(given)) else None
        if delivery is None:
            raise Http404
        self.delivery = delivery

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = f"{event_name(self.delivery.event.type)}, {moment(self.delivery.event.created_at)}"
        return super().get_context_data(**{"text": text, "submit_label": _("Send again"), **kwargs})

    def save(self, form: Any) -> str:
        replay_delivery(actor=self.actor, delivery=self.delivery)
        return _("The message will be sent again.")
