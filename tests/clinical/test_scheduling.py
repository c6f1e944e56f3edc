"""Times of a day: what the clock does twice a year, what overlaps, and what is free."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from clinical.scheduling import Span, free_spans, full_hours, hours_of, lanes, nearest_starts

NEW_YORK = ZoneInfo("America/New_York")
MORNING = hours_of(datetime.date(2030, 3, 4), NEW_YORK, 8, 12)
QUARTER = datetime.timedelta(minutes=15)


def at(minute: int, until: int) -> Span:
    """Return the time between two minutes after eight."""
    return Span(*(MORNING.start + datetime.timedelta(minutes=count) for count in (minute, until)))


@pytest.mark.parametrize(
    ("day", "labels"),
    [
        (datetime.date(2030, 3, 10), ["00:00 EST", "01:00 EST", "03:00 EDT", "04:00 EDT"]),
        (datetime.date(2030, 11, 3), ["00:00 EDT", "01:00 EDT", "01:00 EST", "02:00 EST"]),
        (datetime.date(2030, 7, 1), ["00:00 EDT", "01:00 EDT", "02:00 EDT", "03:00 EDT"]),
    ],
)
def test_a_day_has_the_hours_that_its_clock_shows(day, labels):
    hours = list(full_hours(hours_of(day, NEW_YORK)))
    assert [f"{hour.astimezone(NEW_YORK):%H:%M %Z}" for hour in hours][:4] == labels
    assert len(hours) == {10: 23, 3: 25, 1: 24}[day.day]


def test_the_ninth_hour_is_nine_on_the_clock_of_every_day():
    for day in (datetime.date(2030, 3, 10), datetime.date(2030, 11, 3)):
        assert f"{hours_of(day, NEW_YORK, 9, 17).start.astimezone(NEW_YORK):%H:%M}" == "09:00"


def test_without_an_end_an_appointment_takes_half_an_hour():
    assert Span.of(MORNING.start, None).minutes == 30


def test_spans_that_touch_share_nothing():
    assert at(0, 30).shared_with(at(30, 60)) == 0
    assert at(0, 45).shared_with(at(30, 60)) == 15


def test_what_is_free_lies_between_and_is_long_enough():
    taken = [at(60, 90), at(30, 75), at(100, 230), at(-60, 10)]
    assert free_spans(taken, MORNING, QUARTER) == [at(10, 30)]
    assert free_spans([], MORNING, QUARTER) == [MORNING]


def test_the_nearest_times_that_fit_are_offered():
    free = [at(0, 30), at(60, 120)]
    starts = nearest_starts(free, at(20, 50), datetime.timedelta(minutes=30), 2)
    assert starts == [at(0, 0).start, at(60, 0).start]
    assert nearest_starts(free, at(50, 80), datetime.timedelta(minutes=30), 3)[0] == at(60, 0).start
    assert nearest_starts(free, at(0, 61), QUARTER, 3) == []


def test_appointments_that_overlap_stand_side_by_side():
    assert lanes([at(0, 45), at(30, 60), at(45, 70), at(70, 80)]) == [(0, 2), (1, 2), (0, 2), (0, 1)]
