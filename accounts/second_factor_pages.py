"""The pages of the second factor: setting it up, asking for a code at sign-in, and what a person may do with their own.

The first two stand between password and admin, so they are not behind `AdminSite.admin_view`: each lets in who is at its step.
"""

import base64
from typing import Any, cast

import segno
from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.models import SecondFactor, User
from accounts.services.second_factors import (
    check_code,
    enrol_second_factor,
    enrolment_uri,
    in_groups,
    is_required,
    new_secret,
    remove_second_factor,
    second_factor_of,
)
from accounts.site import VERIFIED, actor_of, open_step, stay_signed_in
from config.core.encryption import SealBroken, seal, unseal
from config.core.exceptions import Conflict, Invalid, NotFound

ENROL, CODE, OWN = "admin:second_factor_enrol", "admin:second_factor_code", "admin:second_factor"
_BEGUN = "second_factor_begun"
_COLUMN = f"session.{_BEGUN}"


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses of the pages on `site`."""
    return [
        path("second-factor/", site.admin_view(OwnPage.as_view(site=site)), name="second_factor"),
        path("second-factor/enrol/", EnrolPage.as_view(site=site), name="second_factor_enrol"),
        path("second-factor/code/", CodePage.as_view(site=site), name="second_factor_code"),
    ]


class CodeForm(forms.Form):
    """One code. The words of its label and help depend on the page."""

    code = forms.CharField(
        max_length=64,
        error_messages={"required": gettext_lazy("Enter the code.")},
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": " ".join(BASE_INPUT_CLASSES),
            }
        ),
    )


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class Page(RedirectURLMixin, FormView):
    """A page that asks for a code. `step` is what `open_step` says of who may see it."""

    site: AdminSite = None  # type: ignore[assignment]  # given by as_view
    form_class = CodeForm
    next_page = "admin:index"
    title: Any = ""
    label = gettext_lazy("Code")
    help_text: Any = ""
    step: str | None = None
    # Where the code is not all that a page is about, it is focused only to be corrected.
    always_focused = False

    @property
    def user(self) -> User:
        """The person who has given their password."""
        return cast(User, self.request.user)

    def is_due(self) -> bool:
        """Tell whether this page is what the person needs, or may use, now."""
        return open_step(self.request) == self.step

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.site.has_permission(request):
            return redirect_to_login(self.get_success_url(), reverse("admin:login"))
        if not self.is_due():
            return redirect(open_step(request) or OWN)
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: type[forms.Form] | None = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["code"].label, form.fields["code"].help_text = self.label, self.help_text
        if self.always_focused or form.is_bound:
            # `autofocus` alone does nothing while unfold hides the page, which it does until its scripts have started.
            form.fields["code"].widget.attrs |= {"autofocus": "", "x-init": "$nextTick(() => $el.focus())"}
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **self.site.each_context(self.request),
            "title": self.title,
            "next": self.get_redirect_url(),
            **super().get_context_data(**kwargs),
        }

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            return self.use(form.cleaned_data["code"])
        except Invalid as refusal:
            form.add_error("code", refusal.errors["code"])
            return self.form_invalid(form)
        except (Conflict, NotFound):
            # Meanwhile it was set up or removed elsewhere: the home page leads to the page that is due now.
            return redirect(self.next_page)

    def use(self, code: str) -> HttpResponse:
        """Do what the page is for. Raises Invalid for a wrong code."""
        raise NotImplementedError

    def open_admin(self, factor: SecondFactor) -> None:
        """Let this session, under a new session key, into the admin: `factor` was proved in it."""
        self.request.session.cycle_key()
        self.request.session[VERIFIED] = str(factor.uuid)


class CodePage(Page):
    """Asks for a code after the password."""

    template_name = "admin/second_factor/code.html"
    title = gettext_lazy("Second factor")
    help_text = gettext_lazy("The six digits that your authenticator app shows, or one of your recovery codes.")
    step = CODE
    always_focused = True

    def use(self, code: str) -> HttpResponse:
        self.open_admin(check_code(actor=actor_of(self.request), user=self.user, code=code))
        return HttpResponseRedirect(self.get_success_url())


class EnrolPage(Page):
    """Shows a new secret as a QR code and as text, and takes the first code; then shows the recovery codes, once."""

    template_name = "admin/second_factor/enrol.html"
    title = gettext_lazy("Set up your second factor")
    label = gettext_lazy("Code from the app")
    help_text = gettext_lazy("Six digits. A new code comes every 30 seconds.")

    def is_due(self) -> bool:
        return second_factor_of(self.user) is None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        secret = self._secret()
        picture = segno.make_qr(enrolment_uri(self.user, secret), error="m")
        return {
            **super().get_context_data(**kwargs),
            "picture": picture.svg_inline(border=4, dark="#000", light="#fff", omitsize=True),
            "secret_groups": in_groups(secret),
            "required": is_required(self.user),
        }

    def use(self, code: str) -> HttpResponse:
        actor, secret = actor_of(self.request), self._secret()
        factor, codes = enrol_second_factor(actor=actor, user=self.user, secret=secret, code=code)
        del self.request.session[_BEGUN]
        self.open_admin(factor)
        context = {
            **self.site.each_context(self.request),
            "title": _("Keep your recovery codes"),
            "codes": codes,
            "continue_to": self.get_success_url(),
        }
        return self.response_class(self.request, "admin/second_factor/recovery_codes.html", context)

    def _secret(self) -> str:
        """Return the secret of the enrolment that this session has begun. It is kept sealed until the first code."""
        session, row = self.request.session, self.user.uuid
        try:
            return unseal(base64.b64decode(session[_BEGUN]), _COLUMN, row)
        except (KeyError, SealBroken):
            secret = new_secret()
            session[_BEGUN] = base64.b64encode(seal(secret, _COLUMN, row)).decode()
            return secret


class OwnPage(Page):
    """Shows a person whether they have a second factor, and removes it."""

    template_name = "admin/second_factor/own.html"
    title = gettext_lazy("Second factor")
    help_text = gettext_lazy("The six digits that your authenticator app shows, or one of your recovery codes.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "factor": second_factor_of(self.user),
            "required": is_required(self.user),
        }

    def use(self, code: str) -> HttpResponse:
        remove_second_factor(actor=actor_of(self.request), user=self.user, code=code)
        stay_signed_in(self.request)
        return redirect(OWN)
