"""Who a request comes from: the holder of the API key that it carries. One that carries two different keys is not believed."""

from typing import Any, NamedTuple

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.scope import Actor
from accounts.services.keys import authenticate_key_with
from config.core.exceptions import NotAuthenticated
from config.core.logs import Caller, caller, request_id
from config.core.middleware import client_address
from config.rest.throttling import Allowance, UserCount

CHALLENGE = 'Bearer realm="anamnesis"'


class KeyUse(NamedTuple):
    """What the caller may know of their key, and where they stand in their window, if that was counted with it."""

    key: dict
    allowance: Allowance | None


class KeyAuthentication(BaseAuthentication):
    """Base of authentication by API key: `request.user` is the Actor, `request.auth` the `KeyUse`."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        """Return the key that the request carries, None without one. Raises NotAuthenticated for an unclear one."""
        raise NotImplementedError

    def authenticate(self, request: Request) -> tuple[Actor, KeyUse] | None:
        key = self.key_of(request)
        if key is None:
            return None
        match: Any = request.resolver_match
        route = f"{request.method:.16} /{match.route}"
        user_count, about = UserCount(), {"request_id": request_id.get(), "address": client_address(request)}
        actor, added = authenticate_key_with(user_count.addition, key, route=route, **about)
        caller.set(Caller(actor.organization_id, actor.key_id))
        return actor, KeyUse(actor.key, user_count.allowance(added))

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class BearerAuthentication(KeyAuthentication):
    """A key in `Authorization: Bearer …`."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        key = bearer_key(request)
        if key is None and "Authorization" in request.headers:
            raise NotAuthenticated(failed_key=True)
        if key is not None and request.headers.get("X-User-Token", key) != key:
            raise NotAuthenticated(failed_key=True)
        return key


class UserTokenAuthentication(KeyAuthentication):
    """A key in `X-User-Token: …`. What a gateway writes into Authorization by another scheme than Bearer is none of ours."""

    def key_of(self, request: HttpRequest | Request) -> str | None:
        key = request.headers.get("X-User-Token")
        if key is not None and bearer_key(request) not in (None, key):
            raise NotAuthenticated(failed_key=True)
        return key


def bearer_key(request: HttpRequest | Request) -> str | None:
    """Return the key of `Authorization: Bearer …`, None without that header or with another scheme."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.lstrip(" ") if scheme.lower() == "bearer" else None
