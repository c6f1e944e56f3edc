"""Cells that spreadsheets have destroyed, and cells that they only write in their own way."""

import pytest

from config.core.table_cells import CellFault, CellReader, DateOrder

PLAIN = CellReader()
KINDS = ("text", "code", "phone", "day", "moment", "number")

ERRORS = """
#REF! #N/A #NAME? #VALUE! #DIV/0! #NULL! #NUM! #SPILL! #GETTING_DATA #VERW! #WAARDE! #N/B #NAAM? #BEZUG! #WERT! #NV #VALEUR! #NOM?
#¡REF! #¿NOMBRE? #ref! Err:502 ## #####
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [*ERRORS.split(), " ##### "])
def test_what_a_spreadsheet_shows_for_a_value_is_refused_in_every_column(kind, cell):
    with pytest.raises(CellFault, match="error of a spreadsheet"):
        getattr(PLAIN, kind)(cell)


NOT_CODES = {
    "1.23457E+08": "scientific",
    "1,23457E+08": "scientific",
    "3.16123e+10": "scientific",
    "1E+10": "scientific",
    "3.16123E10": "scientific",
    "-1.5E-3": "scientific",
    "'1.2E+05": "scientific",
    "31612345678.0": "decimals",
    "31612345678,00": "decimals",
    "+31612345678.0": "decimals",
    "31,612,345,678": "decimals",
    "31,612,345,678.00": "decimals",
    "1234.0": "decimals",
    "3.16123 E+10": "scientific",
    "3,16123\xa0E+010": "scientific",
    "3.16123E +10": "scientific",
    "3.E+10": "scientific",
    "1.234,00": "thousands",
    "31.612.345.678,00": "thousands",
    "-1.234,5": "thousands",
    "1.234.567,8": "thousands",
    "31,612,345,678.000": "thousands",
    "31612345678.000": "decimals",
    "31612345678,0000": "decimals",
    "31\xa0612\xa0345\xa0678": "thousands",
    "31\xa0612\xa0345\xa0678,00": "thousands",
    "31\u202f612\u202f345\u202f678": "thousands",
    "1\u202f234,00": "thousands",
    "31 612 345 678,00": "thousands",
    "31'612'345'678": "thousands",
    "31\u2019612\u2019345\u2019678.00": "thousands",
    "1-Mar": "is a date",
    "01-mrt": "is a date",
    "3-Jan-61": "is a date",
    "1. Mrz": "is a date",
    "1-mars-2021": "is a date",
    "Mar-21": "is a date",
    "déc-12": "is a date",
}


@pytest.mark.parametrize("kind", ["code", "phone"])
@pytest.mark.parametrize("cell", NOT_CODES)
def test_a_code_that_a_spreadsheet_took_for_a_number_or_a_date_is_refused_with_how_to_mend_it(cell, kind):
    with pytest.raises(CellFault, match=f"{NOT_CODES[cell]}.*format the column as text"):
        getattr(PLAIN, kind)(cell)


DATES = """
01/03/2026 1/3/2026 2026-03-01 2026/3/1 01.03.2026 1-3-2026 3/25/2026 25/3/2026 1899-12-31 2026-03-01T00:00:00
12:30:00 12:30 1:02:03 36:15:00
"""


@pytest.mark.parametrize(
    "cell", [*DATES.split(), "2026-03-01 00:00:00", "3. 1. 2026", "1/3/2026 12:30", "12:30:00 PM", "'1/3/2026"]
)
def test_a_code_that_a_spreadsheet_took_for_a_day_or_a_time_is_refused_where_it_is_no_phone(cell):
    with pytest.raises(CellFault, match=r"is a date or a time.*format the column as text"):
        PLAIN.code(cell)
    assert PLAIN.phone(cell) == cell.removeprefix("'")


NO_DATES = """
01-02-03 12/34/56 12-34-5678 123-45-6789 13/13/2026 2026-13-01 31/02/2026 1/3-2026 5012-10-11 2026-0301 01032026 12:75 1234:56
"""


@pytest.mark.parametrize("code", [*NO_DATES.split(), "12 03 2026"])
def test_numbers_that_are_no_day_and_no_time_are_codes(code):
    assert PLAIN.code(code) == code


PHONES = """
020.624.1111 +31.20.624.1111 0031.20.624.1111 212.555.1212 1.800.555.1212 555.0000 555.1200 +31.612.345.678 (020)6241111
+31-20-624-1111 020-6241111 020/6241111 020,123,456
"""


@pytest.mark.parametrize("kind", ["code", "phone"])
@pytest.mark.parametrize(
    "phone",
    [
        *PHONES.split(),
        "06 1234 5678",
        "31 612 345 678",
        "612 345 678",
        "06\xa012\xa034\xa056\xa078",
        "020\xa0624\xa01111",
        "+31\xa0612\xa0345\xa0678",
        "06 1234 5678 ext. 12",
        "212.555.1212 x5",
    ],
)
def test_phones_are_kept_as_people_write_them(phone, kind):
    assert getattr(PLAIN, kind)(phone) == phone


CODES = """
31612345678 +31612345678 B-12 1E4 12E5 MAR-2021 DEC-12 1-2 12.5 06.12345678 555.0100 31.612.345.678 020,123,456
1234-AB Q-3 E+5 1-Unit 12-Main 0
"""


@pytest.mark.parametrize("code", [*CODES.split(), " 0123 ", "06 12 34 56 78", "1000 AB", "#4", "n/a"])
def test_a_code_that_only_resembles_one_is_kept_to_the_character(code):
    assert PLAIN.code(code) == code


@pytest.mark.parametrize("cell", ["'01234", '="01234"', '="\'01234"'])
@pytest.mark.parametrize(("kind", "value"), [("code", "01234"), ("number", "01234")])
def test_what_makes_a_cell_text_for_a_spreadsheet_is_taken_off(kind, value, cell):
    assert getattr(PLAIN, kind)(cell) == value


@pytest.mark.parametrize("name", ["'t Hooft", "'s-Gravenhage", "D'Angelo", "1-Mar", "1.5E+3", "Mar-21", "44197", "3/4/1961"])
def test_text_is_kept_to_the_character(name):
    assert PLAIN.text(name) == name


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_cell_of_several_lines_is_neither_a_code_nor_a_day_nor_a_number(kind):
    with pytest.raises(CellFault, match="a quote may be missing"):
        getattr(PLAIN, kind)("0612345678\r\nBob,Ray,1961-04-03")
    assert PLAIN.code("0612345678\n") == "0612345678\n"


# --- days ----------------------------------------------------------------------------------------

MIDNIGHTS = [
    "",
    " 00:00:00",
    "T00:00:00.000Z",
    "T00:00:00+01:00",
    " 00:00:00 Z",
    "T00:00:00",
    " 0:00",
    " 00:00",
    " 00:00:00.000",
    " 12:00:00 AM",
    " 12:00 am",
]


@pytest.mark.parametrize("midnight", MIDNIGHTS)
@pytest.mark.parametrize(
    ("order", "written"),
    [
        (None, "1961-04-03"),
        (DateOrder.DMY, "1961-04-03"),
        (DateOrder.DMY, "03/04/1961"),
        (DateOrder.DMY, "3.4.1961"),
        (DateOrder.DMY, "3. 4. 1961"),
        (DateOrder.DMY, "3-4-1961"),
        (DateOrder.DMY, "'3 4 1961"),
        (DateOrder.MDY, "4/3/1961"),
        (DateOrder.MDY, "04-03-1961"),
        (DateOrder.YMD, "1961/4/3"),
        (DateOrder.YMD, "1961. 04. 03."),
    ],
)
def test_a_day_is_read_in_the_order_that_is_named_and_midnight_means_nothing(order, written, midnight):
    assert CellReader(order).day(written + midnight) == "1961-04-03"


@pytest.mark.parametrize("cell", ["03/04/1961", "25/12/1961", "12/25/1961", "3.4.1961", "3-4-1961", "1961/12/25", "13-13-1961"])
@pytest.mark.parametrize("kind", ["day", "moment"])
def test_no_order_is_guessed_not_even_where_only_one_is_possible(kind, cell):
    with pytest.raises(CellFault, match="name the order of day, month and year"):
        getattr(PLAIN, kind)(cell)


@pytest.mark.parametrize("order", [None, *DateOrder])
@pytest.mark.parametrize("cell", ["3-4-61", "03/04/61", "61.4.3", "3/4/061"])
def test_a_year_of_two_digits_is_refused_in_every_order(order, cell):
    with pytest.raises(CellFault, match="year of two digits"):
        CellReader(order).day(cell)


WRITTEN = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


@pytest.mark.parametrize(
    ("order", "cell"),
    [
        (DateOrder.MDY, "25/12/1961"),
        (DateOrder.DMY, "12/25/1961"),
        (DateOrder.DMY, "29/02/1961"),
        (DateOrder.DMY, "1961/04/03"),
        (DateOrder.YMD, "03/04/1961"),
    ],
)
def test_a_day_that_the_order_does_not_have_is_refused(order, cell):
    with pytest.raises(CellFault, match=f"is not a date in the order {WRITTEN[order]}"):
        CellReader(order).day(cell)


@pytest.mark.parametrize("cell", ["44197", "44197.0", "44197,5", "1961", "7"])
@pytest.mark.parametrize("order", [None, DateOrder.DMY])
def test_the_number_of_a_day_is_no_date(order, cell):
    with pytest.raises(CellFault, match="is a number, not a date: format the column as a date"):
        CellReader(order).day(cell)


@pytest.mark.parametrize("cell", ["soon", "3-Apr-1961", "April 3, 1961", "3/4", "03041961", "3/4-1961"])
def test_what_is_no_date_is_told_how_to_write_one(cell):
    with pytest.raises(CellFault, match="write it as YYYY-MM-DD"):
        CellReader(DateOrder.DMY).day(cell)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2020-03-04T05:06:07Z", "2020-03-04T05:06:07Z"),
        ("2020-03-04", "2020-03-04"),
        ("4-3-2020", "2020-03-04"),
        ("4-3-2020 5:06", "2020-03-04T05:06:00"),
        ("4-3-2020 17:06:07", "2020-03-04T17:06:07"),
        ("4-3-2020 5:06 PM", "2020-03-04T17:06:00"),
    ],
)
def test_a_moment_keeps_its_time(cell, moment):
    assert CellReader(DateOrder.DMY).moment(cell) == moment


@pytest.mark.parametrize("cell", ["1961-04-03 14:12", "1961-04-03T23:00:00Z", "1961-04-03 0:01"])
def test_another_time_than_midnight_is_left_to_the_rules_of_the_column(cell):
    assert PLAIN.day(cell) == cell


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "number"), [("12,5", "12.5"), ("-3,00", "-3.00"), ("12.5", "12.5"), ("7", "7"), ("a,b", "a,b")])
def test_a_decimal_comma_is_read_where_semicolons_separate(cell, number):
    assert CellReader(decimal_comma=True).number(cell) == number


@pytest.mark.parametrize("cell", ["1.234", "1.234,50", "1.234.567", "-1,234.5"])
def test_a_point_that_may_be_one_of_thousands_is_refused_there(cell):
    with pytest.raises(CellFault, match="may be one of thousands"):
        CellReader(decimal_comma=True).number(cell)


@pytest.mark.parametrize("cell", ["12,5", "1,234"])
def test_a_comma_in_a_number_is_refused_elsewhere(cell):
    with pytest.raises(CellFault, match="only where semicolons separate the cells"):
        PLAIN.number(cell)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [("code", "1.23E+05"), ("day", "44197"), ("text", "#REF!"), ("day", "3/4/1961"), ("day", "3-4-61"), ("number", "1.234,5")],
)
def test_no_message_repeats_what_the_cell_holds(kind, cell):
    with pytest.raises(CellFault) as refused:
        getattr(CellReader(decimal_comma=True), kind)(cell)
    assert cell not in str(refused.value)
