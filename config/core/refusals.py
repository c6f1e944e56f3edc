"""What is answered in place of a page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext_lazy as _

TITLES = {
    400: _("This request cannot be read"),
    403: _("Not allowed"),
    404: _("No such page"),
    408: _("Too slow"),
    413: _("Too much at once"),
    429: _("Too many requests"),
    500: _("Something has failed"),
    503: _("Not available at the moment"),
}
_JSON, _HTML = "application/json", "text/html"


def refusal(request: HttpRequest, status: int, text: Any, retry_after: int | None = None) -> HttpResponse:
    """Return a page that says why there is no other, and after how many seconds to try again.

    The admin is for browsers. Elsewhere a client that does not prefer HTML, such as one that looks for an API under a path
    that we do not have, gets `{"detail": text}`, in English: `text` is marked by gettext_lazy.
    """
    headers = {"Cache-Control": "no-store", **({} if retry_after is None else {"Retry-After": str(retry_after)})}
    if not _in_admin(request.path):
        headers["Vary"] = "Accept"
        if request.get_preferred_type([_JSON, _HTML]) != _HTML:
            with override(settings.LANGUAGE_CODE):
                return JsonResponse({"detail": str(text)}, status=status, headers=headers)
    # Some requests are refused before it is known who sends them.
    language = getattr(request, "LANGUAGE_CODE", None) or get_language_from_request(request)
    context = {"request": request, "title": TITLES[status], "text": text, "minutes": -(-(retry_after or 0) // 60)}
    with override(language):
        page = render_to_string("refusal.html", context)
    return HttpResponse(page, status=status, headers={**headers, "Content-Language": language})


def _in_admin(path: str) -> bool:
    return f"{path}/".startswith("/admin/")
