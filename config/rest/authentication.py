"""Who a request comes from: the holder of the API key that it carries. One that carries two keys is not believed."""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.scope import Actor
from accounts.services.keys import authenticate_key
from config.core.exceptions import NotAuthenticated
from config.core.logs import request_id
from config.core.middleware import client_address

CHALLENGE = 'Bearer realm="anamnesis"'


class KeyAuthentication(BaseAuthentication):
    """Base of authentication by API key: `request.user` is the Actor, `request.auth` what it may know of its key."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        """Return the key that the request carries, None without one. Raises NotAuthenticated for an unclear one."""
        raise NotImplementedError

    def authenticate(self, request: Request) -> tuple[Actor, dict] | None:
        key = self.key_of(request)
        if key is None:
            return None
        match: Any = request.resolver_match
        route = f"{request.method:.16} /{match.route}"
        actor = authenticate_key(key, route=route, request_id=request_id.get(), address=client_address(request))
        return actor, actor.key

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class BearerAuthentication(KeyAuthentication):
    """A key in `Authorization: Bearer …`."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or "X-User-Token" in request.headers:
            raise NotAuthenticated(failed_key=True)
        return key


class UserTokenAuthentication(KeyAuthentication):
    """A key in `X-User-Token: …`."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        header = request.headers.get("X-User-Token")
        if header is not None and "Authorization" in request.headers:
            raise NotAuthenticated(failed_key=True)
        return header
