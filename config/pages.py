"""What anonymous clients may ask of pages, and the pages that refuse. APIs have the same in config/rest, in their dialects."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.core.exceptions import RateLimited, Unavailable
from config.core.metrics import RATE_LIMITED
from config.core.middleware import HEALTH, is_api
from config.core.refusals import refusal
from config.rest import throttling
from config.rest.body_limits import announced_size
from config.rest.problems import problems_of

# Bytes. The only anonymous forms are those of signing in, of a few hundred.
MAX_BODY = 16 * 1024
# The errors after which the same request may succeed a little later.
REFUSALS = (RateLimited, Unavailable, OperationalError, InterfaceError)


class PageLimitMiddleware:
    """Count pages without a session with the API requests without a key, and refuse their large bodies unread.

    It stands after the session and before the view; CSRF reads the body when the view is known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Load balancers ask them every few seconds, perhaps from the address of a proxy that everybody shares: a limit would let
        # anybody have the server taken out of service, or unwatched. Counting would cost as much as what /readyz does, one query.
        if is_api(request.path) or request.path in HEALTH:
            return self.get_response(request)
        return self._refuse(request) or self.get_response(request)

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        try:
            if request.user.is_authenticated and request.path != reverse(settings.LOGIN_URL):
                throttling.count(f"user:{request.user.pk}", settings.RATE_LIMIT_PER_MINUTE).check()
                return None
            # Signing in counts with a session, too: it takes a slot for hashing.
            throttling.count_anonymous(request).check()
        except REFUSALS as error:
            return refused(request, error)
        return refusal(request, 413, _("A form here has at most 16 kB.")) if announced_size(request) > MAX_BODY else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Tell what a view of a page refuses for the moment; anything else is a failure."""
        return refused(request, exception) if isinstance(exception, REFUSALS) and not is_api(request.path) else None


def refused(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the page for one of REFUSALS."""
    problem = problems_of(error, {})[0]
    return refusal(request, problem.status, f"{problem.message.rstrip('.')}.", problem.retry_after)


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """Return the page for somebody who may not try to sign in for now."""
    RATE_LIMITED.labels("sign_in").inc()
    cool_off = int(settings.AXES_COOLOFF_TIME * 3600)
    seconds = getattr(request, "retry_after", cool_off)
    return refusal(request, 429, _("Too many attempts to sign in have failed."), seconds)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a form that did not come from ours, or that was open for too long."""
    text = _("The form is out of date, or your browser keeps no cookies. Open it anew and send it again.")
    return refusal(request, 403, text)
