"""The pages that show the three API documents. They need no sign-in and load nothing from elsewhere.

Where API_DOCUMENTATION is off they are not found.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.rest.dialects import DIALECTS, Dialect
from config.rest.schema import document_yaml


def switched(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return `view`, not found where API_DOCUMENTATION is off."""

    @wraps(view)
    def respond(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not settings.API_DOCUMENTATION:
            raise Http404
        return view(request, *args, **kwargs)

    return respond


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise Http404
    return DIALECTS[name]


@switched
@require_safe
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """Return a dialect's OpenAPI document."""
    return HttpResponse(document_yaml(_dialect(name).name), content_type="application/yaml; charset=utf-8")


@switched
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the dialects, to choose one."""
    return render(request, "docs/index.html", {"dialects": DIALECTS.values()})


@switched
@require_safe
def dialect(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dialect's document, operation by operation."""
    return render(request, "docs/dialect.html", {"dialects": DIALECTS.values(), "chosen": _dialect(name)})
