"""What is answered in place of a page."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

TITLES = {
    400: "This request cannot be read",
    403: "Not allowed",
    404: "No such page",
    408: "Too slow",
    413: "Too much at once",
    429: "Too many requests",
    500: "Something has failed",
    503: "Not available at the moment",
}
_JSON, _HTML = "application/json", "text/html"


def refusal(request: HttpRequest, status: int, text: str, retry_after: int | None = None) -> HttpResponse:
    """Return a page that says why there is no other, and after how many seconds to try again.

    The admin is for browsers. Elsewhere a client that does not prefer HTML, such as one that looks for an API under a path
    that we do not have, gets `{"detail": text}`.
    """
    headers = {"Cache-Control": "no-store", **({} if retry_after is None else {"Retry-After": str(retry_after)})}
    if not _in_admin(request.path):
        headers["Vary"] = "Accept"
        if request.get_preferred_type([_JSON, _HTML]) != _HTML:
            return JsonResponse({"detail": text}, status=status, headers=headers)
    context = {"request": request, "title": TITLES[status], "text": text, "minutes": -(-(retry_after or 0) // 60)}
    return HttpResponse(render_to_string("refusal.html", context), status=status, headers=headers)


def _in_admin(path: str) -> bool:
    return f"{path}/".startswith("/admin/")
