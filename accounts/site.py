"""The admin site: its URLs, sidebar and home page, and the Actor of a request."""

from typing import Any, cast

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from unfold.sites import UnfoldAdminSite

from accounts import audit
from accounts.authentication import actor_of_user
from accounts.models import User
from accounts.scope import Actor
from config.core.logs import request_id
from config.core.middleware import route_of

SECTIONS = ("Patients", "Clinic", "Access")


def actor_of(request: HttpRequest) -> Actor:
    """Return the Actor of `request`, read once per request."""
    kept = vars(request)
    if "actor" not in kept:
        route, user = route_of(request) or "admin/", cast(User, request.user)
        kept["actor"] = actor_of_user(user, route=route, request_id=request_id.get())
    return kept["actor"]


class AutocompleteView(AutocompleteJsonView):
    """Suggestions for a foreign key: unarchived rows in scope, labelled by their own admin."""

    model_admin: Any
    admin_site: Any

    def process_request(self, request: HttpRequest):
        """Suggest rows only for a field that a form of this site completes."""
        app, model, field = (request.GET.get(name, "") for name in ("app_label", "model_name", "field_name"))
        for found in self.admin_site._registry.values():
            if (found.opts.app_label, found.opts.model_name) == (app, model) and field in found.get_autocomplete_fields(request):
                return super().process_request(request)
        raise PermissionDenied

    def get_queryset(self):
        return self.model_admin.selectable(self.request, super().get_queryset())

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["object_list"] = list(context["object_list"])
        self.model_admin.audit_read(self.request, context["object_list"])
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
                audit.record_denied(actor_of(request), "admin")
                raise

        return super().admin_view(audited, cacheable)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        return AutocompleteView.as_view(admin_site=self)(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search the names of the pages."""
        try:
            return super().search(request, extra_context)
        except InvalidPage as error:
            raise Http404 from error

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
