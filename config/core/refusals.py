"""The page that people get in place of another."""

from django.http import HttpRequest, HttpResponse
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


def refusal(request: HttpRequest, status: int, text: str, retry_after: int | None = None) -> HttpResponse:
    """Return a page that says why there is no other, and after how many seconds to try again."""
    context = {"request": request, "title": TITLES[status], "text": text, "minutes": -(-(retry_after or 0) // 60)}
    headers = {"Cache-Control": "no-store", **({} if retry_after is None else {"Retry-After": str(retry_after)})}
    return HttpResponse(render_to_string("refusal.html", context), status=status, headers=headers)
