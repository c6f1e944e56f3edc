"""Middleware. Sessions, CSRF, signing in and messages are for pages only."""

import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, ip_address, ip_network

from axes.middleware import AxesMiddleware as _Axes
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware as _Authentication
from django.contrib.messages.middleware import MessageMiddleware as _Messages
from django.contrib.sessions.middleware import SessionMiddleware as _Sessions
from django.core.exceptions import BadRequest, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware as _Csrf
from django.middleware.gzip import GZipMiddleware as _GZip
from django.middleware.security import SecurityMiddleware as _Security
from whitenoise.middleware import WhiteNoiseMiddleware as _StaticFiles

from config.core.exceptions import TlsRequired, Unavailable
from config.core.logs import NOBODY, caller, request_id
from config.core.metrics import count_request
from config.core.refusals import refusal

# Seconds after which a database that is busy is likely to answer.
RETRY_AFTER = 5
# What load balancers and monitoring ask, by whatever address, and as often as they like.
HEALTH = ("/healthz", "/readyz", "/metrics")
API_PREFIXES = ("/api/", "/v1/", "/general/")
logger = logging.getLogger("anamnesis.request")


def is_api(path: str) -> bool:
    """Tell whether `path` belongs to one of the API dialects."""
    return f"{path}/".startswith(API_PREFIXES)


def route_of(request: HttpRequest) -> str | None:
    """Return the route that `request` was matched to, None where no line of the table of contents took it."""
    return request.resolver_match.route if request.resolver_match else None


def client_address(request: HttpRequest) -> str:
    """Return the address of the client: the peer, or the hop that the outermost trusted proxy saw.

    TRUSTED_PROXIES says how many proxies stand before the server; with none, what a client
    writes into X-Forwarded-For counts for nothing.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if not settings.TRUSTED_PROXIES or len(hops) < settings.TRUSTED_PROXIES:
        return peer
    try:
        return str(ip_address(hops[-settings.TRUSTED_PROXIES]))
    except ValueError:
        return peer


def client_network(request: HttpRequest) -> str:
    """Return the address under which the client is counted: its own, or the first one of its /64 in IPv6.

    Who has one address of IPv6 has the 2^64 of its network, too.
    """
    return network_of(client_address(request))


def network_of(client: str) -> str:
    """Return the address under which a client of the address `client` is counted; see `client_network`."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False).network_address)


class RequestIdMiddleware:
    """Give every request an id, send it back as X-Request-Id, and log one line a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token, caller_token = request_id.set(uuid.uuid4().hex), caller.set(NOBODY)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            self._log(request, response, started)
            return response
        finally:
            request_id.reset(token)
            caller.reset(caller_token)

    def _log(self, request: HttpRequest, response: HttpResponse, started: float) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "method": f"{request.method:.16}",  # Clients write what they like.
            "route": route_of(request),
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
        }
        logger.info("request", extra={"fields": fields})


class MetricsMiddleware:
    """Count every request for /metrics, if that is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        count_request(route_of(request), request.method, response.status_code, time.perf_counter() - started)
        return response


class SecurityHeadersMiddleware(_Security):
    """Django's security headers plus a content security policy; API answers are never stored or framed.

    Inline scripts run only with the nonce of their response, which templates find as `request.csp_nonce`.
    Pages are redirected to HTTPS, APIs are not: TlsMiddleware refuses.
    """

    PAGES = (
        "default-src 'self'; script-src 'self' 'nonce-{nonce}'{evaluated}; style-src 'self' {styles}; img-src 'self' data:; "
        "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; "
        "form-action 'self'"
    )
    API = "default-src 'none'; frame-ancestors 'none'"

    def process_request(self, request):
        if is_api(request.path):
            return None
        request.csp_nonce = secrets.token_urlsafe(16)
        return super().process_request(request)

    def process_response(self, request, response):
        response = super().process_response(request, response)
        response.headers.setdefault("X-Frame-Options", "DENY")
        if is_api(request.path):
            response.headers["Content-Security-Policy"] = self.API
            response.headers["Cache-Control"] = "no-store"
        else:
            response.headers["Content-Security-Policy"] = self._policy(request)
        return response

    def _policy(self, request) -> str:
        if not request.path.startswith("/admin/"):
            return self.PAGES.format(nonce=request.csp_nonce, evaluated="", styles=f"'nonce-{request.csp_nonce}'")
        # unfold bundles standard Alpine, which evaluates its attributes, and writes its colours into a style element.
        return self.PAGES.format(nonce=request.csp_nonce, evaluated=" 'unsafe-eval'", styles="'unsafe-inline'")


class AllowedHostMiddleware:
    """Refuse a Host that ALLOWED_HOSTS does not name, before any address is built from it.

    Who watches the server may call it by its address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in HEALTH:
            request.get_host()
        return self.get_response(request)


class TlsMiddleware:
    """Refuse API requests without TLS where HTTPS is on.

    Clients follow a redirect without a word, and would go on sending their key in clear.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECURE_SSL_REDIRECT and is_api(request.path) and not request.is_secure():
            raise TlsRequired
        return self.get_response(request)


class _PagesOnly:
    """A middleware that steps aside on API paths."""

    def __call__(self, request):
        return self.get_response(request) if is_api(request.path) else super().__call__(request)


class NulMiddleware:
    """Refuse a request for a page that holds a NUL in its address or a cookie: PostgreSQL has no text with one.

    Fields of forms answer for themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request.path) and any("\0" in text for text in self._texts(request)):
            raise BadRequest("A request for a page has no NUL.")
        return self.get_response(request)

    def _texts(self, request: HttpRequest) -> Iterator[str]:
        yield from (request.path, *request.COOKIES.values(), *request.GET)
        for values in request.GET.lists():
            yield from values[1]


class StaticFilesMiddleware(_PagesOnly, _StaticFiles):
    """Serves /static/."""


class SessionMiddleware(_PagesOnly, _Sessions):
    """Sessions for the admin. Each page stores its session: where that is not possible now, it is 503.

    What a page asks by itself, again and again, has the header X-Poll and does not prolong the session.
    """

    def process_response(self, request, response):
        if "X-Poll" in request.headers and not request.session.modified:
            return response
        try:
            return super().process_response(request, response)
        except Unavailable as error:
            return refusal(request, 503, f"{error}.", RETRY_AFTER)


class GZipMiddleware(_PagesOnly, _GZip):
    """Compressed pages, with a random number of bytes added: their length must not tell what a form has next to a secret."""


class CsrfViewMiddleware(_PagesOnly, _Csrf):
    """CSRF checks for the admin; API keys travel in headers that no form can set."""

    def process_view(self, request, callback, args, kwargs):
        return None if is_api(request.path) else super().process_view(request, callback, args, kwargs)


class AuthenticationMiddleware(_PagesOnly, _Authentication):
    """request.user for the admin."""


class MessageMiddleware(_PagesOnly, _Messages):
    """Messages for the admin."""


class AxesMiddleware(_PagesOnly, _Axes):
    """Lock-out of repeated failures at the sign-in page."""
