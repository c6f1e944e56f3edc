"""Template tags of the rows of protocols."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from clinical.monitoring.rules import SHAPES

register = template.Library()


@register.simple_tag
def for_kinds(row: Any, part: str) -> SafeString:
    """Return the attributes of what a rule shows for `part`: the kinds that need it, and whether it is hidden now."""
    kinds = " ".join(kind for kind, shape in SHAPES.items() if part in shape)
    return format_html('data-kinds="{}"{}', kinds, SafeString("" if row.needs(part) else " hidden"))
