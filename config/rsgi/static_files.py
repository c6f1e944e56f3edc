"""Files of STATIC_ROOT, by the rules of WhiteNoise, without a thread."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.core.middleware import SecurityHeadersMiddleware, StaticFilesMiddleware

CONDITIONS = {
    "accept-encoding": "HTTP_ACCEPT_ENCODING",
    "if-none-match": "HTTP_IF_NONE_MATCH",
    "if-modified-since": "HTTP_IF_MODIFIED_SINCE",
    "range": "HTTP_RANGE",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class StaticFiles:
    """What has been collected when the process starts. Under DEBUG it is empty, and Django's middleware finds files itself."""

    def __init__(self) -> None:
        self._files = StaticFilesMiddleware(lambda request: HttpResponse()).files
        self._headers = list(_security_headers().items())

    def get(self, scope: Any) -> Any:
        """Return the response for `scope`, with `status`, `headers` and an open `file` or None; None for other paths."""
        found = self._files.get(scope.path)
        if found is None:
            return None
        given = {key: value for name, key in CONDITIONS.items() if (value := scope.headers.get(name)) is not None}
        response = found.get_response(scope.method, given)
        response.headers = [*response.headers, *self._headers]
        return response


def _security_headers() -> dict[str, str]:
    """Return the security headers of a page, for files: none of them is a page, so that none runs or loads anything.

    Drawings may style themselves.
    """
    request = HttpRequest()
    request.path, request.csp_nonce = "/static/", ""  # type: ignore[attr-defined]
    middleware = SecurityHeadersMiddleware(lambda request: HttpResponse())
    headers = dict(middleware.process_response(request, HttpResponse()).items())
    del headers["Content-Type"]
    return headers | {"Content-Security-Policy": POLICY}
