"""One language: a page is in that of the person's account; before they sign in, in the one that their browser asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from config.core.middleware import is_api

# Descriptions of the APIs.
_DOCUMENTATION = ("/docs/", "/schema/")


class LocaleMiddleware:
    """Translate pages. Django's own of this name leaves its language to the thread, whose next request may be one of an API.

    APIs and their documentation speak `settings.LANGUAGE_CODE`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request.path) or request.path.startswith(_DOCUMENTATION):
            return self.get_response(request)
        language = language_of(request)
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined]  # As Django's own middleware does.
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if not request.user.is_authenticated:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response


def language_of(request: HttpRequest) -> str:
    """Return the language to answer in: one of `settings.LANGUAGES`."""
    if not request.user.is_authenticated:
        return translation.get_language_from_request(request)
    return language_of_user(request.user)


def language_of_user(user: Any) -> str:
    """Return the language of the account of `user`, or `settings.LANGUAGE_CODE` where pages do not speak it."""
    try:
        return translation.get_supported_language_variant(user.language)
    except LookupError:
        return settings.LANGUAGE_CODE


@contextmanager
def localized_for(user: Any) -> Iterator[None]:
    """Speak as `user` reads: in the language of their account, on the clock of their organization."""
    zone = user.organization.zone if user.organization else "UTC"
    with translation.override(language_of_user(user)), timezone.override(zone):
        yield
