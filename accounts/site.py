"""The admin site: its URLs, sidebar and home page, and the Actor of a request."""

import re
from typing import Any, cast

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from unfold.sites import UnfoldAdminSite

from accounts import audit, sign_ins  # noqa: F401 - sign_ins listens to signals
from accounts.authentication import actor_of_user
from accounts.models import User
from accounts.scope import Actor, scope_of
from config.core.logs import request_id
from config.core.middleware import client_address, route_of
from config.core.orm import word_for

_ID = re.compile(r"\d{1,18}", re.ASCII)
SECTIONS = ("Patients", "Clinic", "Access")


def actor_of(request: HttpRequest) -> Actor:
    """Return the Actor of `request`, read once per request."""
    kept = vars(request)
    if "actor" not in kept:
        route, user = route_of(request) or "admin/", cast(User, request.user)
        kept["actor"] = actor_of_user(user, route=route, request_id=request_id.get(), address=client_address(request))
    return kept["actor"]


def record_denied(request: HttpRequest, model_admin: Any, view_name: str, object_id: str) -> None:
    """Audit that a page about rows of `model_admin` was refused, with the row that its address named, if any."""
    if view_name == "change_view":
        action = "update" if request.method == "POST" else "read"
    else:
        action = {"add_view": "create", "changelist_view": "search"}.get(view_name, view_name.removesuffix("_view"))
    named: dict[str, Any] = {"subject": word_for(model_admin.model)}
    if _ID.fullmatch(object_id):
        named["subject_id"] = int(object_id)
        if scope_of(model_admin.model).patient == "pk":
            named["patient_id"] = int(object_id)
    audit.record_denied(actor_of(request), audit.action_word(model_admin.model, action), **named)


class AutocompleteView(AutocompleteJsonView):
    """Suggestions for a foreign key: unarchived rows in scope, labelled by their own admin."""

    model_admin: Any

    def get_queryset(self):
        return self.model_admin.selectable(self.request, super().get_queryset())

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["object_list"] = list(context["object_list"])
        self.model_admin.audit_read(self.request, context["object_list"], "search")
        return context

    def serialize_result(self, obj, to_field_name) -> dict[str, str]:
        return {"id": str(getattr(obj, to_field_name)), "text": self.model_admin.label(obj)}


class AdminSite(UnfoldAdminSite):
    """unfold's site without deletion, without redirects that reveal whether an object exists, and with denials audited."""

    def __init__(self, name: str = "admin"):
        super().__init__(name)
        self.disable_action("delete_selected")

    def get_urls(self) -> list[URLPattern]:
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def admin_view(self, view, cacheable: bool = False):
        def audited(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                model_admin = getattr(view, "__self__", None)
                if hasattr(model_admin, "model"):
                    record_denied(request, model_admin, view.__name__, str(kwargs.get("object_id", "")))
                else:
                    audit.record_denied(actor_of(request), "admin")
                raise

        return super().admin_view(audited, cacheable)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        return AutocompleteView.as_view(admin_site=self)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().password_change(request, extra_context)
        if response.status_code == 302:
            # Of a user, only changes of status are published.
            user = cast(User, request.user)
            audit.record_change(actor_of(request), "user.update", user, event=None, changed=["password"])
        return response


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: one group per section, with the models that the caller may see."""
    groups = [{"title": section, "items": _items(request, section)} for section in SECTIONS]
    home = {"items": [{"title": "Home", "icon": "home", "link": reverse("admin:index")}]}
    return [home, *(group for group in groups if group["items"])]


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the sections to the context of the home page."""
    return {**context, "sections": navigation(request)[1:], "title": "Home"}


def _items(request: HttpRequest, section: str) -> list[dict[str, Any]]:
    from django.contrib import admin

    every: list[Any] = list(admin.site._registry.values())
    return [
        {
            "title": str(found.opts.verbose_name_plural)[:1].upper() + str(found.opts.verbose_name_plural)[1:],
            "icon": found.icon,
            "link": reverse(f"admin:{found.opts.app_label}_{found.opts.model_name}_changelist"),
            "hint": found.hint,
        }
        for found in sorted(every, key=lambda found: found.place)
        if found.section == section and found.has_module_permission(request)
    ]
