"""Days and moments as people write them, on the organization's clock."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.admin.fields import LocalDateField, LocalDateTimeField, LocalForm, LocalTimeField
from config.core.written_dates import moments_at, read_clock, read_day, read_day_near

DAY = datetime.date(2026, 11, 3)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("3 Nov 2026", ""),
        ("3 november 2026", "NL"),
        ("3nov2026", ""),
        ("Nov 3, 2026", "US"),
        ("November 3rd 2026", "US"),
        ("3. November 2026", "DE"),
        ("3 novembre 2026", "FR"),
        ("2026-11-03", "US"),
        ("2026/11/3", "NL"),
        ("11/3/2026", "US"),
        ("03-11-2026", "NL"),
        ("3.11.2026", ""),
        (" 3 11 2026 ", "NL"),
        ("٣ Nov 2026", ""),
    ],
)
def test_a_day_is_read_as_it_is_written(text, country):
    assert read_day(text, country) == DAY


def test_a_number_over_twelve_is_the_day_wherever_it_stands():
    assert read_day("30-11-2026", "US") == read_day("11/30/2026", "NL") == datetime.date(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [("6 aug 59", (1959, 8, 6)), ("8/6/26", (2026, 8, 6)), ("3-11-26", (2026, 3, 11)), ("12/31/26", (1926, 12, 31))],
)
def test_of_a_day_in_the_past_the_year_may_have_two_digits(text, day):
    assert read_day(text, "US", latest=DAY) == datetime.date(*day)
    with pytest.raises(ValueError, match="century"):
        read_day(text, "US")


def test_a_month_may_be_named_in_the_languages_of_the_platform():
    assert {read_day(f"1 {word} 2026").month for word in ("mrt", "maart", "März", "mars", "mar")} == {3}
    assert [read_day(f"1 {word} 2026").month for word in ("juin", "juil", "sept", "août", "Dez", "Mrz")] == [6, 7, 9, 8, 12, 3]


@pytest.mark.parametrize(
    "text", ["", "30-13", "4/1/57", "31 Feb 2026", "13/13/2026", "3 jui 2026", "3 m 2026", "2026-11-31", "3 Nov 26"]
)
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ValidationError):
        LocalDateField(country="NL").clean(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", (2026, 11, 3)),
        ("Tomorrow", (2026, 11, 4)),
        ("yesterday", (2026, 11, 2)),
        ("1 Dec", (2026, 12, 1)),
        ("2 Jan", (2027, 1, 2)),
        ("30-10", (2026, 10, 30)),
    ],
)
def test_a_day_near_today_needs_no_year(text, day):
    assert read_day_near(text, DAY, "NL") == datetime.date(*day)


@pytest.mark.parametrize("text", ["9:42", "09:42", "0942", "9.42", "9h42", "9:42 am", "09:42:30"])
def test_a_time_of_day_is_read_as_it_is_written(text):
    assert read_clock(text) == datetime.time(9, 42)


def test_the_halves_of_the_day_are_read():
    assert [read_clock(text).hour for text in ("9", "9 pm", "12am", "12 p.m.")] == [9, 21, 0, 12]


@pytest.mark.parametrize("text", ["", "24:00", "9:60", "13pm", "0 am", "noon"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValidationError):
        LocalTimeField().clean(text)


def test_a_local_time_stands_for_one_moment_or_none_or_two():
    half_past_two, half_past_one = datetime.time(2, 30), datetime.time(1, 30)
    assert [moment.hour for moment in moments_at(DAY, half_past_two, NEW_YORK)] == [2]
    assert moments_at(datetime.date(2026, 3, 8), half_past_two, NEW_YORK) == []
    offsets = [moment.utcoffset() for moment in moments_at(datetime.date(2026, 11, 1), half_past_one, NEW_YORK)]
    assert offsets == [datetime.timedelta(hours=-4), datetime.timedelta(hours=-5)]


class Visit(LocalForm):
    day = LocalDateField()
    clock = LocalTimeField(required=False)
    at = LocalDateTimeField(required=False)


@pytest.fixture(autouse=True)
def in_new_york():
    with timezone.override(NEW_YORK):
        yield


def visit(**sent: str) -> Visit:
    return Visit({"day": "3 Nov 2026", **sent}, country="US")


def test_a_form_reads_days_as_its_country_writes_them():
    american, dutch = (Visit({"day": "11/3/2026"}, country=country) for country in ("US", "NL"))
    assert [american.is_valid(), dutch.is_valid()] == [True, True]
    assert (american.cleaned_data["day"], dutch.cleaned_data["day"]) == (DAY, datetime.date(2026, 3, 11))


def test_a_refusal_shows_how_a_day_is_written_here():
    assert visit(day="soon").errors["day"] == ["Enter a day such as 30 Nov 2026 or 11/30/2026."]
    assert visit(day="1066-10-14").errors["day"] == ["This day lies too far back."]


def test_what_is_typed_as_nine_is_nine_in_the_organizations_zone():
    form = visit(at="11/30/2026", at_time="9:00")
    assert form.is_valid(), form.errors
    assert form.cleaned_data["at"] == datetime.datetime(2026, 11, 30, 14, tzinfo=datetime.UTC)
    assert ">EST</span>" in str(form["at"])


def test_half_a_moment_is_refused_and_none_is_none():
    assert visit(at="11/30/2026").errors["at"] == ["Enter the time too."]
    assert visit(at_time="9:00").errors["at"] == ["Enter the day too."]
    form = visit()
    assert form.is_valid()
    assert form.cleaned_data["at"] is None


def test_a_time_that_the_clock_skips_is_refused():
    errors = visit(at="8 Mar 2026", at_time="2:30").errors["at"]
    assert errors == ["Clocks are set forward that night: 02:30 does not come on 8 Mar 2026."]


def test_a_time_that_comes_twice_is_asked_about():
    night = {"at": "1 Nov 2026", "at_time": "1:30"}
    asked = visit(**night)
    assert asked.errors["at"] == ["Clocks are set back that night: 01:30 comes twice. Choose which."]
    assert [words in str(asked["at"]) for words in ("the first, EDT", "the second, EST")] == [True, True]
    found = [visit(**night, at_which=which) for which in ("0", "1")]
    assert [form.is_valid() and form.cleaned_data["at"].astimezone(datetime.UTC).hour for form in found] == [5, 6]


def test_a_stored_moment_is_shown_on_the_local_clock_and_comes_back_unchanged():
    stored = datetime.datetime(2026, 11, 1, 6, 30, 17, tzinfo=datetime.UTC)
    shown = str(Visit(initial={"at": stored, "day": DAY}, country="US")["at"])
    assert all(part in shown for part in ('value="1 Nov 2026"', 'value="01:30"', '<option value="1" selected>'))
    sent = {"day": "3 Nov 2026", "at": "1 Nov 2026", "at_time": "01:30", "at_which": "1"}
    assert Visit(sent, initial={"at": stored, "day": DAY}).changed_data == []
    assert Visit({**sent, "at_time": "01:31"}, initial={"at": stored, "day": DAY}).changed_data == ["at"]


def test_a_moment_works_in_any_form():
    plain = type("Plain", (forms.Form,), {"at": LocalDateTimeField()})
    assert plain({}).errors["at"] == ["This field is required."]
