"""Responses as JSON bytes."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_UTC_Z


def to_json(data: Any, *, sort_keys: bool = False) -> bytes:
    """Return `data` as JSON: UUIDs, dates and date-times (UTC as Z) natively, decimals as strings."""
    option = _OPTIONS | orjson.OPT_SORT_KEYS if sort_keys else _OPTIONS
    try:
        return orjson.dumps(data, default=_other, option=option)
    except TypeError:
        # Of a whole number over 64 bits, for which orjson does not call `default`. Looking for one costs more than all the rest.
        return orjson.dumps(_with_digits(data), default=_other, option=option)


def _other(value: Any) -> Any:
    # A text that pages translate; APIs speak one language.
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, float):  # of a body, with the digits it was written with
        return float(value)
    raise TypeError(type(value).__name__)


def _with_digits(value: Any) -> Any:
    """Return `value` with the digits of each whole number in its place, at any depth."""
    if isinstance(value, dict):
        return {name: _with_digits(child) for name, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_digits(child) for child in value]
    return orjson.Fragment(str(value)) if type(value) is int else value


class ApiResponse(HttpResponse):
    """A JSON response, rendered at once: no negotiation, no template machinery."""

    def __init__(self, data: Any, status: int = 200, headers: dict[str, str] | None = None):
        super().__init__(to_json(data), status=status, headers=headers, content_type="application/json")


def empty_response(status: int, headers: dict[str, str]) -> HttpResponse:
    """Return a response without a body, and so without a media type."""
    response = HttpResponse(status=status, headers=headers)
    del response["Content-Type"]
    return response


class OrjsonRenderer(BaseRenderer):
    """The same JSON for what REST framework renders itself."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return to_json(data)
