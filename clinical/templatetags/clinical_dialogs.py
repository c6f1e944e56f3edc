"""Template filters of the dialogs of charts."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def of(values: Mapping[str, Any], name: str) -> Any:
    """Return the value under `name`."""
    return values.get(name, ())
