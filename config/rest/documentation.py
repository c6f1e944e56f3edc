"""The pages that show the three API documents. They need no sign-in and load nothing from elsewhere."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.rest.dialects import DIALECTS, Dialect
from config.rest.schema import document_yaml


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise Http404
    return DIALECTS[name]


@require_safe
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """Return a dialect's OpenAPI document."""
    return HttpResponse(document_yaml(_dialect(name).name), content_type="application/yaml; charset=utf-8")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the dialects, to choose one."""
    return render(request, "docs/index.html", {"dialects": DIALECTS.values()})


@require_safe
def dialect(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dialect's document, operation by operation."""
    return render(request, "docs/dialect.html", {"dialects": DIALECTS.values(), "chosen": _dialect(name)})
