"""Values that no door takes, by the column that they are meant for: of wrong kind, too long, out of range, no such word.

They follow from the column, so that a new one is tried without a word here. What the fields of bodies refuse for their kind is
tried at length in rest/test_bad_values.py.
"""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

NOTHING_VISIBLE = [" ", "\u200b\u2800", "\u3000\u00a0"]
EMAILS = ["nobody", "a b@example.com"]
DAYS = ["2023-02-30", "2023-13-01", "nope"]
MOMENTS = ["2023-02-30T09:00:00Z", "2023-02-01T25:00:00Z", "nope"]
ZONES = ["Mars/Olympus"]
AMOUNTS = ["NaN", "Infinity", "9" * 11]
UNREADABLE = ["a\x00b", "\ud800"]
"""Texts that no database keeps; the second only JSON can write."""


def bad_values(column: models.Field, *, as_json: bool) -> list[Any]:
    """Return values that no door takes for `column`, as JSON or as text."""
    if column.choices or column.is_relation:
        return ["no such word"]
    by_name = {"email": EMAILS, "timezone": ZONES}
    by_kind: dict[type[models.Field], list[Any]] = {
        models.DateTimeField: MOMENTS,
        models.DateField: DAYS,
        models.DecimalField: AMOUNTS,
        models.BooleanField: ["perhaps"],
    }
    found = next((values for kind, values in by_kind.items() if isinstance(column, kind)), by_name.get(column.name, []))
    if isinstance(column, models.IntegerField):
        found = ["many", *beyond(column, as_json=as_json)]
    if isinstance(column, models.CharField | models.TextField):
        found = [*found, "x" * (column.max_length + 1)]
    return found


def beyond(column: models.Field, *, as_json: bool) -> list[Any]:
    """Return the whole numbers beside the bounds of `column`."""
    bounds = [(one.limit_value, 1 if isinstance(one, MaxValueValidator) else -1) for one in column.validators if is_bound(one)]
    numbers = [limit + step for limit, step in bounds]
    return numbers if as_json else list(map(str, numbers))


def is_bound(validator: Any) -> bool:
    return isinstance(validator, MinValueValidator | MaxValueValidator)


def is_text(column: models.Field) -> bool:
    return isinstance(column, models.CharField | models.TextField) and not column.choices


def as_inputs(column: models.Field, value: Any) -> dict[str, str]:
    """Return what a form of the admin sends where a person types `value`: a moment is typed as a day and a time of day."""
    if isinstance(column, models.DateTimeField):
        day, _, clock = str(value).partition("T")
        return {f"{column.name}_0": day, f"{column.name}_1": clock[:5]}
    return {column.name: str(value)}
