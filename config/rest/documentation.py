"""The pages that show the three API documents. They need no sign-in and load nothing from elsewhere.

Where API_DOCUMENTATION is off they are not found.
"""

import datetime
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from config.core.caching import cached_once
from config.rest.changelog import releases
from config.rest.collection import collection, file_name
from config.rest.dialects import DIALECTS, Dialect
from config.rest.guides import GUIDES, guide, guides
from config.rest.pagination import MAX_PAGE_SIZE
from config.rest.reference import reference
from config.rest.schema import document_yaml


def make_documents() -> None:
    """Make what takes long of all pages, which is the same for every visitor: the server does before the first one comes."""
    if not settings.API_DOCUMENTATION:
        return
    guides()
    for name in DIALECTS:
        document_yaml(name)
        _index(name)
        _operations(name)


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


def _page(request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
    """Return a page of the documentation; each leads to all APIs and guides."""
    return render(request, f"docs/{template}.html", {"dialects": DIALECTS.values(), "guides": guides(), **shown})


@switched
@require_safe
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """Return a dialect's OpenAPI document."""
    return HttpResponse(document_yaml(_dialect(name).name), content_type="application/yaml; charset=utf-8")


@switched
@require_safe
def postman_collection(request: HttpRequest, name: str) -> HttpResponse:
    """Return a dialect's requests as a file for Postman, to be sent to this server."""
    made = collection(_dialect(name).name, request.build_absolute_uri("/").rstrip("/"))
    return JsonResponse(made, headers={"Content-Disposition": f'attachment; filename="{file_name(name)}"'})


@switched
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the dialects, to choose one, and what all of their operations have in common."""
    limit = settings.RATE_LIMIT_PER_MINUTE
    return _page(request, "index", limit=limit, largest=MAX_PAGE_SIZE)


@switched
@require_safe
def dialect(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dialect's document, operation by operation."""
    chosen = _dialect(name)
    shown = {"reference": reference(name), "index": _index(name), "content": _operations(name)}
    return _page(request, "dialect", chosen=chosen, **shown)


@cached_once
def _index(name: str) -> SafeString:
    return render_to_string("docs/operations_index.html", {"reference": reference(name)})


@cached_once
def _operations(name: str) -> SafeString:
    return render_to_string("docs/operations.html", {"reference": reference(name)})


@switched
@require_safe
def try_it(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dialect's document with forms that send requests to this server."""
    return _page(request, "try", chosen=_dialect(name))


@switched
@require_safe
def guide_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a guide for clients."""
    if name not in GUIDES:
        raise Http404
    return _page(request, "guide", guide=guide(name))


@switched
@require_safe
def changelog(request: HttpRequest, name: str) -> HttpResponse:
    """Show what clients notice of each release of an API."""
    return _page(request, "changelog", chosen=_dialect(name), releases=releases(name))


@switched
@require_safe
def feed(request: HttpRequest, name: str) -> HttpResponse:
    """Return the releases of an API as an Atom feed."""
    title, page = _dialect(name).title, request.build_absolute_uri(reverse("docs-changelog", args=[name]))
    found = Atom1Feed(title, page, None, language="en", author_name="Anamnesis", feed_url=request.build_absolute_uri())
    for release in releases(name):
        address, since = f"{page}#{release.anchor}", datetime.datetime.combine(release.date, datetime.time(), datetime.UTC)
        told = render_to_string("docs/changes.html", {"release": release})
        found.add_item(f"{title} {release.version}", address, told, pubdate=since, updateddate=since, unique_id=address)
    return HttpResponse(found.writeString("utf-8"), content_type=found.content_type)
