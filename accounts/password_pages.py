"""The pages on which people choose a password before they sign in: asking for a link, and following one.

None of them tells whether an address is known. A link leads to an address without its token, which the session keeps meanwhile:
no page that a browser asks for next, and no log of a proxy, has it in an address.
"""

from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, path
from django.utils.crypto import salted_hmac
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView, View
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import background, mails
from accounts.authentication import actor_of_user
from accounts.languages import localized_for
from accounts.models import User
from accounts.scope import Actor
from accounts.services.password_links import ask_password_link, link_end, use_password_link, user_of_link
from accounts.services.users import NewPassword
from accounts.sign_ins import origin_of
from accounts.site import PASSWORD_CHANGES_PER_MINUTE
from config.core.exceptions import Gone, Invalid
from config.core.middleware import client_network
from config.core.text import fold
from config.rest import throttling

BACKEND = "accounts.authentication.StaffBackend"
LINK = "password_link"
"""The session's key for the person and the token of the link that was followed in it."""


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses of the pages on `site`."""
    return [
        path("password/forgotten/", ForgottenPage.as_view(site=site), name="password_forgotten"),
        path("password/forgotten/sent/", SentPage.as_view(site=site), name="password_forgotten_sent"),
        path("password/link/<uuid:user_uuid>/<slug:token>/", LinkView.as_view(), name="password_link"),
        path("password/choose/", ChoosePage.as_view(site=site), name="password_choose"),
    ]


class _SitePage:
    """What the pages share: the look of the sign-in page, and their title."""

    site: AdminSite = None  # type: ignore[assignment]  # given by as_view
    title: Any = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]  # of the view beside
        return {**self.site.each_context(self.request), "title": self.title, **context}  # type: ignore[attr-defined]


# --- asking for a link ------------------------------------------------------------------------------
class AddressForm(forms.Form):
    """The address that somebody signs in with."""

    email = forms.EmailField(
        label=gettext_lazy("Email"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "username", "class": " ".join(BASE_INPUT_CLASSES)}),
        help_text=gettext_lazy("The address that you sign in with."),
    )


@method_decorator(never_cache, name="dispatch")
class ForgottenPage(_SitePage, FormView):
    """Takes an address. The answer is the same, and comes as soon, whoever it belongs to: all else is done behind it."""

    form_class = AddressForm
    template_name = "admin/password/forgotten.html"
    title = gettext_lazy("Forgot your password?")

    def form_valid(self, form: Any) -> HttpResponse:
        email = form.cleaned_data["email"]
        self._count(email)
        background.run_later(
            partial(_send_link_to, email, Actor(role="", **origin_of(self.request)), mails.base_of(self.request))
        )
        return redirect("admin:password_forgotten_sent")

    def _count(self, email: str) -> None:
        """Raise RateLimited where this address, or this network, has asked as often as anybody may fail to sign in."""
        digest = salted_hmac("password-link", fold(email), algorithm="sha256").hexdigest()
        throttling.count(f"sign_in:link:{digest}", settings.SIGN_INS_PER_ACCOUNT_PER_MINUTE).check()
        network = client_network(self.request)
        throttling.count(f"sign_in:links:{network}", settings.SIGN_IN_FAILURES_PER_ADDRESS).check()


def _send_link_to(email: str, actor: Actor, base: str) -> None:
    link = ask_password_link(actor=actor, email=email)
    if link:
        mails.send_link(link, base=base)


@method_decorator(never_cache, name="dispatch")
class SentPage(_SitePage, TemplateView):
    """Says what happens next."""

    template_name = "admin/password/sent.html"
    title = gettext_lazy("Look at your mail")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(hours=settings.PASSWORD_LINK_HOURS, **kwargs)


# --- following a link -------------------------------------------------------------------------------
@method_decorator(never_cache, name="dispatch")
class LinkView(View):
    """Keeps the token of a link that is open in the session, and leads to an address without it."""

    def get(self, request: HttpRequest, user_uuid: UUID, token: str) -> HttpResponse:
        request.session.pop(LINK, None)
        if user_of_link(user_uuid, token):
            request.session[LINK] = [str(user_uuid), token]
        answer = redirect("admin:password_choose")
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer


class PasswordForm(SetPasswordForm):
    """A new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
            field.help_text = ""
        first = self.fields["new_password1"]
        first.widget.attrs["autofocus"] = True
        first.help_text = _("At least 12 characters. Four words that have nothing to do with each other are a good one.")


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ChoosePage(_SitePage, FormView):
    """Takes the new password of whoever has followed a link, and signs them in.

    A second factor is still asked for, or set up, where they have one or their organization requires it.
    """

    form_class = PasswordForm
    template_name = "admin/password/choose.html"
    title = gettext_lazy("Choose your password")
    user: User
    token: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user_uuid, self.token = request.session.get(LINK) or ("", "")
        user = user_of_link(UUID(user_uuid), self.token) if user_uuid else None
        if user is None:
            return self._closed()
        self.user = user
        # The page speaks as the mail did that has led here.
        with localized_for(user):
            answer = super().dispatch(request, *args, **kwargs)
            return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer

    def _closed(self) -> HttpResponse:
        self.request.session.pop(LINK, None)
        context = {**self.site.each_context(self.request), "title": _("This link is not open any more")}
        return self.response_class(self.request, "admin/password/closed.html", context, status=HTTPStatus.GONE)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(person=self.user, end=link_end(self.user), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        throttling.count(f"password:{self.user.pk}", PASSWORD_CHANGES_PER_MINUTE).check()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        request, user = self.request, self.user
        password = NewPassword.hashed(form.cleaned_data["new_password1"])
        try:
            user = use_password_link(
                actor=actor_of_user(user, **origin_of(request)), user=user, token=self.token, password=password
            )
        except Invalid as refusal:
            form.add_error("new_password1", refusal.errors["password"])
            return self.form_invalid(form)
        except Gone:
            return self._closed()
        request.session.pop(LINK, None)
        login(request, user, backend=BACKEND)
        return redirect("admin:index")
