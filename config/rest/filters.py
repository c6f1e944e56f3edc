"""Query parameters that are read strictly: given once, of the documented kind, within the documented bounds.

Each is a django-filter Filter, so that filter sets are declared as usual and the OpenAPI documents
list them; but the value is read by `parse`, and `filter` gets Param markers instead of values, so
that a filter set's SQL is compiled once per shape (config/rest/compiled/plans.py).
"""

import datetime
import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django_filters
from django.db import models
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.scope import Actor
from config.core.databases import Param
from config.rest.compiled.plans import Criterion
from config.rest.fields import Reference, find_id
from config.rest.formats import parse_date, parse_date_time, parse_uuid
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
    """Return the refusal of the parameter `name`."""
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
    """Return text of at most MAX_TEXT places."""
    raw = read_once(query, name)
    if raw is not None and len(raw) > MAX_TEXT:
        raise refused(name, "max_length", f"The value must have at most {MAX_TEXT} characters")
    return default if raw is None else raw


@dataclass(frozen=True)
class NumberArgument:
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
class VersionArgument:
    """The version that the caller saw, where it is asked for in the query. However large, it is compared and not stored."""

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
class TextArgument:
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


Argument = NumberArgument | TextArgument | VersionArgument


class Parameter(django_filters.Filter):
    """A filter whose one value is compared with the column `field_name` by `lookup_expr`."""

    schema: dict = {"type": "string", "maxLength": MAX_TEXT}
    column: models.Field = models.TextField()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._spectacular_annotation = {"field": self.schema}

    def read(self, query: QueryDict, name: str) -> Any:
        """Return the value that `query` gives, None where it is silent."""
        raw = read_once(query, name)
        return None if raw is None else self.parse(name, raw)

    def parse(self, name: str, raw: str) -> Any:
        """Return the value that `raw` writes, or refuse it."""
        if len(raw) > MAX_TEXT:
            raise refused(name, "max_length", f"The value must have at most {MAX_TEXT} characters")
        return raw

    def meant(self, name: str, value: Any, actor: Actor, organization_id: int | None) -> Any:
        """Return what `value`, as it was given, means to `actor`."""
        return value

    def criterion(self, name: str, value: Any) -> Criterion:
        """Return the condition that `value`, as it is meant, sets."""
        return Criterion((name, self.shape(value)), lambda rows: self.filter(rows, Param(name, self.column)), {name: value})

    def shape(self, value: Any) -> Hashable:
        """Return how `value` shapes the SQL, if it does."""
        return None

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__{self.lookup_expr}": value})


class TextParameter(Parameter):
    """Free text."""


class DateParameter(Parameter):
    """A date, YYYY-MM-DD."""

    schema = {"type": "string", "format": "date"}
    column = models.DateField()

    def parse(self, name: str, raw: str) -> datetime.date:
        value = parse_date(raw)
        if value is None:
            raise refused(name, "invalid_date", "The value must be a date, YYYY-MM-DD")
        return value


class DayParameter(DateParameter):
    """A day in the caller's time zone, YYYY-MM-DD; the first and the last one both count.

    A moment is compared with the beginning of the day, or where it is `until` that day, with its end.
    """

    column = models.DateTimeField()

    def __init__(self, field_name: str, *, until: bool = False):
        self.until = until
        super().__init__(field_name=field_name, lookup_expr="lt" if until else "gte")

    def meant(self, name: str, value: datetime.date, actor: Actor, organization_id: int | None) -> datetime.datetime:
        if self.until and value == datetime.date.max:
            raise refused(name, "invalid_date", "The value is too late")
        day = value + datetime.timedelta(days=self.until)
        moment = datetime.datetime.combine(day, datetime.time(), ZoneInfo(actor.timezone))
        try:
            return moment.astimezone(datetime.UTC)
        except OverflowError as error:
            raise refused(name, "invalid_date", "The value is too early or too late") from error


class DateTimeParameter(Parameter):
    """An RFC 3339 date-time with its offset."""

    schema = {"type": "string", "format": "date-time"}
    column = models.DateTimeField()

    def parse(self, name: str, raw: str) -> datetime.datetime:
        value = parse_date_time(raw)
        if value is None:
            raise refused(
                name, "invalid_date_time", "The value must be a date-time with its offset, such as 2030-01-31T09:00:00Z"
            )
        return value


class BooleanParameter(Parameter):
    """true or false, in any case."""

    schema = {"type": "boolean"}
    column = models.BooleanField()

    def parse(self, name: str, raw: str) -> bool:
        if raw.lower() not in ("true", "false"):
            raise refused(name, "invalid_boolean", "The value must be true or false")
        return raw.lower() == "true"


class WordParameter(Parameter):
    """One of the words of a TextChoices."""

    def __init__(self, choices: type[models.TextChoices], **kwargs):
        self.words = tuple(choices.values)
        self.schema = {"type": "string", "enum": list(self.words)}
        super().__init__(**kwargs)

    def parse(self, name: str, raw: str) -> str:
        if raw not in self.words:
            raise refused(name, "invalid_choice", f"The value must be one of {', '.join(self.words)}")
        return raw


class WordsParameter(WordParameter):
    """Some of the words of a TextChoices: the one parameter that may be given more than once."""

    def __init__(self, choices: type[models.TextChoices], **kwargs):
        super().__init__(choices, **kwargs)
        self.schema = {"type": "array", "items": self.schema}

    def read(self, query: QueryDict, name: str) -> list[str] | None:
        return [self.parse(name, raw) for raw in dict.fromkeys(query.getlist(name))] or None


class ReferenceParameter(Parameter):
    """The UUID of an object that the caller may see; any other is an unknown reference."""

    schema = {"type": "string", "format": "uuid"}
    column = models.BigIntegerField()

    def __init__(self, model: type[models.Model], **kwargs):
        self.referenced = model
        super().__init__(**kwargs)

    def parse(self, name: str, raw: str) -> Reference:
        value = parse_uuid(raw)
        if value is None:
            raise refused(name, "invalid_uuid", "The value must be a UUID")
        return Reference(self.referenced, value)

    def meant(self, name: str, value: Reference, actor: Actor, organization_id: int | None) -> int:
        return find_id(value, name.removesuffix("_uuid"), actor, organization_id)


class Parameters(django_filters.FilterSet):
    """A filter set whose filters are all Parameters."""

    required: ClassVar[Collection[str]] = ()
    """The filters that may not be missing, as the documents tell; `read` sees to it."""

    @classmethod
    def criteria(cls, query: QueryDict, actor: Actor, organization_id: int | None) -> list[Criterion]:
        """Read the filters that `query` gives: first all shapes (422), then references in scope (404)."""
        given = cls.read(query)
        found = {name: cls.base_filters[name].meant(name, value, actor, organization_id) for name, value in given.items()}
        return [cls.base_filters[name].criterion(name, value) for name, value in found.items()] + cls.unless(found)

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        """Return the values of the filters that `query` gives."""
        problems: list[Problem] = []
        values = {}
        for name, declared in cls.base_filters.items():
            try:
                value = declared.read(query, name)
                if value is not None:
                    values[name] = value
            except Rejected as error:
                problems += error.problems
        if problems:
            raise Rejected(problems)
        return values

    @classmethod
    def unless(cls, given: Mapping[str, Any]) -> list[Criterion]:
        """Return the conditions that stand where a filter is silent."""
        return []
