"""Errors that reach no view, such as a refused Host, rendered in the dialect of the request path."""

import logging
import sys
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path, iri_to_uri
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from config.core.logs import request_id
from config.core.middleware import is_api
from config.core.refusals import refusal
from config.rest import general, practice, public
from config.rest.problems import Problem, Rejected, problems_of
from config.rest.views import error_response

logger = logging.getLogger("anamnesis.problem")

_ERRORS: dict[str, Any] = {"api": practice.Errors, "v1": public.Errors, "general": general.Errors}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses by itself."""
    return _respond(request, exception, 400, _("Something in its address or its form is not understood here."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is refused before any view, or by one of a page."""
    return _respond(request, exception, 403, _("You may not open this page."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that no line of the table of contents takes: a page with a slash more or less is redirected to."""
    if (page := _with_other_slash(request)) is not None:
        return HttpResponseRedirect(page)
    return _respond(request, exception, 404, _("There is no such page, or you may not see it."))


def _with_other_slash(request: HttpRequest) -> str | None:
    """Return the address of the page whose path differs in the slash at its end alone; None where there is none.

    It is a path on this server: no line takes one that begins with two slashes.
    """
    if request.method not in ("GET", "HEAD") or is_api(request.path) or request.resolver_match is not None:
        return None
    path = request.path[:-1] if request.path.endswith("/") else f"{request.path}/"
    if not is_valid_path(path):
        return None
    query = iri_to_uri(request.META.get("QUERY_STRING", ""))
    return f"{escape_uri_path(path)}?{query}".removesuffix("?")


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer a request that is refused before it is read."""
    told = replace(problem, message=str(problem.message))
    return _respond(request, Rejected([told]), problem.status, format_lazy("{}.", problem.message), problem.retry_after)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer the exception that is being handled. It has not been logged yet."""
    error: Any = sys.exc_info()[1] or RuntimeError("no exception")
    if not is_api(request.path):
        logger.error("page failed", exc_info=error)
    return _respond(request, error, 500, format_lazy(_("It has been recorded as {number}."), number=request_id.get()))


def _respond(request: HttpRequest, error: Exception, status: int, text: Any, retry_after: int | None = None) -> HttpResponse:
    """Return `error` in the dialect of the path, or a page with `text` for a path that people visit."""
    if not is_api(request.path):
        return refusal(request, status, text, retry_after)
    problems = problems_of(error, {})
    return error_response(problems, _ERRORS[request.path.split("/")[1]].body(problems))
