"""Query parameters beside filters, read strictly: given once, of the documented kind, within the documented bounds."""

import re
from dataclasses import dataclass
from typing import ClassVar

from django.http import QueryDict

from config.rest.problems import Problem, Rejected
from config.rest.request_body import storable, unusable_text

MAX_TEXT = 200
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_DIGITS = re.compile(rf"-?\d{{1,{MAX_TEXT}}}", re.ASCII)


def read_once(query: QueryDict, name: str) -> str | None:
    """Return the one value of a parameter, None where it is absent; given twice or unstorable, it is refused."""
    values = query.getlist(name)
    if len(values) > 1:
        raise refused(name, "multiple", "The parameter must be given once")
    if values and not storable(values[0]):
        raise Rejected([unusable_text("query", (name,))])
    return values[0] if values else None


def refused(name: str, code: str, message: str) -> Rejected:
    """Return the error for the parameter `name`."""
    return Rejected([Problem(422, code, message, "query", (name,))])


def read_integer(query: QueryDict, name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number in plain ASCII digits within bounds; outside them it is refused, never clamped."""
    raw = read_once(query, name)
    if raw is None:
        return default
    if not _INTEGER.fullmatch(raw):
        raise refused(name, "invalid_integer", "The value must be a whole number")
    number = int(raw)
    if number < least:
        raise refused(name, "min_value", f"The value must be at least {least}")
    if number > most:
        raise refused(name, "max_value", f"The value must be at most {most}")
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
    required = True
    schema: ClassVar[dict] = {"type": "integer", "minimum": 1}

    def read(self, query: QueryDict) -> int:
        """Return the version that `query` gives; without one it is refused."""
        raw = read_once(query, self.name)
        if raw is None:
            raise refused(self.name, "required", "The parameter is required")
        if not _DIGITS.fullmatch(raw):
            raise refused(self.name, "invalid_integer", "The value must be a whole number")
        if int(raw) < 1:
            raise refused(self.name, "min_value", "The value must be at least 1")
        return int(raw)


@dataclass(frozen=True)
class TextParameter:
    """A text that an action takes in the query, beside its filters."""

    name: str
    default: str = ""
    required = False

    @property
    def schema(self) -> dict:
        return {"type": "string", "maxLength": MAX_TEXT, "default": self.default}

    def read(self, query: QueryDict) -> str:
        """Return the text that `query` gives, or the default."""
        return read_text(query, self.name, self.default)


QueryParameter = IntegerParameter | TextParameter | BaseVersionParameter
