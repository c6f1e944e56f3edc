"""API keys: issued here, shown once, revoked here."""

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from accounts.admin.base import ScopedAdmin
from accounts.admin.forms import ServiceForm
from accounts.admin.organizations import OFFICE
from accounts.models import ApiKey
from accounts.permissions import ADMINISTRATORS
from accounts.scope import Role
from accounts.services.keys import default_days, default_expiry, issue_key, revoke_key, revoke_key_with_issued
from accounts.site import actor_of
from config.core.exceptions import DomainError


class RevokedFilter(DropdownFilter):
    """Keys that work, or revoked ones. Without a choice: both."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[str, str]]:
        return [("working", "Not revoked"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset if self.value() is None else queryset.filter(revoked_at__isnull=self.value() != "revoked")


class ApiKeyForm(ServiceForm):
    """Whose key it is, what for, until when."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "expires_at" in self.fields:
            self.fields["expires_at"].help_text = f"Empty: after {default_days()} days."

    def clean_expires_at(self):
        """Refuse a key that would be expired from the start."""
        expires_at = self.cleaned_data["expires_at"] or default_expiry()
        if expires_at <= timezone.now():
            raise forms.ValidationError("Must lie in the future.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """API keys. A key is issued or revoked, never changed."""

    form = ApiKeyForm
    readers = OFFICE
    creators = ADMINISTRATORS
    section, place, icon, hint = "Access", 2, "key", "Keys for programs, shown once"
    list_display = ["key_id", "description", "holder", "state", "expires_at", "last_used_at", "issued_with", "created_at"]
    list_select_related = ["user", "issued_by"]
    list_filter = [RevokedFilter]
    search_fields = ["key_id", "description", "user__email_key__contains_folded"]
    autocomplete_fields = ["user"]
    fieldsets = [
        (
            None,
            {
                "fields": ["user", "description", "expires_at"],
                "description": "Users of a sandbox get test keys, which reach nothing else.",
            },
        )
    ]
    actions = ["revoke", "revoke_with_issued"]

    @display(description="State", label={"Working": "success", "Revoked": "danger", "Expired": "warning"})
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "Revoked"
        return "Expired" if key.expires_at and key.expires_at <= timezone.now() else "Working"

    @display(description="User", ordering="user__email_key")
    def holder(self, key: ApiKey) -> str:
        return key.user.email

    @display(description="Issued with", empty_value="-")
    def issued_with(self, key: ApiKey) -> str | None:
        return key.issued_by.key_id if key.issued_by else None

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            fieldsets[0][1]["fields"] = [
                "key_id",
                "state",
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

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Revoke the chosen keys from the next request on."""
        for key in queryset.select_related("user"):
            try:
                revoke_key(actor=actor_of(request), key=key)
            except DomainError:
                messages.warning(request, f"{key} could not be revoked: it is revoked already, or you may not revoke it.")
            else:
                messages.success(request, f"{key} is revoked.")

    @admin.action(description="Revoke with all keys that were issued with it", permissions=["revoke"])
    def revoke_with_issued(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Revoke the chosen keys, what was issued with them, and so on: what to do with a stolen key."""
        for key in queryset.select_related("user"):
            try:
                count = revoke_key_with_issued(actor=actor_of(request), key=key)
            except DomainError:
                messages.warning(request, f"{key} could not be revoked: you may not revoke all that were issued with it.")
            else:
                messages.success(request, f"{key}: {count} revoked.")

    def create(self, request: HttpRequest, form: ApiKeyForm) -> ApiKey:
        key, vars(request)["issued_key"] = issue_key(actor=actor_of(request), **form.cleaned_data)
        return key

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None) -> HttpResponse:
        """Offer a single save button: the response is the page that shows the key."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**buttons, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key in the response to the form: it is not stored, so no other page could."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Your new API key",
            "key": obj,
            "raw_key": vars(request)["issued_key"],
        }
        return TemplateResponse(request, "admin/accounts/apikey/issued.html", context, headers={"Cache-Control": "no-store"})
