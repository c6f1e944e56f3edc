"""The rules about vital signs, at the edges of every range."""

import datetime
from decimal import Decimal
from math import ceil

import pytest

from clinical import vitals
from clinical.vitals import CRITICAL, WARNING, abnormal_flags, bmi_percentile, body_mass_index, check_values
from config.core.exceptions import Invalid

DAY = datetime.date(2024, 6, 15)
NEWBORN, INFANT, TODDLER, PRESCHOOL, SCHOOL, TEN, TEEN, THIRTEEN, SIXTEEN, ADULT = 0, 1, 12, 36, 72, 120, 144, 156, 192, 480


def born_before(months: int, day: datetime.date = DAY) -> datetime.date:
    """Return the birth date of who is so many months old on `day`."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=years, month=month + 1)


def severities(months: int | None, sex: str | None = None, **values) -> dict[str, str]:
    """Return the severity of each flag at an age."""
    born = None if months is None else born_before(months)
    return {flag["vital"]: flag["severity"] for flag in abnormal_flags({"date_taken": DAY, **values}, born, sex)}


# --- ranges: age, vital sign, last usual value, first and last of the warning, first critical one; None where there is none ---
EDGES = [
    (ADULT, "bp_systolic", 129, (130, 180), 181),
    (ADULT, "bp_systolic", 101, (100, 91), 90),
    (ADULT, "bp_diastolic", 79, (80, 120), 121),
    (ADULT, "bp_diastolic", 0, None, None),
    (THIRTEEN, "bp_systolic", 129, (130, 180), 181),
    (THIRTEEN, "bp_systolic", 90, None, 89),
    (THIRTEEN, "bp_diastolic", 79, (80, 120), 121),
    (TEN, "bp_systolic", 90, None, 89),
    (TEN - 1, "bp_systolic", 88, None, 87),
    (SCHOOL, "bp_systolic", 82, None, 81),
    (TODDLER, "bp_systolic", 72, None, 71),
    (INFANT, "bp_systolic", 70, None, 69),
    (INFANT, "bp_systolic", 139, None, 140),
    (INFANT, "bp_diastolic", 89, None, 90),
    (NEWBORN, "bp_systolic", 60, None, 59),
    (ADULT, "pulse", 100, (101, 130), 131),
    (ADULT, "pulse", 51, (50, 41), 40),
    (TEEN, "pulse", 100, (101, 180), 181),
    (TEEN, "pulse", 60, (59, 41), 40),
    (SCHOOL, "pulse", 118, (119, 180), 181),
    (SCHOOL, "pulse", 75, (74, 60), 59),
    (PRESCHOOL, "pulse", 120, (121, 180), 181),
    (PRESCHOOL, "pulse", 80, (79, 60), 59),
    (TODDLER, "pulse", 140, (141, 180), 181),
    (TODDLER, "pulse", 98, (97, 60), 59),
    (INFANT, "pulse", 180, (181, 220), 221),
    (INFANT, "pulse", 100, (99, 60), 59),
    (NEWBORN, "pulse", 205, (206, 220), 221),
    (NEWBORN, "pulse", 100, (99, 60), 59),
    (ADULT, "respiration_rate", 20, (21, 24), 25),
    (ADULT, "respiration_rate", 12, (11, 9), 8),
    (TEEN, "respiration_rate", 20, (21, 60), 61),
    (TEEN, "respiration_rate", 12, (11, 10), 9),
    (SCHOOL, "respiration_rate", 25, (26, 60), 61),
    (SCHOOL, "respiration_rate", 18, (17, 10), 9),
    (PRESCHOOL, "respiration_rate", 28, (29, 60), 61),
    (PRESCHOOL, "respiration_rate", 20, (19, 10), 9),
    (TODDLER, "respiration_rate", 37, (38, 60), 61),
    (TODDLER, "respiration_rate", 22, (21, 10), 9),
    (INFANT, "respiration_rate", 53, (54, 60), 61),
    (NEWBORN, "respiration_rate", 30, (29, 10), 9),
    (ADULT, "oxygen_saturation", 96, (95, 94), 93),
    (NEWBORN, "oxygen_saturation", 96, (95, 94), 93),
    (ADULT, "temperature_f", "100.3", ("100.4", "104"), "104.1"),
    (ADULT, "temperature_f", "95", None, "94.9"),
    (3, "temperature_f", "100.3", ("100.4", "104"), "104.1"),
    (2, "temperature_f", "100.3", None, "100.4"),
    (NEWBORN, "temperature_f", "95", None, "94.9"),
    (ADULT, "bmi", "24.99", ("25", "249"), None),
    (ADULT, "bmi", "18.5", ("18.49", "5"), None),
    (240, "bmi", "24.99", ("25", "60"), None),
    (239, "bmi_percentile", 84, (85, 100), None),
    (24, "bmi_percentile", 5, (4, 0), None),
]


@pytest.mark.parametrize(("months", "name", "usual", "warned", "critical"), EDGES)
def test_a_range_ends_where_its_source_says(months, name, usual, warned, critical):
    def severity(value):
        return severities(months, **{name: Decimal(value) if isinstance(value, str) else value}).get(name)

    assert severity(usual) is None
    assert [severity(value) for value in warned or ()] == [WARNING] * len(warned or ())
    assert critical is None or severity(critical) == CRITICAL


BANDS = [(1, "pulse", 200), (12, "pulse", 150), (36, "pulse", 130), (72, "pulse", 119), (144, "pulse", 110), (192, "pulse", 135)]


@pytest.mark.parametrize(("months", "name", "value"), BANDS)
def test_a_range_begins_on_the_day_of_the_age(months, name, value):
    """The day before, the child is judged by the younger range, and differently."""
    born = born_before(months)
    on_the_day, day_before = (
        abnormal_flags({"date_taken": day, name: value}, born, None) for day in (DAY, DAY - datetime.timedelta(days=1))
    )
    assert on_the_day != day_before
    assert on_the_day[0]["vital"] == name


SCREENED = [
    (1, "male", 98, 52),
    (4, "male", 102, 60),
    (12, "male", 113, 75),
    (1, "female", 98, 54),
    (7, "female", 106, 68),
    (12, "female", 114, 75),
]


@pytest.mark.parametrize(("years", "sex", "systolic", "diastolic"), SCREENED)
def test_a_childs_pressure_is_judged_by_age_and_sex(years, sex, systolic, diastolic):
    for months in (12 * years, 12 * years + 11):
        assert severities(months, sex, bp_systolic=systolic - 1, bp_diastolic=diastolic - 1) == {}
        assert severities(months, sex, bp_systolic=systolic, bp_diastolic=diastolic) == dict.fromkeys(
            ("bp_systolic", "bp_diastolic"), WARNING
        )
        assert severities(months, sex, bp_systolic=139, bp_diastolic=89) == dict.fromkeys(
            ("bp_systolic", "bp_diastolic"), WARNING
        )
        assert severities(months, sex, bp_systolic=140, bp_diastolic=90) == dict.fromkeys(
            ("bp_systolic", "bp_diastolic"), CRITICAL
        )


def test_of_a_child_of_unknown_sex_the_higher_pressure_counts():
    assert severities(24, "male", bp_diastolic=57) == {"bp_diastolic": WARNING}
    assert severities(24, None, bp_diastolic=57) == {}
    assert severities(24, None, bp_diastolic=58) == {"bp_diastolic": WARNING}


def test_without_a_birth_date_a_patient_is_an_adult():
    assert list(vitals.ranges_at(None, None)) == list(vitals.ranges_at(ADULT, "female"))


def test_every_age_has_a_range_for_every_vital_sign():
    names = ["bp_systolic", "bp_diastolic", "pulse", "respiration_rate", "oxygen_saturation", "temperature_f"]
    for months in range(241):
        for sex in ("male", "female", None):
            found = list(vitals.ranges_at(months, sex))
            assert [name for name, _ in found[:-1]] == names
            for _, usual in found:
                bounds = [bound for bound in usual if bound is not None]
                assert bounds == sorted(bounds), (months, usual)


def test_what_is_not_measured_is_not_judged():
    assert severities(ADULT) == {}
    assert severities(ADULT, pulse=None, bmi=None) == {}


def test_a_flag_names_the_vital_sign_its_value_and_the_bound():
    flags = abnormal_flags({"date_taken": DAY, "bp_systolic": 185, "temperature_f": Decimal("101.0")}, None, None)
    assert flags == [
        {"vital": "bp_systolic", "message": "Systolic blood pressure of 185 mmHg: over 180", "severity": "critical"},
        {"vital": "temperature_f", "message": "Temperature of 101 °F: over 100.3", "severity": "warning"},
    ]


@pytest.mark.parametrize(
    ("values", "blocking"),
    [
        ({"bp_systolic": 180, "bp_diastolic": 120}, False),
        ({"bp_systolic": 181}, True),
        ({"bp_diastolic": 121}, True),
        ({"oxygen_saturation": 94}, False),
        ({"oxygen_saturation": 93}, True),
        ({"bmi": Decimal(60)}, False),
        ({}, False),
        ({"pulse": 105, "respiration_rate": 25}, True),
    ],
)
def test_what_is_critical_blocks_procedures_and_nothing_else_does(values, blocking):
    flags = abnormal_flags({"date_taken": DAY, **values}, None, None)
    assert vitals.is_procedure_blocking(flags) is blocking


# --- body mass index ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("height", "weight", "expected"),
    [
        ("65", "150", "24.96"),  # the example of CDC
        (65, 150, "24.96"),
        ("100", "150", "10.55"),
        ("70.25", "180.5", "25.71"),
        (None, "150", None),
        ("65", None, None),
    ],
)
def test_the_body_mass_index_is_rounded_half_up_to_two_places(height, weight, expected):
    given = (value if value is None else Decimal(value) for value in (height, weight))
    assert body_mass_index(*given) == (expected and Decimal(expected))


# Sex, age in months, and the 5th, 50th and 95th percentile, as CDC's bmiagerev.csv prints them beside L, M and S.
PUBLISHED = [
    ("male", 24, "14.73731947", "16.57502768", "19.33801062"),
    ("male", 120.5, "14.21865508", "16.64613844", "22.15409238"),
    ("male", 239.5, "19.10550722", "22.99908062", "30.54859414"),
    ("female", 24, "14.39787089", "16.42339664", "19.10623522"),
    ("female", 60.5, "13.52091027", "15.15188405", "18.25738105"),
]


@pytest.mark.parametrize(("sex", "months", "p5", "p50", "p95"), PUBLISHED)
def test_percentiles_are_those_that_cdc_publishes(sex, months, p5, p50, p95):
    born = datetime.date(2000, 1, 1)
    taken = born + datetime.timedelta(days=ceil(months * 30.4375))
    assert [bmi_percentile(Decimal(bmi), born, taken, sex) for bmi in (p5, p50, p95)] == [5, 50, 95]


# Children of the Synthea sample, with the percentile that Synthea worked out.
SYNTHEA = [
    ("2014-10-06", "2023-10-10", "male", "16.99", 65.8),
    ("2008-04-07", "2023-05-15", "male", "17.12", 9.1),
    ("2013-11-09", "2023-11-18", "female", "16.14", 37.0),
    ("2010-02-17", "2023-03-15", "female", "18.71", 49.7),
    ("2010-06-30", "2023-07-26", "male", "16.12", 11.7),
    ("2013-12-31", "2024-01-09", "male", "22.05", 94.8),
]


@pytest.mark.parametrize(("born", "taken", "sex", "bmi", "percentile"), SYNTHEA)
def test_percentiles_agree_with_another_implementation(born, taken, sex, bmi, percentile):
    dates = (datetime.date.fromisoformat(text) for text in (born, taken))
    assert abs(bmi_percentile(Decimal(bmi), *dates, sex) - percentile) <= 1


@pytest.mark.parametrize(
    ("bmi", "born", "day", "sex", "known"),
    [
        ("16.5", "2004-02-29", "2006-02-28", "male", False),
        ("16.5", "2004-02-29", "2006-03-01", "male", True),
        ("22", "2004-06-15", "2024-06-14", "female", True),
        ("22", "2004-06-15", "2024-06-15", "female", False),
        ("22", "2010-01-01", "2024-06-15", None, False),
        (None, "2010-01-01", "2024-06-15", "male", False),
        ("22", None, "2024-06-15", "male", False),
        ("22", "2010-01-01", "2024-06-15", "other", False),
    ],
)
def test_a_percentile_needs_a_child_from_2_to_19_of_known_sex(bmi, born, day, sex, known):
    birthday = born and datetime.date.fromisoformat(born)
    found = bmi_percentile(bmi and Decimal(bmi), birthday, datetime.date.fromisoformat(day), sex)
    assert (found is not None) is known


def test_a_percentile_rises_with_the_body_mass_index_and_stays_within_0_and_100():
    born = datetime.date(2014, 1, 1)
    for sex in ("male", "female"):
        found = [bmi_percentile(Decimal(bmi), born, DAY, sex) for bmi in range(4, 251)]
        assert found == sorted(found)
        assert (found[0], found[-1]) == (0, 100)


def test_between_two_months_of_the_charts_a_value_lies_between_theirs():
    ages, by_sex = vitals._growth_charts()
    assert (len(ages), ages[0], ages[1], ages[-1]) == (219, 24, 24.5, 240.5)
    assert ages == sorted(ages)
    for sex, rows in by_sex.items():
        assert vitals._distribution(sex, 23.9) == rows[0]
        assert vitals._distribution(sex, 60.5) == pytest.approx(rows[ages.index(60.5)])
        between = vitals._distribution(sex, 61.0)
        expected = [(one + other) / 2 for one, other in zip(rows[ages.index(60.5)], rows[ages.index(61.5)], strict=True)]
        assert between == pytest.approx(expected)


@pytest.mark.parametrize(
    ("born", "day", "months"),
    [
        ("2024-06-15", "2024-06-15", 0),
        ("2024-05-16", "2024-06-15", 0),
        ("2024-05-15", "2024-06-15", 1),
        ("2023-06-16", "2024-06-15", 11),
        ("2023-06-15", "2024-06-15", 12),
        ("2004-02-29", "2024-02-28", 239),
        ("2004-02-29", "2024-02-29", 240),
        ("2003-12-31", "2024-01-01", 240),
    ],
)
def test_an_age_counts_whole_months(born, day, months):
    assert vitals.age_in_months(*map(datetime.date.fromisoformat, (born, day))) == months


# --- what cannot be ------------------------------------------------------------------------------------
TODAY = DAY
BORN = datetime.date(1990, 6, 15)


def refused(values: dict, changed=None, born=BORN) -> str | None:
    """Return the field that is refused, None where all is well."""
    whole = {"date_taken": TODAY, **values}
    try:
        check_values(whole, values if changed is None else changed, born, TODAY)
    except Invalid as error:
        (field,) = error.errors
        return field
    return None


@pytest.mark.parametrize(
    ("taken", "born", "field"),
    [
        (TODAY, BORN, None),
        (TODAY + datetime.timedelta(days=1), BORN, None),
        (TODAY + datetime.timedelta(days=2), BORN, "date_taken"),
        (BORN, BORN, None),
        (BORN - datetime.timedelta(days=1), BORN, "date_taken"),
        (datetime.date(1894, 1, 1), None, None),
        (datetime.date(1893, 12, 31), None, "date_taken"),
        (datetime.date.max, None, "date_taken"),
    ],
)
def test_the_date_lies_between_birth_and_tomorrow(taken, born, field):
    assert refused({"date_taken": taken}, born=born) == field


@pytest.mark.parametrize(("name", "least", "most"), [(name, *bounds) for name, bounds in vitals.POSSIBLE.items()])
def test_a_value_that_nobody_alive_has_is_refused(name, least, most):
    step = 1 if isinstance(least, int) else Decimal("0.01")
    assert [refused({name: value}) for value in (least, most)] == [None, None]
    assert [refused({name: value}) for value in (least - step, most + 1, -1)] == [name] * 3
    assert refused({name: None}) is None


@pytest.mark.parametrize(
    "values",
    [
        {"temperature_f": Decimal("37.0")},
        {"temperature_f": Decimal("42")},
        {"height_inches": Decimal("1.75")},
        {"height_inches": Decimal("175")},
        {"pulse": 900},
        {"oxygen_saturation": 101},
    ],
)
def test_another_unit_is_seen_where_the_value_tells(values):
    assert refused(values) == next(iter(values))


def test_the_diastolic_pressure_is_not_above_the_systolic_one():
    assert refused({"bp_systolic": 80, "bp_diastolic": 120}) == "bp_diastolic"
    assert refused({"bp_systolic": 80, "bp_diastolic": 120}, changed={"bp_systolic"}) == "bp_systolic"
    assert refused({"bp_systolic": 80, "bp_diastolic": 80}) is None
    assert refused({"bp_systolic": None, "bp_diastolic": 80}) is None


def test_height_and_weight_must_fit_each_other():
    fat = {"height_inches": Decimal(20), "weight_lbs": Decimal(200)}
    assert refused(fat) == "weight_lbs"
    assert refused(fat, changed={"height_inches"}) == "height_inches"
    assert refused({"height_inches": Decimal(72), "weight_lbs": Decimal(20)}) == "weight_lbs"


def test_what_stands_already_is_not_judged_again():
    wrong = {
        "date_taken": datetime.date(2999, 1, 1),
        "bp_systolic": 80,
        "bp_diastolic": 120,
        "height_inches": Decimal(20),
        "weight_lbs": Decimal(200),
        "pulse": 900,
    }
    assert refused(wrong, changed={"note", "provider_id"}) is None
