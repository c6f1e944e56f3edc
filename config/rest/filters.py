"""django-filter's FilterSet and Filter, with strict parsing and on compiled queries.

A `StrictFilterSet` is declared, given to a view as `filterset_class` and run by a filter backend, as
everywhere. A filter's form field parses its value, `Filter.filter` narrows the query, and
`FilterSet.filter_queryset` may be overridden for what several filters decide together.

What differs: the queryset is a `config.rest.compiled.queries.Query`, whose `filter` compiles a lookup
once, whatever its value; it takes the lookups that compare (`exact`, `gte`, `anyof`, …), and a Criterion
for any other condition. `exclude`, `distinct` and `method` are refused. A parameter is given once, and
its value is refused rather than ignored. No Django form is made of the fields, and filters are not copied for
each request: both would cost more than the rest of a list's Python. Filters hold no state.
"""

import datetime
import re
from collections.abc import Collection
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend

from accounts.models import Organization
from accounts.scope import Actor
from config.rest.compiled.queries import Query
from config.rest.fields import Reference, find_id
from config.rest.formats import parse_boolean, parse_date, parse_date_time, parse_uuid
from config.rest.problems import Problem, Rejected
from config.rest.query_parameters import MAX_TEXT, read_once, refused

# The offset behind a clock, of which the decoding of a query string has made a `+` that was not escaped a blank.
_LOST_PLUS = re.compile(r"(:\d{2}(?:\.\d+)?) (\d{2}:\d{2})\Z", re.ASCII)


def _with_plus(value: str) -> str:
    return _LOST_PLUS.sub(r"\1+\2", value)


class TextField(forms.Field):
    """Text of at most MAX_TEXT characters."""

    def to_python(self, value: str) -> Any:
        if len(value) > MAX_TEXT:
            raise ValidationError(f"The value must have at most {MAX_TEXT} characters", "max_length")
        return value


class DateField(forms.Field):
    """A date, YYYY-MM-DD."""

    def to_python(self, value: str) -> datetime.date:
        date = parse_date(_with_plus(value))
        if date is None:
            raise ValidationError("The value must be a date, YYYY-MM-DD", "invalid_date")
        return date


class DateTimeField(forms.Field):
    """An RFC 3339 date-time with its offset."""

    def to_python(self, value: str) -> datetime.datetime:
        moment = parse_date_time(_with_plus(value))
        if moment is None:
            raise ValidationError(
                "The value must be a date-time with its offset, such as 2030-01-31T09:00:00Z", "invalid_date_time"
            )
        return moment


class BooleanField(forms.Field):
    """true or false, in the words of `parse_boolean`."""

    def to_python(self, value: str) -> bool:
        boolean = parse_boolean(value)
        if boolean is None:
            raise ValidationError("The value must be true or false", "invalid_boolean")
        return boolean


class ChoiceField(forms.Field):
    """One of `words`."""

    def __init__(self, *, words: tuple[str, ...], **kwargs):
        self.words = words
        super().__init__(**kwargs)

    def to_python(self, value: str) -> str:
        if value not in self.words:
            raise ValidationError(f"The value must be one of {', '.join(self.words)}", "invalid_choice")
        return value


class UUIDField(forms.Field):
    """A UUID in canonical form."""

    def to_python(self, value: str) -> Any:
        uuid = parse_uuid(value)
        if uuid is None:
            raise ValidationError("The value must be a UUID", "invalid_uuid")
        return uuid


# What the documents call a column whose name does not fit into a sentence.
COLUMNS = {
    "communication_datetime": "time",
    "created_at": "creation",
    "date_first_visit": "first visit",
    "date_taken": "day of measurement",
    "measured_at": "time of measurement",
    "not_before": "beginning",
    "status_is_active": "active",
}


class StrictFilter(django_filters.Filter):
    """A filter whose one value is compared with the column `field_name` by `lookup_expr`."""

    field_class: type[forms.Field] = TextField
    schema: dict = {"type": "string", "maxLength": MAX_TEXT}

    @property
    def description(self) -> str:
        """What the documents say about the parameter."""
        return (type(self).__doc__ or "").splitlines()[0]

    @property
    def column(self) -> str:
        """The name of the column, in words."""
        return COLUMNS.get(self.field_name) or str(self.field_name).removesuffix("_id").replace("_", " ")

    def __init__(self, *args, **kwargs):
        if unsupported := kwargs.keys() & {"exclude", "distinct", "method"}:
            raise TypeError(f"A compiled query does not take {', '.join(sorted(unsupported))}: override filter()")
        super().__init__(*args, **kwargs)

    def clean(self, data: QueryDict, name: str) -> Any:
        """Return the value that the parameter `name` gives, None where it is absent. Raises Rejected."""
        raw = read_once(data, name)
        return None if raw is None else self.parse(raw, name)

    def parse(self, raw: str, name: str) -> Any:
        """Return the value that `raw` stands for. Raises Rejected."""
        try:
            return self.field.clean(raw)
        except ValidationError as error:
            raise refused(name, error.code or "invalid", str(error.message)) from error

    def resolve(self, value: Any, name: str, actor: Actor, organization_id: int | None) -> Any:
        """Return what `value` refers to for `actor`; the value itself where it refers to nothing."""
        return value

    def filter(self, qs: Query, value: Any) -> Query:
        return qs.filter(**{f"{self.field_name}__{self.lookup_expr}": value})


class TextFilter(StrictFilter):
    """Free text."""

    @property
    def description(self) -> str:
        return f"Only those with exactly this {self.column}."


# How a value is compared -> what the documents say about it.
BOUNDS = {"exact": "on", "gte": "not before", "lte": "not after", "lt": "before"}


class DateFilter(StrictFilter):
    """A date, YYYY-MM-DD."""

    field_class = DateField
    schema = {"type": "string", "format": "date"}

    @property
    def description(self) -> str:
        return f"Only those whose {self.column} is {BOUNDS[self.lookup_expr]} this date, YYYY-MM-DD."


class DayFilter(DateFilter):
    """A day in the caller's time zone, YYYY-MM-DD; the first and the last one both count.

    A moment is compared with the beginning of the day, or where it is `until` that day, with its end.
    """

    def __init__(self, field_name: str, *, until: bool = False):
        self.until = until
        super().__init__(field_name=field_name, lookup_expr="lt" if until else "gte")

    @property
    def description(self) -> str:
        bound = BOUNDS["lte" if self.until else "gte"]  # A day counts to its end, which is compared by "lt".
        return f"Only those whose {self.column} is {bound} this day, YYYY-MM-DD, in the caller's time zone."

    def resolve(self, value: datetime.date, name: str, actor: Actor, organization_id: int | None) -> datetime.datetime:
        return bound_of_day(value, actor.timezone, name, until=self.until)


class UpdatedSinceFilter(StrictFilter):
    """Only those that have changed since this moment, RFC 3339 with its offset."""

    field_class = DateTimeField
    schema = {"type": "string", "format": "date-time"}

    def __init__(self) -> None:
        super().__init__(field_name="updated_at", lookup_expr="gte")


class MomentFilter(StrictFilter):
    """An RFC 3339 date-time with its offset, or a day in the organization's time zone, YYYY-MM-DD; both ends count."""

    field_class = DateTimeField
    schema = {"type": "string"}

    def __init__(self, field_name: str, *, until: bool = False):
        self.until = until
        super().__init__(field_name=field_name, lookup_expr="lte" if until else "gte")

    @property
    def description(self) -> str:
        bound = BOUNDS[self.lookup_expr]
        return f"Only those whose {self.column} is {bound} this moment, RFC 3339 with its offset, or this day, YYYY-MM-DD."

    def parse(self, raw: str, name: str) -> datetime.date | datetime.datetime:
        # With a clock it is a moment, at midnight too.
        day = None if ":" in raw else parse_date(raw)
        return day or super().parse(raw, name)

    def resolve(
        self, value: datetime.date | datetime.datetime, name: str, actor: Actor, organization_id: int | None
    ) -> datetime.datetime:
        if isinstance(value, datetime.datetime):
            return value
        bound = bound_of_day(value, _time_zone(actor, organization_id), name, until=self.until)
        return bound - datetime.timedelta.resolution if self.until else bound


def _time_zone(actor: Actor, organization_id: int | None) -> str:
    if organization_id in (None, actor.organization_id):
        return actor.timezone
    return Organization.objects.values_list("timezone", flat=True).get(pk=organization_id)


def bound_of_day(day: datetime.date, time_zone: str, name: str, *, until: bool) -> datetime.datetime:
    """Return the moment at which `day` begins, or where it is the last one (`until`) the next day. Raises Rejected."""
    if until and day == datetime.date.max:
        raise refused(name, "date_out_of_range", "The value is too late")
    begin = datetime.datetime.combine(day + datetime.timedelta(days=until), datetime.time(), ZoneInfo(time_zone))
    try:
        return begin.astimezone(datetime.UTC)
    except OverflowError as error:
        raise refused(name, "date_out_of_range", "The value is too early or too late") from error


class BooleanFilter(StrictFilter):
    """true or false, in any case; also 1 or 0, yes or no, on or off."""

    field_class = BooleanField
    schema = {"type": "boolean"}

    @property
    def description(self) -> str:
        own = super().description
        return f"Only those that are {self.column}; with false, only the others." if type(self) is BooleanFilter else own


class ChoiceFilter(StrictFilter):
    """One of the words of a TextChoices."""

    field_class = ChoiceField

    @property
    def description(self) -> str:
        return f"Only those with this {self.column}." if type(self) is ChoiceFilter else super().description

    def __init__(self, choices: type[models.TextChoices], **kwargs):
        words = tuple(choices.values)
        self.schema = {"type": "string", "enum": list(words)}
        super().__init__(words=words, **kwargs)


class MultipleChoiceFilter(ChoiceFilter):
    """Some of the words of a TextChoices: the one parameter that may be given more than once."""

    def __init__(self, choices: type[models.TextChoices], **kwargs):
        super().__init__(choices, lookup_expr="anyof", **kwargs)
        self.schema = {"type": "array", "items": self.schema}

    def clean(self, data: QueryDict, name: str) -> list[str] | None:
        return [self.parse(raw, name) for raw in dict.fromkeys(data.getlist(name)) if raw] or None


class ReferenceFilter(StrictFilter):
    """The UUID of an object that the caller may see; any other is an unknown reference, and so is one that is archived.

    Unless `archived` says that those are found, too.
    """

    field_class = UUIDField
    schema = {"type": "string", "format": "uuid"}

    def __init__(self, model: type[models.Model], *, archived: bool = False, **kwargs):
        self.referenced, self.archived = model, archived
        super().__init__(**kwargs)

    @property
    def description(self) -> str:
        return f"Only those with this {self.referenced._meta.verbose_name_raw}, by UUID."

    def resolve(self, value: Any, name: str, actor: Actor, organization_id: int | None) -> int:
        reference, field = Reference(self.referenced, value), name.removesuffix("_uuid")
        return find_id(reference, field, actor, organization_id, archived=self.archived)


class StrictFilterSet(django_filters.FilterSet):
    """A filter set of StrictFilters over a compiled query; the head of this module says what differs.

    `actor` and `organization_id` say in which scope references are looked for.
    """

    required: ClassVar[Collection[str]] = ()
    """Filters that the documents name as required; `clean` must refuse where they are missing."""

    def __init__(
        self, data: QueryDict, queryset: Query, *, request: Any = None, actor: Actor, organization_id: int | None = None
    ):
        # Without django-filter's own, which copies the filters and makes a form of their fields.
        self.data, self.queryset, self.request = data, queryset, request
        self.filters = self.base_filters
        self.actor, self.organization_id = actor, organization_id

    def clean(self) -> dict[str, Any]:
        """Return the values of the filters that were given. Raises Rejected with all that are wrong."""
        problems: list[Problem] = []
        values = {}
        for name, declared in self.filters.items():
            if name not in self.data:
                continue
            try:
                value = declared.clean(self.data, name)
                if value is not None:
                    values[name] = value
            except Rejected as error:
                problems += error.problems
        if problems:
            raise Rejected(problems)
        return values

    @property
    def qs(self) -> Query:
        """The query narrowed by the filters: first all values are read (422), then references looked for (404)."""
        self.cleaned_data = {
            name: self.filters[name].resolve(value, name, self.actor, self.organization_id)
            for name, value in self.clean().items()
        }
        return self.filter_queryset(self.queryset)

    def filter_queryset(self, queryset: Query) -> Query:
        """Narrow `queryset` by `cleaned_data`. Override to filter where a filter is absent, too."""
        for name, value in self.cleaned_data.items():
            queryset = self.filters[name].filter(queryset, value)
        return queryset


class UpdatedSinceFilterSet(StrictFilterSet):
    """Filters of lists of rows that change."""

    updated_since = UpdatedSinceFilter()


class StrictFilterBackend(DjangoFilterBackend):
    """Runs a view's `filterset_class` on its compiled query."""

    def get_filterset_kwargs(self, request, queryset, view):
        kwargs = super().get_filterset_kwargs(request, queryset, view)
        return {**kwargs, "actor": view.actor, "organization_id": view.organization_id}

    def filter_queryset(self, request, queryset, view):
        filterset = self.get_filterset(request, queryset, view)
        return queryset if filterset is None else filterset.qs
