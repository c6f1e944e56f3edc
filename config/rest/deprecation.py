"""What tells clients that an operation will go: the headers Deprecation (RFC 9745) and Sunset (RFC 8594), declared once."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.http import http_date


@dataclass(frozen=True)
class Deprecation:
    """From which day on clients should do without an operation, and from which it is gone, if that is known; days of UTC."""

    since: datetime.date
    sunset: datetime.date | None = None
    instead: str = ""
    """A sentence for the document: what to call instead."""

    def __post_init__(self) -> None:
        if self.sunset and self.sunset < self.since:
            raise ImproperlyConfigured(f"Gone on {self.sunset}, and deprecated later, on {self.since}")

    @property
    def description(self) -> str:
        """What the document says of it."""
        gone = f" It is gone from {self.sunset} on." if self.sunset else ""
        return f"Deprecated since {self.since}.{gone} {self.instead}".rstrip()

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every answer of the operation, but the link to the changelog."""
        sunset = {"Sunset": http_date(_begin(self.sunset))} if self.sunset else {}
        return {"Deprecation": f"@{_begin(self.since)}", **sunset}


def _begin(day: datetime.date) -> int:
    """Return when `day` begins in UTC, in seconds since 1970."""
    return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp())


class Deprecated:
    """Mixin of view sets: tells in every answer whether the action is deprecated."""

    dialect: ClassVar[str]
    """The name of the API."""
    deprecations: ClassVar[Deprecation | Mapping[str, Deprecation]] = {}
    """Of the whole view set, or of each action that is deprecated. The document and the headers say so."""

    action: str

    @cached_property
    def deprecation(self) -> Deprecation | None:
        """That of the action, if it is deprecated."""
        declared = self.deprecations
        return declared if isinstance(declared, Deprecation) else declared.get(self.action)

    def deprecation_headers(self) -> dict[str, str]:
        """Return what an answer says of the deprecation; where to read about it, too, if this server has the pages."""
        if self.deprecation is None:
            return {}
        address = reverse("docs-changelog", args=[self.dialect]) if settings.API_DOCUMENTATION else ""
        link = {"Link": f'<{address}>; rel="deprecation"; type="text/html"'} if address else {}
        return {**self.deprecation.headers, **link}
