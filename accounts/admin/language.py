"""The language of pages, as a person chooses it: for their account, and in this browser before anybody signs in."""

from typing import cast

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.services.users import update_user
from accounts.site import actor_of, open_step


@never_cache
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Take `language`, and lead back to the page `next`.

    An account is changed only by who has passed the second factor. The cookie is what the page for signing in goes by.
    """
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise BadRequest(_("There is no such language."))
    if _is_signed_in(request) and cast(User, request.user).language != language:
        update_user(actor=actor_of(request), user=cast(User, request.user), changes={"language": language})
    response = HttpResponseRedirect(_next(request))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response


def _is_signed_in(request: HttpRequest) -> bool:
    return getattr(request.user, "is_staff", False) and open_step(request) is None


def _next(request: HttpRequest) -> str:
    """Return the address of the page that is to be shown again: one of the admin."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours and address.startswith(reverse("admin:index")) else reverse("admin:index")
