"""Request bodies: strict JSON, read before any serializer sees it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from encodings import normalize_encoding
from encodings.aliases import aliases
from itertools import islice
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser

from config.core.decimals import WrittenFloat
from config.core.exceptions import BadRequest
from config.rest.problems import MAX_PROBLEMS, UNSUPPORTED_MEDIA_TYPE, Problem, Rejected

NOT_JSON = "The body is not valid JSON"
TOO_DEEP = "The body is nested too deeply"
MAX_DEPTH = 32
# Values of lists and members of objects in a body, where its view allows no more: each takes far more memory than bytes.
MAX_VALUES = 100_000
# Bytes of a body that are looked at together.
_BLOCK = 65_536
# Characters of a name in a body or its head that an error repeats.
_SHOWN = 100
# The types of JSON: its own, the one that older clients have for it, and those of formats that are written in it.
_JSON_TYPE = re.compile(r"(application|text)/json|application/[\w.!#$&^-][\w.!#$&^+-]*\+json", re.ASCII)
# ASCII is UTF-8, too.
_CHARSETS = ("utf_8", "ascii")
# How a body writes what cannot be stored. As bytes, NUL and surrogates are not valid JSON.
_UNUSABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class StrictJSONParser(BaseParser):
    """Parses bodies by `read_json`, within the view's `max_body_size` and `max_body_values`. Their bytes are counted before."""

    # Which types are JSON is said once, by read_bytes.
    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        context = parser_context or {}
        request, view = context["request"]._request, context["view"]
        body = read_bytes(request, view.max_body_size)
        view.count_bytes(len(body))
        return read_json(body, view.max_body_values)


def read_bytes(request: HttpRequest, limit: int | None = None) -> bytes:
    """Return the body of `request`, which is said to be JSON in UTF-8.

    `limit` is how many bytes it may have, where that is not what all requests may. Raises 415 for another
    content type, charset or content coding, 413 over the limit, and 400 for a body that breaks off.
    """
    if not _JSON_TYPE.fullmatch(request.content_type or ""):
        raise Rejected([UNSUPPORTED_MEDIA_TYPE])
    charset = (request.content_params or {}).get("charset", "utf-8")
    # Not codecs.lookup: it keeps every name that it was ever asked for.
    name = normalize_encoding(charset.lower())
    if aliases.get(name, name) not in _CHARSETS:
        raise _unsupported(f"The body must be in UTF-8, not in {charset[:_SHOWN]!a}")
    if request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise _unsupported("The body must be sent as it is, without Content-Encoding")
    return _bytes(request, limit)


def _unsupported(message: str) -> Rejected:
    return Rejected([replace(UNSUPPORTED_MEDIA_TYPE, message=message)])


def read_json(body: bytes, max_values: int = MAX_VALUES) -> dict[str, Any]:
    """Return the object that `body` holds; one without anything is an empty object.

    Raises 413 for more than `max_values` values, 400 for what is not JSON (NaN, duplicate keys, other
    encodings and more than MAX_DEPTH levels included), and 422 for another value than an object or for
    text that no database can keep. Takes time by the bytes and memory by the values, and looks into
    texts one by one only where the bytes give a reason.
    """
    if not body:
        return {}
    text = _decode(body)
    members = _count_members(body, max_values)
    value = _parse(text)
    # Of equal keys the parser keeps the last one.
    if _members(value) != members:
        raise BadRequest(NOT_JSON)
    if _UNUSABLE.search(body):
        _check_texts(value)
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


def _decode(body: bytes) -> str:
    try:
        # A byte order mark before JSON may be ignored (RFC 8259, 8.1); .NET and PowerShell write one.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(NOT_JSON) from error


def _count_members(body: bytes, max_values: int) -> int:
    """Return how many members the objects of a body have, if it is JSON. Raises 413 or 400 where it holds too much."""
    commas = opened = members = 0
    for part in _outside_texts(body):
        commas += part.count(b",")
        opened += part.count(b"[") + part.count(b"{")
        members += part.count(b":")
    # Without a comma before it, a list or object is the first thing in another one.
    if opened > (commas + 1) * (MAX_DEPTH + 1):
        raise BadRequest(TOO_DEEP)
    if commas + opened > max_values:
        raise Rejected([Problem(413, "too_large", "The body holds too many values")])
    return members


def _outside_texts(body: bytes) -> Iterator[bytes]:
    """Yield what a body holds outside of its texts, block by block."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    inside = 0
    for start in range(0, len(bare), _BLOCK):
        parts = bare[start : start + _BLOCK].split(b'"')
        yield b"".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise BadRequest(NOT_JSON) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _float(text: str) -> float:
    number = WrittenFloat(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _members(value: Any) -> int:
    """Return how many members the objects in `value` have. Raises BadRequest for more than MAX_DEPTH levels."""
    members, level = 0, [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        members += sum(len(one) for one in level if type(one) is dict)
        level = [child for one in level for child in _children(one) if type(child) is dict or type(child) is list]
    if any(level):
        raise BadRequest(TOO_DEEP)
    return members


def _children(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def _check_texts(value: Any) -> None:
    """Raise 422 for text that cannot be stored, naming its place."""
    found = [path[1:] for path in islice(_unusable([value], ()), MAX_PROBLEMS)]
    if found:
        raise Rejected([unusable_text("body", path) for path in sorted(found, key=str)])


def _unusable(container: Any, path: tuple) -> Iterator[tuple]:
    """Yield the paths of the texts below `container`, which is at `path`, that cannot be stored."""
    for place, child in container.items() if isinstance(container, dict) else enumerate(container):
        if isinstance(place, str) and not storable(place):
            yield (*path, "(key)")
        elif isinstance(child, str):
            if not storable(child):
                yield (*path, _shown(place))
        elif isinstance(child, (dict, list)):
            yield from _unusable(child, (*path, _shown(place)))


def _shown(place: str | int) -> str | int:
    """Return a part of a path as errors show it: a name may be as long as the body, and stand in every path."""
    return place[:_SHOWN] if isinstance(place, str) else place


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
