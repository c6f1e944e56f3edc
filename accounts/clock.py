"""One clock: every time on a page is in the time zone of the person's organization (a superadmin's is UTC)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Organization
from config.core.middleware import is_api


class TimeZoneMiddleware:
    """Activate the time zone of whoever is signed in, for forms and templates. APIs send and take offsets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        organization: Organization | None = None if is_api(request.path) else getattr(request.user, "organization", None)
        if organization is None:
            return self.get_response(request)
        with timezone.override(organization.zone):
            return self.get_response(request)
