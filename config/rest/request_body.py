"""Request bodies: strict JSON, read before any serializer sees it."""

import json
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from config.core.exceptions import BadRequest
from config.rest.problems import UNSUPPORTED_MEDIA_TYPE, Problem, Rejected

MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """Parses bodies by `read_json`. A view's `max_body_size` is in bytes."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        context = parser_context or {}
        return read_json(context["request"]._request, context["view"].max_body_size)


class ApiRequest(Request):
    """REST framework's request, which refuses a body that comes without its length instead of taking it for none."""

    def _load_stream(self) -> None:
        if "Transfer-Encoding" in self.headers and "Content-Length" not in self.headers:
            raise Rejected([Problem(411, "length_required", "The body must come with its Content-Length")])
        super()._load_stream()  # type: ignore[misc]


def read_json(request: HttpRequest, limit: int | None = None) -> dict[str, Any]:
    """Return the body of `request` as an object.

    `limit` is how many bytes it may have, where that is not what all requests may. Raises 413 over
    the size limit, 415 for another content type, 400 for what is not JSON (NaN, duplicate keys,
    other encodings and more than MAX_DEPTH levels included), and 422 for another value than an
    object or for text that no database can keep.
    """
    body = _bytes(request, limit)
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if body and (request.content_type != "application/json" or charset != "utf-8"):
        raise Rejected([UNSUPPORTED_MEDIA_TYPE])
    value = _parse(body) if body else {}
    _check(value)
    if not isinstance(value, dict):
        raise Rejected([Problem(422, "not_an_object", "The body must be a JSON object", where="body")])
    return value


def _bytes(request: HttpRequest, limit: int | None) -> bytes:
    try:
        if limit is not None and not hasattr(request, "_body"):
            if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
                raise RequestDataTooBig
            # What request.body itself does, but for its one limit for all requests; it then gives back this.
            request._body = request.read()
        return request.body
    except RequestDataTooBig as error:
        raise Rejected([Problem(413, "too_large", "The body is too large")]) from error
    except UnreadablePostError as error:
        raise BadRequest("The body broke off") from error


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse, parse_float=_float, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _check(value: Any) -> None:
    """Walk the value without recursion: depth first as 400, then unusable text as 422 naming its place."""
    unusable = []
    waiting: list[tuple[tuple, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise BadRequest("The body is nested too deeply")
        if isinstance(item, str) and not storable(item):
            unusable.append(path)
        elif isinstance(item, list):
            waiting += [((*path, index), child) for index, child in enumerate(item)]
        elif isinstance(item, dict):
            unusable += [(*path, "(key)") for key in item if not storable(key)]
            waiting += [((*path, key), child) for key, child in item.items() if storable(key)]
    if unusable:
        raise Rejected([unusable_text("body", path) for path in sorted(unusable, key=str)])


def storable(text: str) -> bool:
    """Tell whether every database keeps `text`: no NUL, no lone surrogate."""
    if "\x00" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unusable_text(where: str, path: tuple) -> Problem:
    """Return the problem of text that cannot be stored."""
    return Problem(422, "invalid_text", "Text must not hold NUL or lone surrogates", where=where, path=path)
