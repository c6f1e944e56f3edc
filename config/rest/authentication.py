"""Where a request carries its key. A request that carries two is not believed either."""

from django.http import HttpRequest

from config.core.exceptions import NotAuthenticated


def bearer(request: HttpRequest) -> str | None:
    """Return the key of `Authorization: Bearer …`, None without credentials."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or "X-User-Token" in request.headers:
        raise NotAuthenticated(failed_key=True)
    return key


def user_token(request: HttpRequest) -> str | None:
    """Return the key of `X-User-Token: …`, None without credentials."""
    header = request.headers.get("X-User-Token")
    if header is not None and "Authorization" in request.headers:
        raise NotAuthenticated(failed_key=True)
    return header
