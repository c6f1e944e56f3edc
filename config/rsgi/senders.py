"""Who sends a large body. It is asked before the body is read, so that without a key or a session nobody holds memory."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.db import InterfaceError, OperationalError, close_old_connections
from django.http import HttpRequest
from django.urls import resolve

from accounts.services.keys import user_of_key
from accounts.sessions import SessionStore
from config.core.exceptions import NotAuthenticated
from config.core.middleware import is_api
from config.rsgi.bodies import BodyFault, Sender
from config.wsgi import Request


def sender_of(environ: dict[str, Any]) -> Sender | None:
    """Return whose key or session the request `environ` carries; None for nobody's. Asks the database.

    This replaces nothing: the request is authenticated and counted when Django is called. Raises BodyFault 503 where the
    database cannot answer.
    """
    request = Request(environ)
    close_old_connections()
    try:
        return _of_key(request) if is_api(request.path) else _of_session(request)
    except (OperationalError, InterfaceError) as error:
        raise BodyFault(503) from error
    finally:
        close_old_connections()


def _of_key(request: HttpRequest) -> Sender | None:
    view: Any = resolve(request.path_info).func
    try:
        key = view.cls.authentication_classes[0]().key_of(request)
        return None if key is None else Sender(*user_of_key(key))
    except NotAuthenticated:
        return None


def _of_session(request: HttpRequest) -> Sender | None:
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    return Sender(user.pk, user.organization_id) if user.is_authenticated else None
