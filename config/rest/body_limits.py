"""Bodies that are refused before anything reads them."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from config.core.middleware import is_api
from config.core.uploads import own_body_limit
from config.rest.fallback import refused
from config.rest.problems import Problem

# Where the environ says that the server could not read the body, with the status to tell.
BODY_FAULT = "anamnesis.body_fault"
# Bytes of a form in parts, unless its page takes a file and says how much. No other form of ours is sent so.
MAX_MULTIPART = 64_000

FAULTS = {
    400: Problem(400, "bad_request", _("The body broke off")),
    408: Problem(408, "timeout", _("The body did not arrive in time")),
    413: Problem(413, "too_large", _("The body is too large")),
    501: Problem(501, "not_implemented", _("This server reads no body in chunks")),
    503: Problem(503, "unavailable", _("Too many large bodies arrive at this time"), retry_after=5),
}


class BodyLimitMiddleware:
    """Refuse a body that did not arrive, and on pages one that is too large, before a form or the CSRF check reads it.

    In APIs the views look at the size, after they have asked who calls.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        status = request.META.get(BODY_FAULT) or _refusal(request)
        return refused(request, FAULTS[status]) if status else self.get_response(request)


def _refusal(request: HttpRequest) -> int:
    """Return the status with which the body is refused, 0 where it is not."""
    # What manage.py serve hands over has a length. Django would take what other servers have left in chunks for no body.
    if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
        return 501
    return 413 if _too_large(request) else 0


def _too_large(request: HttpRequest) -> bool:
    if is_api(request.path):
        return False
    if request.content_type == "multipart/form-data":
        return announced_size(request) > (own_body_limit(request.path_info) or MAX_MULTIPART)
    return announced_size(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def announced_size(request: HttpRequest) -> int:
    """Return how many bytes Django would read: none where the request announces no number of them."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
