"""Numbers as people and clients write them, and how they fit a column."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

# Digits of a whole number in plain form, which is compared and need not fit a column.
MAX_DIGITS = 200
_DIGITS = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,2})?", re.ASCII)
# Room for every number that _NUMBER reads.
_CONTEXT = Context(prec=500, rounding=ROUND_HALF_UP)


class WrittenFloat(float):
    """A float that remembers the digits it was written with: `str()` gives them back, all of them."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, text: str):
        number = super().__new__(cls, text)
        number.written = text
        return number

    def __str__(self) -> str:
        return self.written


def parse_number(value: object) -> Decimal | None:
    """Return the number that `value`, a number or a text in ASCII digits, stands for; None for anything else.

    A boolean is none, and neither is what has an underscore, a blank, or an exponent of more than two digits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = str(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def parse_integer(value: object) -> int | None:
    """Return the whole number that `value` stands for, as `parse_number` reads it: 72, 72.0 and "72" are the same."""
    if type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    number = parse_number(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def with_whole_numbers(value: Any) -> Any:
    """Return a JSON value with 72 in place of 72.0, at any depth: JSON has one kind of number, and databases two."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    return {name: with_whole_numbers(item) for name, item in value.items()} if isinstance(value, dict) else value


def round_half_up(number: Decimal, places: int) -> Decimal:
    """Return `number` with so many places after the point, and never as -0."""
    return _CONTEXT.plus(number.quantize(Decimal(1).scaleb(-places), context=_CONTEXT))


def largest(max_digits: int, places: int) -> Decimal:
    """Return the largest number of `max_digits` digits, `places` of them after the point."""
    return (Decimal(10) ** max_digits - 1).scaleb(-places)
