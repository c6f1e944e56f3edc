"""Which form of a response a client prefers, where there are several."""

import re
from collections.abc import Iterable

from django.http import HttpRequest

# The charset of all our responses, in its ways of writing. A type with a parameter is another one to Django.
_UTF_8 = re.compile(r';\s*charset="?utf-?8"?\s*(?=[;,]|$)', re.IGNORECASE)


def preferred_type(request: HttpRequest, media_types: Iterable[str]) -> str | None:
    """Return which of `media_types`, the first of equals, the Accept header prefers; None where it accepts none of them."""
    asked = HttpRequest()
    asked.META["HTTP_ACCEPT"] = _UTF_8.sub("", request.headers.get("Accept", "*/*"))
    return asked.get_preferred_type(list(media_types))
