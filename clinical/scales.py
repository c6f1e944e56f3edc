"""Between which values an instrument can measure: on its own scale, and within what is possible for a living person.

An instrument measures a quantity of `clinical.vitals` if its LOINC code or its own code says so; the limits are converted
to its unit. Where the unit is unknown, every value is taken that is possible in one of the units of the quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.vitals import POSSIBLE, Number
from config.core.decimals import round_half_up

CM_PER_INCH, KG_PER_POUND = Decimal("2.54"), Decimal("0.45359237")
_KPA_PER_MMHG = Decimal("0.133322")
# mg/dL for one mmol/L: the molar mass of glucose is 180.16 g/mol.
_MG_PER_MMOL = Decimal("18.016")


@dataclass(frozen=True)
class Unit:
    """A unit: value = (stored - zero) * factor, shown with `places`. Stored are the units of `clinical.vitals`."""

    name: str | Promise
    factor: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)
    places: int = 1

    def shown(self, stored: Number) -> Decimal:
        """Return a stored value in this unit."""
        return round_half_up((Decimal(stored) - self.zero) * self.factor, self.places)

    def stored(self, shown: Decimal) -> Decimal:
        """Return a value in this unit as it is stored, before it is rounded to the column."""
        return shown / self.factor + self.zero


CELSIUS = Unit("°C", Decimal(5) / 9, Decimal(32))
CENTIMETRE = Unit("cm", CM_PER_INCH)
KILOGRAM = Unit("kg", KG_PER_POUND)
_MMHG, _KPA = Unit("mmHg"), Unit("kPa", _KPA_PER_MMHG)
_PRESSURES = {"mmhg": _MMHG, "kpa": _KPA}

_A_MINUTE = gettext_lazy("a minute")
# UCUM -> what people write.
WRITTEN_UNITS: Mapping[str, str | Promise] = {
    "mm[Hg]": "mmHg",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "Cel": "°C",
    "[degF]": "°F",
    "/min": _A_MINUTE,
    "1": "",
}
_BRACKETS = str.maketrans("", "", "[]")
# What is measured at home only, beside the vital signs: mg/dL, from what no meter shows to the highest that was survived.
LIMITS: Mapping[str, tuple[Number, Number]] = {**POSSIBLE, "glucose": (1, 3000)}
# Quantity -> its units by UCUM's code, and as people write them, without case and brackets.
UNITS_OF: Mapping[str, Mapping[str, Unit]] = {
    "bp_systolic": _PRESSURES,
    "bp_diastolic": _PRESSURES,
    "pulse": {"/min": Unit(_A_MINUTE)},
    "respiration_rate": {"/min": Unit(_A_MINUTE)},
    "oxygen_saturation": {"%": Unit("%")},
    "bmi": {"kg/m2": Unit("kg/m²")},
    "temperature_f": {
        **dict.fromkeys(("cel", "c", "°c"), CELSIUS),
        **dict.fromkeys(("degf", "f", "°f"), Unit("°F")),
    },
    "height_inches": {
        "cm": CENTIMETRE,
        "m": Unit("m", CM_PER_INCH / 100),
        **dict.fromkeys(("in_i", "in"), Unit("in")),
        **dict.fromkeys(("ft_i", "ft"), Unit("ft", Decimal(1) / 12)),
    },
    "weight_lbs": {
        "kg": KILOGRAM,
        "g": Unit("g", KG_PER_POUND * 1000),
        **dict.fromkeys(("lb_av", "lb", "lbs"), Unit("lb")),
    },
    "glucose": {"mg/dl": Unit("mg/dL"), "mmol/l": Unit("mmol/L", 1 / _MG_PER_MMOL)},
}
# LOINC codes as in Synthea's observations.csv and the vital signs profiles of FHIR R4 (clinical/synthea/vital_signs.py).
LOINC: Mapping[str, str] = {
    "8302-2": "height_inches",
    "29463-7": "weight_lbs",
    "39156-5": "bmi",
    "8480-6": "bp_systolic",
    "8462-4": "bp_diastolic",
    "8867-4": "pulse",
    "9279-1": "respiration_rate",
    "2708-6": "oxygen_saturation",
    "8310-5": "temperature_f",
    "2339-0": "glucose",
}
_NAMES_OF_PRESSURES = ("{}", "{}_bp", "blood_pressure_{}", "{}_blood_pressure")
# The codes that instruments of these quantities have, beside the names of the columns; hyphens, blanks and case are alike.
CODES: Mapping[str, str] = {
    **{quantity: quantity for quantity in UNITS_OF},
    **{name.format("systolic"): "bp_systolic" for name in _NAMES_OF_PRESSURES},
    **{name.format("diastolic"): "bp_diastolic" for name in _NAMES_OF_PRESSURES},
    "heart_rate": "pulse",
    "pulse_rate": "pulse",
    "body_mass_index": "bmi",
    "respiratory_rate": "respiration_rate",
    "spo2": "oxygen_saturation",
    "temperature": "temperature_f",
    "body_temperature": "temperature_f",
    "height": "height_inches",
    "body_height": "height_inches",
    "weight": "weight_lbs",
    "body_weight": "weight_lbs",
    "blood_glucose": "glucose",
}


_APART = str.maketrans("", "", "-_ ")
_QUANTITIES = {code.translate(_APART): quantity for code, quantity in CODES.items()}


class Scale(NamedTuple):
    """The values that an instrument can give, both ends included; None is no end. `unit` is as people write it."""

    least: Decimal | None = None
    most: Decimal | None = None
    unit: str | Promise = ""

    def holds(self, value: Decimal) -> bool:
        """Tell whether `value` lies on this scale."""
        return not ((self.least is not None and value < self.least) or (self.most is not None and value > self.most))

    @property
    def words(self) -> str:
        """The scale in words: "between 1 and 350 /min", "at least 0"; empty without ends."""
        unit = f" {self.unit}" if self.unit else ""
        least, most = (f"{localize(end.normalize())}" if end is not None else "" for end in (self.least, self.most))
        if least and most:
            return _("between %(least)s and %(most)s%(unit)s") % {"least": least, "most": most, "unit": unit}
        if least:
            return _("at least %(least)s%(unit)s") % {"least": least, "unit": unit}
        return _("at most %(most)s%(unit)s") % {"most": most, "unit": unit} if most else ""


class Measuring(Protocol):
    """What an instrument tells of its scale (`clinical.models.Instrument`)."""

    code: str
    concept_system: str | None
    concept_code: str | None
    unit: str | None
    scale_min: Decimal | None
    scale_max: Decimal | None


def scale_of(instrument: Measuring) -> Scale:
    """Return the scale of an instrument of numbers: its own, as far as it is possible."""
    loinc = instrument.concept_code if instrument.concept_system == "loinc" else None
    possible = possible_scale(instrument.code, loinc, instrument.unit)
    least = [end for end in (instrument.scale_min, possible.least) if end is not None]
    most = [end for end in (instrument.scale_max, possible.most) if end is not None]
    return Scale(max(least, default=None), min(most, default=None), possible.unit or written_unit(instrument.unit))


def possible_scale(code: str, loinc: str | None, unit: str | None) -> Scale:
    """Return what is possible for a living person in `unit`; a scale without ends for a quantity that is not known."""
    quantity = LOINC.get(loinc or "") or _QUANTITIES.get(code.lower().translate(_APART))
    if quantity is None:
        return Scale()
    units, (least, most) = UNITS_OF[quantity], LIMITS[quantity]
    known = units.get((unit or "").lower().translate(_BRACKETS))
    if known or len(set(units.values())) == 1:
        found = known or next(iter(units.values()))
        return Scale(found.shown(least), found.shown(most), found.name)
    return Scale(min(one.shown(least) for one in units.values()), max(one.shown(most) for one in units.values()))


def written_unit(unit: str | None) -> str:
    """Return a UCUM unit as people write it. Its braces hold a remark about a number without a unit."""
    return "" if not unit or unit.startswith("{") else str(WRITTEN_UNITS.get(unit, unit))
