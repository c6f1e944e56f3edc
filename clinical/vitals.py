"""Rules of vital signs: possible values, body mass index, and what is out of range for an age.

Pure functions. Values have the names and units of `clinical.models.VitalSigns`: mmHg, beats and
breaths a minute, %, °F, inches, pounds. Without a birth date a patient counts as an adult.

Sources of the ranges:

- ACC/AHA 2017, Guideline for high blood pressure in adults: 130/80 is hypertension, over 180 or over 120 a crisis.
- AAP 2017, Clinical practice guideline for high blood pressure in children (Flynn et al., Pediatrics 140(3)): the same
  numbers from 13 on; table 6 for those under 13, for whom 140/90 is stage 2 whatever their height.
- PALS, Pediatric Advanced Life Support (AHA): usual pulse and respiration while awake, hypotension; in a child a pulse
  under 60 or over 180 (infants 220) and breathing under 10 or over 60 a minute are signs of danger.
- NEWS2, National Early Warning Score (Royal College of Physicians 2017), from 16 on: what scores is a warning, what
  scores 3 is critical. A pulse is fast from 101 on (AHA), where NEWS2 begins at 91.
- CDC: fever is 100.4 °F (38 °C) or more, hypothermia under 95 °F (35 °C); AAP: fever before the age of three months is an
  emergency; over 104 °F (40 °C) is heat stroke (CDC/NIOSH).
- WHO: underweight under 18.5, overweight from 25 kg/m²; CDC, ages 2 to 19: under the 5th and from the 85th percentile.
"""

import csv
import datetime
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

from django.utils.formats import localize
from django.utils.translation import gettext as _

from config.core.decimals import round_half_up
from config.core.exceptions import Invalid

Number = int | Decimal

# The smallest and the largest possible values: wide enough for every medical record, and narrow enough to reject a
# temperature in °C and an adult's height in metres or centimetres.
POSSIBLE: Mapping[str, tuple[Number, Number]] = {
    "bp_systolic": (1, 350),
    "bp_diastolic": (0, 250),
    "pulse": (1, 350),
    "respiration_rate": (1, 150),
    "oxygen_saturation": (1, 100),
    "temperature_f": (50, 120),
    "height_inches": (8, 110),
    "weight_lbs": (Decimal("0.4"), 1500),
    "bmi": (4, 250),
    "bmi_percentile": (0, 100),
}

OLDEST_YEARS = 130
# In the time zone of the measurement it may be tomorrow already.
_A_DAY = datetime.timedelta(days=1)

# An index that is further from that of height and weight, in proportion, is no matter of rounding.
SAME_INDEX = Decimal("0.05")

WARNING, CRITICAL = "warning", "critical"


class Range(NamedTuple):
    """Normal from `low` to `high`, critical below `lowest` or above `highest`, else a warning. None is no bound."""

    lowest: Number | None = None
    low: Number | None = None
    high: Number | None = None
    highest: Number | None = None


class Band(NamedTuple):
    """The normal ranges from an age in months on."""

    from_months: int
    pulse: Range
    respiration_rate: Range


# PALS by age: newborn, infant, 1-2, 3-5, 6-11 and 12-15 years, with the adult limits for a slow pulse; NEWS2 from 16.
BANDS = (
    Band(0, Range(60, 100, 205, 220), Range(10, 30, 53, 60)),
    Band(1, Range(60, 100, 180, 220), Range(10, 30, 53, 60)),
    Band(12, Range(60, 98, 140, 180), Range(10, 22, 37, 60)),
    Band(36, Range(60, 80, 120, 180), Range(10, 20, 28, 60)),
    Band(72, Range(60, 75, 118, 180), Range(10, 18, 25, 60)),
    Band(144, Range(41, 60, 100, 180), Range(10, 12, 20, 60)),
    Band(192, Range(41, 51, 100, 130), Range(9, 12, 20, 24)),
)

# AAP 2017, table 6: the pressures that need a closer look at the ages 1 to 12.
SCREENING = {
    "male": (
        (98, 52),
        (100, 55),
        (101, 58),
        (102, 60),
        (103, 63),
        (105, 66),
        (106, 68),
        (107, 69),
        (107, 70),
        (108, 72),
        (110, 74),
        (113, 75),
    ),
    "female": (
        (98, 54),
        (101, 58),
        (102, 60),
        (103, 62),
        (104, 64),
        (105, 67),
        (106, 68),
        (107, 69),
        (108, 71),
        (109, 72),
        (111, 74),
        (114, 75),
    ),
}

SATURATION = Range(94, 96)
TEMPERATURE = Range(Decimal(95), None, Decimal("100.3"), Decimal("104"))
TEMPERATURE_OF_INFANTS = Range(Decimal(95), None, None, Decimal("100.3"))
BMI = Range(None, Decimal("18.5"), Decimal("24.99"))
PERCENTILE = Range(None, 5, 84)

NAMES = {
    "bp_systolic": ("Systolic blood pressure", " mmHg"),
    "bp_diastolic": ("Diastolic blood pressure", " mmHg"),
    "pulse": ("Pulse", " a minute"),
    "respiration_rate": ("Respiration", " a minute"),
    "oxygen_saturation": ("Oxygen saturation", " %"),
    "temperature_f": ("Temperature", " °F"),
    "bmi": ("Body mass index", " kg/m²"),
    "bmi_percentile": ("Body mass index percentile", ""),
}

ADULT_BMI_MONTHS = 240
_THREE_MONTHS, _A_YEAR, _TEN_YEARS, _THIRTEEN_YEARS, _SIXTEEN_YEARS = 3, 12, 120, 156, 192


# --- impossible values -----------------------------------------------------------------------------
def check_values(values: Mapping[str, Any], changed: Collection[str], born: datetime.date | None, today: datetime.date) -> None:
    """Raise Invalid if the `changed` values contradict other `values`, the birth date, or the calendar.

    Unchanged values are not checked again.
    """
    for name, (least, most) in POSSIBLE.items():
        if name in changed and values[name] is not None and not least <= values[name] <= most:
            raise Invalid(
                _("This must be between %(least)s and %(most)s.") % {"least": localize(least), "most": localize(most)}, name
            )
    if "date_taken" in changed:
        _check_date(values["date_taken"], born, today)
    systolic, diastolic = values.get("bp_systolic"), values.get("bp_diastolic")
    if systolic is not None and diastolic is not None and diastolic > systolic:
        _refuse(changed, ("bp_diastolic", "bp_systolic"), _("The diastolic pressure cannot be above the systolic one."))
    bmi = body_mass_index(values.get("height_inches"), values.get("weight_lbs"))
    if bmi is not None and not POSSIBLE["bmi"][0] <= bmi <= POSSIBLE["bmi"][1]:
        _refuse(changed, ("weight_lbs", "height_inches"), _("Nobody of this height has this weight: in pounds and inches?"))


def check_not_empty(values: Mapping[str, Any]) -> None:
    """Raise Invalid for a recording of nothing: as the latest one it would hide what was measured before."""
    if all(values.get(name) is None for name in POSSIBLE):
        raise Invalid(_("At least one value must have been measured."), "", "missing")


def _check_date(taken: datetime.date, born: datetime.date | None, today: datetime.date) -> None:
    if taken > today + _A_DAY:
        raise Invalid(_("The date lies in the future."), "date_taken")
    if born is not None and taken < born:
        raise Invalid(_("The date lies before the date of birth."), "date_taken")
    if not is_in_lifetime(taken, today):
        raise Invalid(_("The date must lie within a lifetime."), "date_taken")


def is_in_lifetime(day: datetime.date, today: datetime.date) -> bool:
    """Tell whether somebody who is alive `today` can have been measured on `day`, as far as the past goes."""
    return day.year >= today.year - OLDEST_YEARS


def _refuse(changed: Collection[str], names: tuple[str, ...], message: str) -> None:
    """Raise Invalid for the first of `names` among `changed`; if none is, the contradiction is not new."""
    for name in names:
        if name in changed:
            raise Invalid(message, name)


# --- what follows -----------------------------------------------------------------------------------
def body_mass_index(height_inches: Number | None, weight_lbs: Number | None) -> Decimal | None:
    """Return 703 · lb/in², rounded to two places, or None if weight or height is unknown."""
    if height_inches is None or weight_lbs is None:
        return None
    return round_half_up(703 * Decimal(weight_lbs) / Decimal(height_inches) ** 2, 2)


class LMS(NamedTuple):
    """The distribution of a measure at an age: Box-Cox power, median, coefficient of variation."""

    power: float
    median: float
    variation: float


@cache
def _growth_charts() -> tuple[list[float], dict[str, list[LMS]]]:
    """Return the ages in months, and by sex the distribution of the body mass index at each age.

    The file holds the parameters of CDC's BMI-for-age charts of 2000 (bmiagerev.csv of the National Center for Health
    Statistics, in the public domain), as in data_tables/cdc2-20.json of the package rcpchgrowth 4.6.5. The package itself
    is not used: it needs SciPy and NumPy (200 MB, one second per start) and is under the AGPL.
    """
    with (Path(__file__).parent / "data" / "cdc_bmi_for_age.csv").open(encoding="ascii", newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    by_sex = {"male": [LMS(*row[1:4]) for row in rows], "female": [LMS(*row[4:7]) for row in rows]}
    return [row[0] for row in rows], by_sex


def bmi_percentile(bmi: Number | None, born: datetime.date | None, taken: datetime.date, sex: str | None) -> int | None:
    """Return the percentile of a body mass index for age and sex from age 2 until before age 20, else None.

    Interpolates between the months of the charts, as CDC's own programs do.
    """
    months = age_in_months(born, taken)
    if bmi is None or born is None or months is None or not 24 <= months < ADULT_BMI_MONTHS or sex not in SCREENING:
        return None
    at = _distribution(sex, (taken - born).days / 30.4375)
    z = ((float(bmi) / at.median) ** at.power - 1) / (at.power * at.variation)
    return int(100 * NormalDist().cdf(z) + 0.5)


def _distribution(sex: str, months: float) -> LMS:
    ages, by_sex = _growth_charts()
    after = min(max(bisect_right(ages, months), 1), len(ages) - 1)
    share = min(max((months - ages[after - 1]) / (ages[after] - ages[after - 1]), 0.0), 1.0)
    younger, older = by_sex[sex][after - 1], by_sex[sex][after]
    return LMS(*(one + share * (other - one) for one, other in zip(younger, older, strict=True)))


def age_in_months(born: datetime.date | None, day: datetime.date) -> int | None:
    """Return the age in whole months on `day`, or None if the birth date is unknown."""
    if born is None:
        return None
    return 12 * (day.year - born.year) + day.month - born.month - (day.day < born.day)


# --- what is out of range ---------------------------------------------------------------------------
def abnormal_flags(values: Mapping[str, Any], born: datetime.date | None, sex: str | None) -> list[dict[str, str]]:
    """Return `{vital, message, severity}` for each of `values` that is out of range for the age on `date_taken`.

    A body mass index that height and weight contradict is flagged, too: it is kept as it was sent.
    """
    ranges = ranges_at(age_in_months(born, values["date_taken"]), sex)
    found = [*(_flag(name, values.get(name), usual) for name, usual in ranges), _contradicting_index(values)]
    return [flag for flag in found if flag]


def is_procedure_blocking(flags: Collection[Mapping[str, str]]) -> bool:
    """Tell whether a provider should look at the patient before any procedure."""
    return any(flag["severity"] == CRITICAL for flag in flags)


def ranges_at(months: int | None, sex: str | None) -> Iterator[tuple[str, Range]]:
    """Yield the normal range of each vital sign for an age; None means an adult."""
    band = next(band for band in reversed(BANDS) if months is None or band.from_months <= max(months, 0))
    yield "bp_systolic", _systolic(months, sex)
    yield "bp_diastolic", _diastolic(months, sex)
    yield "pulse", band.pulse
    yield "respiration_rate", band.respiration_rate
    yield "oxygen_saturation", SATURATION
    yield "temperature_f", TEMPERATURE_OF_INFANTS if months is not None and months < _THREE_MONTHS else TEMPERATURE
    yield ("bmi", BMI) if months is None or months >= ADULT_BMI_MONTHS else ("bmi_percentile", PERCENTILE)


def _systolic(months: int | None, sex: str | None) -> Range:
    if months is None or months >= _SIXTEEN_YEARS:
        return Range(91, 101, 129, 180)
    if months >= _THIRTEEN_YEARS:
        return Range(90, 90, 129, 180)
    least = _hypotension(months)
    return Range(least, least, _screened(months, sex, 0), 139)


def _diastolic(months: int | None, sex: str | None) -> Range:
    if months is None or months >= _THIRTEEN_YEARS:
        return Range(None, None, 79, 120)
    return Range(None, None, _screened(months, sex, 1), 89)


def _hypotension(months: int) -> int:
    """Return the lowest systolic pressure that is not hypotension in a child (PALS)."""
    if months < _A_YEAR:
        return 60 if months < 1 else 70
    return 90 if months >= _TEN_YEARS else 70 + 2 * (months // 12)


def _screened(months: int, sex: str | None, which: int) -> int | None:
    """Return the highest pressure that needs no further evaluation in a child; for an unknown sex, the higher of both."""
    if months < _A_YEAR:
        return None
    year = months // 12 - 1
    columns = [SCREENING[sex]] if sex in SCREENING else list(SCREENING.values())
    return max(column[year][which] for column in columns) - 1


def _contradicting_index(values: Mapping[str, Any]) -> dict[str, str] | None:
    index, computed = values.get("bmi"), body_mass_index(values.get("height_inches"), values.get("weight_lbs"))
    if index is None or computed is None or abs(index - computed) <= SAME_INDEX * computed:
        return None
    label, unit = NAMES["bmi"]
    message = f"{label} of {float(index):g}{unit}: height and weight give {float(computed):g}"
    return {"vital": "bmi", "message": message, "severity": WARNING}


def _flag(name: str, value: Number | None, usual: Range) -> dict[str, str] | None:
    if value is None:
        return None
    for severity, low, high in ((CRITICAL, usual.lowest, usual.highest), (WARNING, usual.low, usual.high)):
        bound = f"under {low}" if low is not None and value < low else f"over {high}" if high is not None and value > high else ""
        if bound:
            label, unit = NAMES[name]
            return {"vital": name, "message": f"{label} of {float(value):g}{unit}: {bound}", "severity": severity}
    return None
