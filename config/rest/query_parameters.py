"""Query parameters beside filters, read strictly: given once, of the documented kind, within the documented bounds.

An empty one is as good as absent: forms send what nobody has filled in.
"""

from dataclasses import dataclass
from typing import ClassVar

from django.http import QueryDict

from config.core.decimals import parse_integer
from config.rest.formats import parse_boolean
from config.rest.problems import Problem, Rejected
from config.rest.request_body import storable, unusable_text

MAX_TEXT = 200


def read_once(query: QueryDict, name: str) -> str | None:
    """Return the one value of a parameter, None where it is absent or empty; given twice or unstorable, it is refused."""
    values = query.getlist(name)
    if len(values) > 1:
        raise refused(name, "multiple", "The parameter must be given once")
    if values and not storable(values[0]):
        raise Rejected([unusable_text("query", (name,))])
    return values[0] or None if values else None


def refused(name: str, code: str, message: str) -> Rejected:
    """Return the error for the parameter `name`."""
    return Rejected([Problem(422, code, message, "query", (name,))])


def read_integer(query: QueryDict, name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number within bounds; outside them it is refused, never clamped."""
    raw = read_once(query, name)
    if raw is None:
        return default
    number = _integer(raw, name)
    if number < least:
        raise refused(name, "min_value", f"The value must be at least {least}")
    if number > most:
        raise refused(name, "max_value", f"The value must be at most {most}")
    return number


def _integer(raw: str, name: str) -> int:
    number = parse_integer(raw)
    if number is None:
        raise refused(name, "invalid_integer", "The value must be a whole number")
    return number


def read_choice(query: QueryDict, name: str, *, default: str, choices: tuple[str, ...]) -> str:
    """Return one of `choices`."""
    raw = read_once(query, name)
    if raw is None:
        return default
    if raw not in choices:
        raise refused(name, "invalid_choice", f"The value must be one of {', '.join(choices)}")
    return raw


def read_text(query: QueryDict, name: str, default: str = "") -> str:
    """Return text of at most MAX_TEXT characters."""
    raw = read_once(query, name)
    if raw is not None and len(raw) > MAX_TEXT:
        raise refused(name, "max_length", f"The value must have at most {MAX_TEXT} characters")
    return default if raw is None else raw


@dataclass(frozen=True)
class IntegerParameter:
    """A whole number that an action takes in the query, beside its filters."""

    name: str
    default: int
    least: int
    most: int
    description: str
    required = False

    @property
    def schema(self) -> dict:
        return {"type": "integer", "minimum": self.least, "maximum": self.most, "default": self.default}

    def read(self, query: QueryDict) -> int:
        """Return the number that `query` gives, or the default."""
        return read_integer(query, self.name, default=self.default, least=self.least, most=self.most)


@dataclass(frozen=True)
class BaseVersionParameter:
    """The version that the caller saw, where the query must give it. However large, it is compared and not stored."""

    name: str = "base_version"
    description: str = "The version that the caller saw."
    required = True
    schema: ClassVar[dict] = {"type": "integer", "minimum": 1}

    def read(self, query: QueryDict, matched: int | None = None) -> int:
        """Return the version that `query` gives, or `matched` in its place; without one it is refused."""
        raw = read_once(query, self.name)
        if raw is None and matched is not None:
            return matched
        if raw is None:
            raise refused(self.name, "required", "The parameter is required")
        version = _integer(raw, self.name)
        if version < 1:
            raise refused(self.name, "min_value", "The value must be at least 1")
        return version


@dataclass(frozen=True)
class TextParameter:
    """A text that an action takes in the query, beside its filters."""

    name: str
    description: str
    default: str = ""
    required = False

    @property
    def schema(self) -> dict:
        return {"type": "string", "maxLength": MAX_TEXT, "default": self.default}

    def read(self, query: QueryDict) -> str:
        """Return the text that `query` gives, or the default."""
        return read_text(query, self.name, self.default)


@dataclass(frozen=True)
class FlagParameter:
    """A boolean that an action takes in the query, beside its filters; absent or empty it is false."""

    name: str
    description: str
    required = False
    schema: ClassVar[dict] = {"type": "boolean", "default": False}

    def read(self, query: QueryDict) -> bool:
        """Return the choice that `query` makes."""
        value = parse_boolean(read_once(query, self.name) or "false")
        if value is None:
            raise refused(self.name, "invalid_boolean", "The value must be true or false")
        return value


QueryParameter = IntegerParameter | TextParameter | BaseVersionParameter | FlagParameter
