"""Drawings of values over time: what is shown, what is told to those who do not see it, and that no text escapes."""

import datetime
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from clinical.admin.drawing import Limit, Point, flag_of, line_chart, mark, sparkline

START = datetime.datetime(2026, 11, 3, 8, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
ORANGE, RED, LOW = Limit(150, ">=", "orange"), Limit(160, ">=", "red"), Limit(100, "<", "grey")


def drawn(svg: str) -> ElementTree.Element:
    """Return the drawing, which is well-formed."""
    return ElementTree.fromstring(svg)  # noqa: S314 - our own drawing


def outline(svg: str, kind: str) -> str:
    return next((part.get("d", "") for part in drawn(svg) if part.get("class") == kind), "")


def texts(svg: str, kind: str) -> list[str]:
    return [part.text for part in drawn(svg) if part.get("class", "").startswith(kind)]


def chart(*values, days=None, **options) -> str:
    days = days or range(len(values))
    points = [Point(value, START + day * DAY) for value, day in zip(values, days, strict=True)]
    given = {"label": "Systolic", "first": START, "last": START + 10 * DAY, **options}
    return line_chart(points, **given)


@pytest.mark.parametrize(
    ("value", "flag"), [(99, "grey"), (100, ""), (149, ""), (150, "orange"), (159.9, "orange"), (160, "red"), (200, "red")]
)
def test_the_flag_of_a_value_is_that_of_the_highest_limit_it_reaches(value, flag):
    assert flag_of(value, [ORANGE, RED, LOW]) == flag


@pytest.mark.parametrize(("value", "flag"), [(100, "orange"), (101, ""), (129, ""), (130, "orange")])
def test_a_value_outside_of_the_band_is_flagged(value, flag):
    assert flag_of(value, band=(101, 129)) == flag
    assert flag_of(value, band=(None, None)) == ""


def test_a_sparkline_marks_its_last_value_by_a_shape_for_each_flag():
    shapes = {last: outline(sparkline([120, last], limits=[ORANGE, RED]), kind) for last, kind in MARKED.items()}
    assert len({re.sub(r"^M\S+ \S+?(?=[a-z])", "", shape) for shape in shapes.values()}) == 3
    assert all(shape.count("M") == 1 for shape in shapes.values())


MARKED = {130: "mark", 155: "mark orange", 165: "mark red"}


def test_higher_values_are_drawn_further_up_and_all_inside_of_the_drawing():
    places = [float(y) for y in re.findall(r"\S+ (\S+)", outline(sparkline([10, 20, 15], band=(12, 30), height=24), "line")[1:])]
    assert places[1] < places[2] < places[0]
    assert all(0 <= place <= 24 for place in places)


def test_the_line_breaks_at_a_missed_value():
    assert outline(sparkline([1, 2, None, 3, 4]), "line").count("M") == 2
    assert outline(chart(120, 121, None, 122), "line").count("M") == 2


def test_the_line_breaks_between_values_that_lie_too_far_apart():
    assert outline(chart(120, 121, 122, 123, days=[0, 1, 4, 5], gap_days=1.5), "line").count("M") == 2
    assert outline(chart(120, 121, 122, 123, days=[0, 1, 4, 5]), "line").count("M") == 1


def test_a_value_without_neighbours_is_drawn_as_a_dot():
    assert outline(sparkline([None, 5, None]), "line").endswith("h0")


def test_each_limit_is_a_line_with_its_value_and_flag():
    svg = chart(120, 155, limits=[ORANGE, RED])
    assert sorted(texts(svg, "limit-label")) == ["150 orange", "160 red"]
    assert outline(svg, "limit orange") != outline(svg, "limit red") != ""


def test_labels_of_limits_never_cover_each_other():
    svg = chart(120, limits=[Limit(value, ">", "orange") for value in (150, 150.2, 150.4)])
    places = sorted(float(part.get("y")) for part in drawn(svg) if part.get("class") == "limit-label orange")
    assert [below - above >= 11 for above, below in pairwise(places)] == [True, True]


def test_the_last_value_stands_where_neither_the_line_nor_a_limit_is():
    ends = {
        last: next(part.get("text-anchor") for part in drawn(chart(120, last, limits=[RED])) if part.get("class") == "last-value")
        for last in (130, 161)
    }
    assert ends == {130: "start", 161: "end"}


def test_the_band_is_shaded_and_open_to_the_edge_without_an_end():
    closed, opened = (next(part for part in drawn(chart(80, 140, band=band)) if part.tag == "rect") for band in BANDS)
    assert float(opened.get("y")) < float(closed.get("y"))


BANDS = ((90, 120), (90, None))


def test_axes_have_round_numbers_and_the_days():
    assert texts(chart(121, 158), "tick") == ["120", "130", "140", "150", "160", "3 Nov", "8 Nov", "13 Nov"]


def test_every_value_is_marked_until_there_are_too_many():
    few, many = chart(*[120] * 20), chart(*[120] * 80, 170, limits=[RED])
    assert outline(few, "mark").count("M") == 20
    assert (outline(many, "mark"), outline(many, "mark red").count("M")) == ("", 1)


def test_a_drawing_tells_its_course_in_words():
    told = drawn(chart(120, 155, None, 165, unit="mmHg", limits=[ORANGE, RED])).get("aria-label")
    assert told == (
        "Systolic in mmHg, 3 Nov to 6 Nov, 3 values, rising from 120 to 165, lowest 120, highest 165, "
        "limits 150 orange and 160 red, 1 red, 1 orange, 1 gap"
    )
    assert drawn(sparkline([155, 120, 155], label="Pulse", limits=[ORANGE])).get("aria-label") == (
        "Pulse, 3 values, steady at 155, the last one orange"
    )
    assert drawn(sparkline([7])).get("role") == "img"


def test_no_text_escapes_into_the_page():
    name = '"><script>alert(1)</script>'
    for svg in (chart(1, 2, label=name, unit=name), sparkline([1], label=name)):
        assert "<script" not in svg
        assert name in drawn(svg).get("aria-label")


def test_without_values_nothing_is_drawn():
    assert sparkline([]) == sparkline([None]) == line_chart([], label="Pulse", first=START, last=START) == ""


def test_the_last_value_of_a_sparkline_is_at_its_right_end_also_when_it_is_the_only_one():
    assert {outline(sparkline(values), "mark").split()[0] for values in ([7], [5, 6, 7])} == {"M67"}


def test_a_single_value_and_equal_values_are_drawn_too():
    assert outline(chart(120), "mark")
    assert outline(chart(0, 0, 0), "line").count("M") == 1


def test_a_mark_of_a_legend_is_drawn_and_silent():
    assert outline(mark("red"), "mark red")
    assert drawn(mark("red")).get("aria-hidden") == "true"
