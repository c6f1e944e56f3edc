"""Fields and parameters take a value in each usual form of it, as one and the same."""

import datetime
from collections.abc import Iterator
from decimal import Decimal as Number
from typing import Any

import pytest
from django.http import QueryDict
from rest_framework import serializers

from accounts.admin.forms import DecimalNumberField
from config.core.decimals import parse_number, round_half_up
from config.rest.fields import BaseVersion, Boolean, Date, DateTime, Decimal, Integer, JSONList, Time
from config.rest.filters import BooleanField, DateField, MomentFilter
from config.rest.problems import Rejected
from config.rest.query_parameters import read_integer
from config.rest.request_body import read_json
from tests.cast import VIEWS
from tests.declared import all_bodies

A_MOMENT = datetime.datetime(2025, 1, 15, 9, 0, 0, 123456, datetime.UTC)
A_DAY = datetime.date(1980, 10, 15)
DAYS = (
    "1980-10-15",
    "1980-10-15T00:00:00",
    "1980-10-15T00:00:00.000Z",
    "1980-10-15t00:00:00.0000000z",
    "1980-10-15T00:00",
    "1980-10-15 00:00:00",
    "1980-10-15T00:00:00+02:00",
    "1980-10-15T00:00:00-0500",
)
A_TIME = datetime.time(9, 0, 0, 123456)
MOMENTS = (
    "2025-01-15T09:00:00.123456Z",
    "2025-01-15T09:00:00.1234567Z",
    "2025-01-15T09:00:00.123456789Z",
    "2025-01-15T09:00:00.123456999999999999Z",
    "2025-01-15t10:00:00.123456789+0100",
    "2025-01-15 10:00:00.123456+01",
    "2025-01-15T04:30:00.1234569-04:30",
)
TRUE, FALSE = ("true", "True", "TRUE", "1", "yes", "on", "t", "Y"), ("false", "False", "FALSE", "0", "no", "off", "f", "N")


def same(field: serializers.Field, value: Any, *forms: Any) -> list:
    """Return (field, form, value) of each form."""
    return [(field, form, value) for form in forms]


@pytest.mark.parametrize(
    ("field", "form", "value"),
    [
        *same(Date(), A_DAY, *DAYS),
        *same(DateTime(), A_MOMENT, *MOMENTS),
        *same(DateTime(), A_MOMENT.replace(microsecond=0), "2025-01-15T09:00Z", "2025-01-15T09:00:00Z"),
        *same(Time(), A_TIME, "09:00:00.123456", "09:00:00.1234567", "09:00:00.123456999"),
        *same(Boolean(), True, True, *TRUE),
        *same(Boolean(), False, False, *FALSE),
        *same(Integer(), 72, 72, 72.0, 7.2e1, "72", "72.0", "+72", "072", "7.2e1"),
        *same(Integer(), 0, 0, -0.0, "0", "-0"),
        *same(JSONList(), [1, {"value": [72, 0.5]}], [1.0, {"value": [7.2e1, 0.5]}]),
        *same(BaseVersion(), 10**30, 10**30, "1" + "0" * 30),
        *same(Decimal(max_digits=6, decimal_places=2), Number("180.78"), 180.77884, "180.77884", "180.775", "1.8078e2", "180.78"),
        *same(Decimal(max_digits=6, decimal_places=2), Number("0.01"), 0.005, "0.005", ".005", "5e-3", "0.0149999"),
        *same(Decimal(max_digits=6, decimal_places=2), Number("-0.01"), -0.005, "-0.005"),
        *same(Decimal(max_digits=6, decimal_places=2), Number("0.00"), 1e-7, "-0.001", "0." + "0" * 299 + "1"),
        *same(Decimal(max_digits=6, decimal_places=2), Number("9999.99"), 9999.99, 9999.994, "9999.9949999"),
        *same(Decimal(max_digits=4, decimal_places=1), Number("98.1"), 98.06, "98.05"),
    ],
)
def test_a_value_is_the_same_in_each_form(field, form, value):
    taken = field.run_validation(form)
    assert (taken, type(taken)) == (value, type(value))
    assert str(taken) == str(value)


@pytest.mark.parametrize(("number", "limit"), [(9999.995, "9999.99"), (10_000, "9999.99"), ("-9999.995", "-9999.99")])
def test_a_number_beyond_the_column_is_told_the_largest_one(number, limit):
    with pytest.raises(serializers.ValidationError, match=f"than or equal to {limit}"):
        Decimal(max_digits=6, decimal_places=2).run_validation(number)


def test_a_number_of_a_body_is_never_a_binary_fraction():
    """As a double the first one would be 2.675 exactly, and be rounded up."""
    body = read_json(b'{"below": 2.6749999999999999999, "half": 2.675, "long": 0.12345678901234567890123}')
    field = Decimal(max_digits=6, decimal_places=2)
    assert [str(field.run_validation(body[name])) for name in ("below", "half")] == ["2.67", "2.68"]
    assert parse_number(body["long"]) == Number("0.12345678901234567890123")
    assert body["half"] == 2.675


@pytest.mark.parametrize("text", TRUE + FALSE)
def test_a_boolean_of_the_query_is_the_same_in_each_word(text):
    assert BooleanField().clean(text) is (text in TRUE)


@pytest.mark.parametrize("text", DAYS)
def test_a_day_of_the_query_is_the_same_in_each_form(text):
    assert DateField().clean(text) == A_DAY


def test_a_filter_of_moments_takes_midnight_for_a_moment_and_a_date_for_a_day():
    at = MomentFilter("created_at")
    assert at.parse("1980-10-15", "at") == A_DAY
    assert at.parse("1980-10-15T00:00:00Z", "at") == datetime.datetime(1980, 10, 15, tzinfo=datetime.UTC)
    with pytest.raises(Rejected):
        at.parse("1980-10-15T00:00:00", "at")


@pytest.mark.parametrize("text", ["2025-01-15T10:00:00+01:00", "2025-01-15T10:00+01:00", "2025-01-15 10:00:00.000+01:00"])
def test_a_plus_that_the_query_has_made_a_blank_is_read_as_one(text):
    moment = MomentFilter("created_at").clean(QueryDict(f"at={text}"), "at")
    assert moment == datetime.datetime(2025, 1, 15, 9, tzinfo=datetime.UTC)


def test_a_plus_behind_midnight_may_be_a_blank_too_and_a_blank_before_a_clock_is_none():
    field = DateField()
    assert field.clean("1980-10-15T00:00:00 02:00") == field.clean("1980-10-15 00:00") == A_DAY


@pytest.mark.parametrize("text", ["2025-01-15 10:00", "2025-01-15T10:00:00  01:00", "2025-01-15T10:00:00 01:00\n"])
def test_no_other_blank_is_a_plus(text):
    with pytest.raises(Rejected):
        MomentFilter("created_at").parse(text, "at")


def test_a_body_has_no_plus_to_lose():
    with pytest.raises(serializers.ValidationError):
        DateTime().run_validation("2025-01-15T10:00:00 01:00")


@pytest.mark.parametrize("text", ["50", "50.0", "050", "5e1"])
def test_a_whole_number_of_the_query_is_the_same_in_each_form(text):
    query = QueryDict(mutable=True)
    query["page_size"] = text
    assert read_integer(query, "page_size", default=1, least=1, most=200) == 50


def test_a_form_of_the_admin_rounds_in_the_same_way():
    field = DecimalNumberField(max_digits=6, decimal_places=2)
    rounded = {"180.77884": "180.78", "0.005": "0.01", "1e-7": "0.00", "9999.994": "9999.99"}
    assert {text: str(field.clean(text)) for text in rounded} == rounded
    assert field.widget.attrs["step"] == "any"


def not_null(serializer: serializers.BaseSerializer) -> Iterator[str]:
    """Yield the fields that may be left out and yet refuse null, in `serializer` and inside of it."""
    for name, field in serializer.fields.items():
        if not (field.required or field.allow_null or field.read_only):
            yield f"{type(serializer).__name__}.{name}"
        for inner in (field, getattr(field, "child", None)):
            if isinstance(inner, serializers.Serializer):
                yield from not_null(inner)


@pytest.mark.parametrize("body", all_bodies(view.cls for view in VIEWS.values()))
def test_whatever_may_be_left_out_may_be_null(body):
    assert list(not_null(body())) == []


@pytest.mark.parametrize("places", [0, 1, 2, 3])
def test_halves_are_rounded_away_from_zero(places):
    half, unit = Number(5).scaleb(-places - 1), Number(1).scaleb(-places)
    assert [round_half_up(sign * half, places) for sign in (1, -1)] == [unit, -unit]
    assert round_half_up(-half / 10, places).is_signed() is False
