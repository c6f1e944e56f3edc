"""Errors that reach no view, such as a refused Host, rendered in the dialect of the request path."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from config.core.middleware import is_api
from config.rest import general, practice, public
from config.rest.problems import problems_of
from config.rest.views import error_response

logger = logging.getLogger("anamnesis.problem")

_ERRORS: dict[str, Any] = {"api": practice.Errors, "v1": public.Errors, "general": general.Errors}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses by itself."""
    return _respond(request, exception, lambda: defaults.bad_request(request, exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is refused before any view, or by one of a page."""
    return _respond(request, exception, lambda: defaults.permission_denied(request, exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that no line of the table of contents takes."""
    return _respond(request, exception, lambda: defaults.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer the exception that is being handled. It has not been logged yet."""
    error = sys.exc_info()[1] or RuntimeError("no exception")
    if not is_api(request.path):
        logger.error("page failed", exc_info=error)
    return _respond(request, error, lambda: defaults.server_error(request))  # type: ignore[arg-type]


def _respond(request: HttpRequest, error: Exception, page: Callable[[], HttpResponse]) -> HttpResponse:
    """Return `error` in the dialect of the path, or `page()` for a path that people visit."""
    if not is_api(request.path):
        return page()
    problems = problems_of(error, {})
    return error_response(problems, _ERRORS[request.path.split("/")[1]].body(problems))
