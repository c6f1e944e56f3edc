"""API keys: issued here, shown once, revoked here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from accounts.admin.base import ScopedAdmin
from accounts.admin.forms import ServiceForm
from accounts.admin.key_pages import issued_in_scope, show_key
from accounts.admin.key_states import state_of, words_of
from accounts.admin.organizations import OFFICE
from accounts.models import ApiKey
from accounts.permissions import ADMINISTRATORS
from accounts.scope import Role
from accounts.services.key_texts import new_key_id
from accounts.services.keys import default_days, default_expiry, issue_key, revoke_key, revoke_key_with_issued
from accounts.site import actor_of
from config.core.exceptions import DomainError

_SALT = "accounts.admin.keys.form"
SENT_BEFORE = gettext_lazy("This form was sent before, and issued its key: see the list. For another one, open the form anew.")


class RevokedFilter(DropdownFilter):
    """Keys that work, or revoked ones. Without a choice: both."""

    title = pgettext_lazy("of a key", "state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[str, str]]:
        return [("working", _("Not revoked")), ("revoked", _("Revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset if self.value() is None else queryset.filter(revoked_at__isnull=self.value() != "revoked")


class ApiKeyForm(ServiceForm):
    """Whose key it is, what for, until when. `form_id` holds the id that the key will have: a form issues one key."""

    form_id = forms.CharField(label="", widget=forms.HiddenInput, required=False, max_length=100)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["form_id"].initial = signing.dumps(new_key_id(), salt=_SALT)
        if "expires_at" in self.fields:
            self.fields["expires_at"].help_text = _("Empty: after %(days)s days.") % {"days": default_days()}

    def clean_form_id(self) -> str:
        """Return the id of the new key."""
        try:
            return signing.loads(self.cleaned_data["form_id"], salt=_SALT)
        except signing.BadSignature as error:
            raise forms.ValidationError(_("Open this form anew.")) from error

    def clean_expires_at(self):
        """Refuse a key that would be expired from the start."""
        expires_at = self.cleaned_data["expires_at"] or default_expiry()
        if expires_at <= timezone.now():
            raise forms.ValidationError(_("Must lie in the future."))
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """API keys. A key is issued or revoked, never changed."""

    form = ApiKeyForm
    readers = OFFICE
    creators = ADMINISTRATORS
    section, place, icon, hint = "Access", 2, "key", gettext_lazy("Keys for programs, shown once")
    change_form_template = "admin/accounts/apikey/change_form.html"
    constraint_fields = {"accounts_apikey.key_id": ("", SENT_BEFORE), "accounts_apikey_key_id_key": ("", SENT_BEFORE)}
    list_display = ["key_id", "description", "holder", "state", "expires_at", "last_used_at", "issued_with"]
    list_display_links = ["key_id", "description"]
    list_select_related = ["user", "issued_by"]
    list_filter = [RevokedFilter]
    search_fields = ["key_id", "description", "user__email_key__contains_folded"]
    autocomplete_fields = ["user"]
    fieldsets = [
        (
            None,
            {
                "fields": ["user", "description", "expires_at", "form_id"],
                "description": gettext_lazy("Users of a sandbox get test keys, which reach nothing else."),
            },
        )
    ]
    actions = ["revoke", "revoke_with_issued"]

    @display(description=gettext_lazy("State"), label={"working": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        return state_of(key), words_of(state_of(key))

    @display(description=gettext_lazy("State"))
    def state_words(self, key: ApiKey) -> str:
        return words_of(state_of(key))

    @display(description=gettext_lazy("User"), ordering="user__email_key")
    def holder(self, key: ApiKey) -> str:
        return key.user.email

    @display(description=gettext_lazy("Issued with"), empty_value="-")
    def issued_with(self, key: ApiKey) -> str | None:
        return key.issued_by.key_id if key.issued_by else None

    def label(self, obj: ApiKey) -> str:
        return f"{_('API key')} {obj.key_id}"

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            del fieldsets[0][1]["description"]
            fieldsets[0][1]["fields"] = [
                "key_id",
                "state_words",
                "holder",
                "description",
                "expires_at",
                "revoked_at",
                "last_used_at",
                "issued_with",
                "created_at",
            ]
        return fieldsets

    def chooses_organization(self, request: HttpRequest) -> bool:
        """A key belongs to the organization of its user."""
        return False

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = super().get_list_display(request)
        return [*columns, "organization"] if actor_of(request).role == Role.FC_ADMIN else columns

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Tell whether the caller may revoke keys."""
        return self._is(request, ADMINISTRATORS)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Revoke the chosen keys from the next request on."""
        for key in queryset.select_related("user"):
            try:
                revoke_key(actor=actor_of(request), key=key)
            except DomainError:
                words = _("%(key)s could not be revoked: it is revoked already, or you may not revoke it.")
                messages.warning(request, words % {"key": self.label(key)})
            else:
                messages.success(request, _("%(key)s is revoked.") % {"key": self.label(key)})

    @admin.action(description=gettext_lazy("Revoke with all keys that were issued with it"), permissions=["revoke"])
    def revoke_with_issued(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Revoke the chosen keys, what was issued with them, and so on: what to do with a stolen key."""
        for key in queryset.select_related("user"):
            try:
                count = revoke_key_with_issued(actor=actor_of(request), key=key)
            except DomainError:
                words = _("%(key)s could not be revoked: you may not revoke all that were issued with it.")
                messages.warning(request, words % {"key": self.label(key)})
            else:
                messages.success(request, _("%(key)s: %(count)s revoked.") % {"key": self.label(key), "count": count})

    def create(self, request: HttpRequest, form: ApiKeyForm) -> ApiKey:
        values = {name: form.cleaned_data[name] for name in ("user", "description", "expires_at")}
        key, raw = issue_key(actor=actor_of(request), key_id=form.cleaned_data["form_id"], **values)
        vars(request)["issued_page"] = show_key(request, key, raw)
        return key

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None) -> HttpResponse:
        """Offer a single save button: what follows is the page that shows the key."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**buttons, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context["issued"] = issued_in_scope(actor_of(request), obj)
            context["may_revoke"] = self.has_revoke_permission(request) and not obj.revoked_at
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the page that shows the key, this once: nothing that is loaded again issues another one."""
        return redirect(vars(request)["issued_page"])
