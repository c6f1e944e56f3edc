"""Webhook endpoints: their list and their form. Their page is in exports/admin/pages.py."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import JSONField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.admin.base import ArchivableAdmin
from accounts.admin.filters import ArchivedFilter, ChoiceFilter
from accounts.admin.forms import VersionedForm
from accounts.permissions import ADMINISTRATORS
from accounts.site import actor_of
from exports.admin.event_names import types_by_kind
from exports.admin.pages import show_secret
from exports.admin.states import state_of, with_last_success
from exports.models import WebhookEndpoint
from exports.services import archive_endpoint, create_endpoint, update_endpoint


class EventTypeBoxes(forms.CheckboxSelectMultiple):
    """A box for each type of event, a line for each kind."""

    template_name = "admin/webhooks/event_types.html"


class EventTypesField(forms.MultipleChoiceField):
    """Types of events; none is None, and stands for all."""

    widget = EventTypeBoxes

    def clean(self, value: Any) -> list[str] | None:
        return super().clean(value) or None


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ArchivableAdmin):
    """Addresses that are told of events."""

    readers = creators = writers = ADMINISTRATORS
    section, place, icon, hint = "Access", 4, "webhook", _("Addresses that are told of events")
    list_display = ["description", "short_url", "state", "last_success", "failing_since"]
    list_filter = [ArchivedFilter, ("status", ChoiceFilter)]
    search_fields = ["description", "url"]
    fieldsets = [
        (None, {"fields": ["description", "url", "format", "ordered_by_patient", "base_version"]}),
        (
            _("Events"),
            {"fields": ["event_types"], "description": _("Choose none to tell it of all, also of those that are added later.")},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return with_last_success(super().get_queryset(request))

    @display(description=_("URL"))
    def short_url(self, endpoint: WebhookEndpoint) -> str:
        return truncatechars(endpoint.url, 60)

    @display(description=_("State"), label={"green": "success", "orange": "warning", "red": "danger", "": ""})
    def state(self, endpoint: WebhookEndpoint) -> tuple[str, str]:
        state = state_of(endpoint)
        return state.colour, state.word

    @display(description=_("Last success"), empty_value=_("never"))
    def last_success(self, endpoint: Any) -> Any:
        return endpoint.last_success

    def label(self, obj: WebhookEndpoint) -> str:
        return obj.description

    def address(self, obj: WebhookEndpoint) -> str:
        return reverse("admin:webhook", args=[obj.pk])

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs):
        if isinstance(db_field, JSONField):
            return EventTypesField(label=_("Of which events"), choices=types_by_kind, required=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None) -> HttpResponse:
        """Offer a single save button: what follows is the page of the endpoint, or its secret."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**buttons, **(extra_context or {})})

    def create(self, request: HttpRequest, form: VersionedForm) -> WebhookEndpoint:
        values = {name: value for name, value in form.cleaned_data.items() if name not in ("base_version", "organization")}
        return create_endpoint(actor=actor_of(request), organization=self.organization_for(form), **values)[0]

    def change(self, request: HttpRequest, obj: WebhookEndpoint, form: VersionedForm) -> None:
        version = form.cleaned_data["base_version"]
        update_endpoint(actor=actor_of(request), endpoint=obj, base_version=version, changes=form.changes())

    def archive(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        archive_endpoint(actor=actor_of(request), endpoint=obj, base_version=obj.version)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the page that shows the secret, this once."""
        return redirect(show_secret(request, obj))

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return redirect(self.address(obj))
