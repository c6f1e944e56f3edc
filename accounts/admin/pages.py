"""Pages of the admin that show more than one model: who may open them, where they are, and their base view."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.views.generic import TemplateView

from accounts import audit
from accounts.permissions import STAFF
from accounts.scope import Actor
from accounts.site import actor_of
from config.core.orm import is_id

REGISTRY: list["RegisteredPage"] = []


class Page(TemplateView):
    """Base of the pages, and of the fragments of pages that scripts fetch.

    `readers` are the roles that may read it, `writers` those that may send it a form. `title` is its heading,
    `parents` what the breadcrumb shows before it: names of URLs of the admin and their titles. `section` is the
    URL name of the entry of the sidebar that it belongs to. A fragment is not `framed`.
    """

    title: Any = ""
    parents: tuple[tuple[str, Any], ...] = ()
    section = ""
    readers: frozenset[str] = STAFF
    writers: frozenset[str] = frozenset()
    framed = True
    # The most bytes that a form of the page may have, None for as many as everywhere, and who may send it a file.
    max_body_size: int | None = None
    uploaders: frozenset[str] = frozenset()

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return actor_of(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        roles = self.readers if request.method in ("GET", "HEAD", "OPTIONS") else self.writers
        if self.actor.role not in roles and self._has_method(request):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def _has_method(self, request: HttpRequest) -> bool:
        return hasattr(self, str(request.method).lower())

    def get_object_or_404(self, rows: QuerySet, pk: Any, subject: str) -> Any:
        """Return the row of `rows`, which are in scope, that an address names. Raises Http404, which is audited, without one."""
        found = rows.filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            audit.record_denied(self.actor, f"{subject}.read", subject=subject)
            raise Http404
        return found

    def get_title(self) -> str:
        """Return the heading."""
        return str(self.title)

    def get_breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the titles and addresses that lead to this page."""
        return [(title, reverse(f"admin:{name}")) for name, title in self.parents]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame = {}
        if self.framed:
            frame = admin.site.each_context(self.request)
            frame |= {"title": self.get_title(), "breadcrumbs": self.get_breadcrumbs(), "section": self.section}
        return {**frame, "can_write": self.actor.role in self.writers, **super().get_context_data(**kwargs)}

    @classmethod
    def record_denied(cls, request: HttpRequest, name: str, **kwargs: Any) -> None:
        """Audit that somebody was refused the page `name`."""
        audit.record_denied(actor_of(request), f"page.{name}")


class RegisteredPage:
    """A page and its address below /admin/."""

    def __init__(self, route: str, name: str, view_class: type[Page]):
        self.route, self.name, self.view_class = route, name, view_class

    def url(self, site: Any) -> URLPattern:
        """Return the line of the table of contents."""
        view = site.admin_view(self.view_class.as_view(), on_denied=self.record_denied)
        # As Django's as_view keeps it: the view's limits of bodies and files are asked before it is called.
        view.view_class = self.view_class
        return path(self.route, view, name=self.name)

    def record_denied(self, request: HttpRequest, **kwargs: Any) -> None:
        """Audit that somebody was refused this page."""
        self.view_class.record_denied(request, self.name, **kwargs)


def page(route: str, *, name: str) -> Callable[[type[Page]], type[Page]]:
    """Register a subclass of Page as the page at /admin/`route`, with the URL name `admin:name`."""

    def register(view_class: type[Page]) -> type[Page]:
        REGISTRY.append(RegisteredPage(route, name, view_class))
        return view_class

    return register
