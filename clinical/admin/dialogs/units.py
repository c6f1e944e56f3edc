"""The units in which a clinic reads vital signs. Stored are °F, inches and pounds."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from accounts.admin.forms import DecimalNumberField
from clinical.models import VitalSigns
from clinical.scales import CELSIUS, CENTIMETRE, KILOGRAM, Unit
from clinical.vitals import POSSIBLE
from config.core.decimals import round_half_up

# ISO 3166-1: the countries that do not measure in °C, centimetres and kilograms.
CUSTOMARY = frozenset({"LR", "US"})
# What `clinical.vitals` stores of a value that is out of range, in English.
_MESSAGE = re.compile(r"(.+) of ([\d.]+) ?(.*): (?:(under|over) ([\d.]+)|height and weight give ([\d.]+))")
_BESIDE = {
    "under": gettext_lazy("under %(bound)s"),
    "over": gettext_lazy("over %(bound)s"),
    None: gettext_lazy("height and weight give %(computed)s"),
}
_WHOLE = {
    "under": gettext_lazy("%(sign)s of %(value)s: under %(bound)s"),
    "over": gettext_lazy("%(sign)s of %(value)s: over %(bound)s"),
    None: gettext_lazy("%(sign)s of %(value)s: height and weight give %(computed)s"),
}
_SIGNS = {
    "bp_systolic": gettext_lazy("Systolic blood pressure"),
    "bp_diastolic": gettext_lazy("Diastolic blood pressure"),
    "pulse": gettext_lazy("Pulse"),
    "respiration_rate": gettext_lazy("Respiration"),
    "oxygen_saturation": gettext_lazy("Oxygen saturation"),
    "temperature_f": gettext_lazy("Temperature"),
    "bmi": gettext_lazy("Body mass index"),
    "bmi_percentile": gettext_lazy("Body mass index percentile"),
}
_UNITS = {"a minute": gettext_lazy("a minute")}

METRIC: Mapping[str, Unit] = {"temperature_f": CELSIUS, "height_inches": CENTIMETRE, "weight_lbs": KILOGRAM}


def message_in(country: str, flag: Mapping[str, str]) -> str:
    """Return the message of an abnormal flag in the units of a country and the language of the person."""
    return _told(country, flag, _WHOLE)


def bound_in(country: str, flag: Mapping[str, str]) -> str:
    """Return what stands beside the value that is out of range: "over 129"."""
    return _told(country, flag, _BESIDE)


def _told(country: str, flag: Mapping[str, str], words: Mapping[str | None, Any]) -> str:
    found = _MESSAGE.fullmatch(flag["message"])
    if found is None:
        return flag["message"]
    sign, value, unit, side, bound, computed = found.groups()
    if flag["vital"] == "temperature_f" and country not in CUSTOMARY:
        value, unit, bound = _celsius(value), CELSIUS.name, _celsius(bound)
    return words[side] % {
        "sign": _SIGNS.get(flag["vital"], sign),
        "value": f"{_number(value)} {_UNITS.get(unit, unit)}".rstrip(),
        "bound": _number(bound),
        "computed": _number(computed),
    }


def _celsius(text: str) -> str:
    return str(CELSIUS.shown(Decimal(text)))


def _number(text: str | None) -> str:
    """Return a number that was written with a point as people write it."""
    return localize(Decimal(text)) if text else ""


class VitalField(forms.Field):
    """The value of one vital sign, in the unit of the `country` that the form sets; cleaned as it is stored."""

    widget = forms.TextInput
    default_error_messages = {
        "invalid": gettext_lazy("Enter a number."),
        "impossible": gettext_lazy("This must be between {least} and {most}."),
    }

    def __init__(self, column: str, label: Any, customary: str):
        super().__init__(label=format_lazy("{}, {}", label, customary), required=False, localize=True)
        self.column, self.name, self.unit = column, label, None
        self.places = getattr(VitalSigns._meta.get_field(column), "decimal_places", 0)
        self.widget.attrs |= {"inputmode": "decimal" if self.places else "numeric", "autocomplete": "off", "size": 6}

    unit: Unit | None

    @property
    def country(self) -> str:
        """ISO 3166-1. Setting it chooses the unit."""
        return ""

    @country.setter
    def country(self, country: str) -> None:
        self.unit = None if country in CUSTOMARY else METRIC.get(self.column)
        if self.unit:
            self.label = format_lazy("{}, {}", self.name, self.unit.name)

    def prepare_value(self, value: Any) -> Any:
        return self._shown(value) if isinstance(value, Decimal | int) else value

    def _shown(self, stored: Any) -> Decimal:
        """Return a stored value in the unit of this field, without zeros at its end."""
        shown = self.unit.shown(stored) if self.unit else Decimal(stored)
        return Decimal(f"{shown.normalize():f}")

    def to_python(self, value: Any) -> Decimal | int | None:
        if value in self.empty_values:
            return None
        stored = self._read(str(value))
        least, most = POSSIBLE[self.column]
        if not least <= stored <= most:
            bounds = {"least": localize(self._shown(least)), "most": localize(self._shown(most))}
            raise ValidationError(self.error_messages["impossible"].format(**bounds), code="impossible")
        return stored if self.places else int(stored)

    def _read(self, text: str) -> Decimal:
        try:
            shown = Decimal(DecimalNumberField(max_digits=9).clean(text.strip().replace(",", ".")))
            stored = self.unit.stored(shown) if self.unit else shown
            return round_half_up(stored, self.places)
        except (ValidationError, ArithmeticError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what is shown: a stored value that is shown rounded is not changed by that."""
        shown = str(self.prepare_value(initial) if initial is not None else "")
        return shown != str(data or "").strip().replace(",", ".")
