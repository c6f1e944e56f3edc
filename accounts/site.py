"""The admin site: its URLs, sidebar and home page, and the Actor of a request."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, cast

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.sites import UnfoldAdminSite

from accounts import audit, sign_ins  # noqa: F401 - sign_ins listens to signals
from accounts.authentication import actor_of_user
from accounts.models import User
from accounts.scope import Actor, scope_of
from accounts.services.second_factors import is_required, second_factor_of
from accounts.services.users import NewPassword, update_user
from config.core.logs import Caller, caller, request_id
from config.core.middleware import client_address, route_of
from config.core.orm import is_id, word_for
from config.rest import throttling


def actor_of(request: HttpRequest) -> Actor:
    """Return the Actor of `request`, read once per request."""
    kept = vars(request)
    if "actor" not in kept:
        route, user = route_of(request) or "admin/", cast(User, request.user)
        kept["actor"] = actor_of_user(user, route=route, request_id=request_id.get(), address=client_address(request))
        caller.set(Caller(user.organization_id))
    return kept["actor"]


def record_denied(request: HttpRequest, model_admin: Any, view_name: str, object_id: str) -> None:
    """Audit that a page about rows of `model_admin` was refused, with the row that its address named, if any."""
    if view_name == "change_view":
        action = "update" if request.method == "POST" else "read"
    else:
        action = {"add_view": "create", "changelist_view": "search"}.get(view_name, view_name.removesuffix("_view"))
    named: dict[str, Any] = {"subject": word_for(model_admin.model)}
    if is_id(object_id):
        named["subject_id"] = int(object_id)
        if scope_of(model_admin.model).patient == "pk":
            named["patient_id"] = int(object_id)
    audit.record_denied(actor_of(request), audit.action_word(model_admin.model, action), **named)


VERIFIED = "second_factor"
"""The session's key for the UUID of the second factor that was proved in it."""


def open_step(request: HttpRequest) -> str | None:
    """Return the URL name of the page that a person who has given their password must pass first, None if there is none.

    It is read anew with every request, so that a second factor, or the organization's demand for one, counts in every session
    from the next request on.
    """
    user = cast(User, request.user)
    factor = second_factor_of(user)
    if factor is None:
        return "admin:second_factor_enrol" if is_required(user) else None
    return None if request.session.get(VERIFIED) == str(factor.uuid) else "admin:second_factor_code"


# Tries of a person to change their own password.
PASSWORD_CHANGES_PER_MINUTE = 10


@receiver(user_logged_in)
def _ask_for_the_code_again(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Let a second factor count for one sign-in only, also where the same browser signs in again."""
    request.session.pop(VERIFIED, None)
    request.session.cycle_key()


class AutocompleteView(AutocompleteJsonView):
    """Suggestions for a foreign key: unarchived rows in scope, labelled by their own admin."""

    model_admin: Any
    admin_site: Any

    def process_request(self, request: HttpRequest):
        """Suggest rows only for a field that a form of this site completes."""
        if not is_id(request.GET.get("page", "1")):
            raise BadRequest(_("This is not a number."))
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
        self.model_admin.audit_read(self.request, context["object_list"], "search")
        return context

    def serialize_result(self, obj, to_field_name) -> dict[str, str]:
        return {"id": str(getattr(obj, to_field_name)), "text": self.model_admin.label(obj)}


class OwnPasswordView(PasswordChangeView):
    """Django's page for one's own password, which calls the service."""

    form_class = AdminOwnPasswordChangeForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever finds an open browser may not try passwords here that the sign-in page would refuse."""
        throttling.count(f"password:{actor_of(request).user_id}", PASSWORD_CHANGES_PER_MINUTE).check()
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        if "old_password" in form.errors:
            audit.record_denied(actor_of(self.request), "user.update", subject="user")
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponseRedirect:
        password = NewPassword.hashed(form.cleaned_data["new_password1"])
        update_user(actor=actor_of(self.request), user=cast(User, self.request.user), changes={}, password=password)
        stay_signed_in(self.request)
        return HttpResponseRedirect(self.get_success_url())


def stay_signed_in(request: HttpRequest) -> None:
    """Give who has changed their own password a new session in this browser, as the service has ended all of them."""
    update_session_auth_hash(request, User.objects.get(pk=actor_of(request).user_id))


# Django's redirect to a row tells whether it exists; unfold's search keeps in a cache whom it has found.
_REPLACED = ("view_on_site", "search")


class AdminSite(UnfoldAdminSite):
    """unfold's site without deletion, without redirects that reveal whether an object exists, and with denials audited."""

    def __init__(self, name: str = "admin"):
        super().__init__(name)
        self.disable_action("delete_selected")

    def get_urls(self) -> list[URLPattern]:
        from accounts import password_pages, second_factor_pages  # Their views need this module.
        from accounts.admin.language import choose_language
        from accounts.admin.pages import REGISTRY
        from accounts.admin.session import session_state

        pages = [path("session/", session_state, name="session"), path("language/", choose_language, name="language")]
        pages += [page.url(self) for page in REGISTRY]
        urls = [url for url in super().get_urls() if getattr(url, "name", "") not in _REPLACED]
        return [*second_factor_pages.urls(self), *password_pages.urls(self), *pages, *urls]

    def admin_view(self, view, cacheable: bool = False, on_denied: Callable | None = None):
        """Let nobody further whose second factor is missing. They may sign out.

        A refusal is audited: by `on_denied`, which gets the request and the arguments of the view, where it is given.
        """

        def audited(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                model_admin = getattr(view, "__self__", None)
                if on_denied:
                    on_denied(request, **kwargs)
                elif hasattr(model_admin, "model"):
                    record_denied(request, model_admin, view.__name__, str(kwargs.get("object_id", "")))
                else:
                    audit.record_denied(actor_of(request), "admin")
                raise

        guarded = super().admin_view(audited, cacheable)

        def complete(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            step = open_step(request) if self.has_permission(request) and view != self.logout else None
            if step is None:
                return guarded(request, *args, **kwargs)
            return redirect_to_login(request.get_full_path(), reverse(step))

        return update_wrapper(complete, guarded)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list when somebody reads it: Django asks for it on every page, for a sidebar that is not ours."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        return AutocompleteView.as_view(admin_site=self)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        context = {**self.each_context(request), **(extra_context or {})}
        done = reverse("admin:password_change_done")
        return OwnPasswordView.as_view(extra_context=context, success_url=done)(request)
