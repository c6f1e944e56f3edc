"""Responses as JSON bytes."""

import json
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_UTC_Z


def to_json(data: Any) -> bytes:
    """Return `data` as JSON: UUIDs, dates and date-times (UTC as Z) natively, decimals as strings."""
    return orjson.dumps(data, default=_other, option=_OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int):  # over 64 bits
        return orjson.Fragment(json.dumps(value))
    raise TypeError(type(value).__name__)


class ApiResponse(HttpResponse):
    """A JSON response, rendered at once: no negotiation, no template machinery."""

    def __init__(self, data: Any, status: int = 200, headers: dict[str, str] | None = None):
        super().__init__(to_json(data), status=status, headers=headers, content_type="application/json")


class OrjsonRenderer(BaseRenderer):
    """The same JSON for what REST framework renders itself."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return to_json(data)
