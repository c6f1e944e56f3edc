"""The units in which a clinic reads vital signs. Stored are °F, inches and pounds."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.admin.forms import DecimalNumberField
from clinical.models import VitalSigns
from clinical.scales import CELSIUS, CENTIMETRE, KILOGRAM, Unit
from clinical.vitals import POSSIBLE
from config.core.decimals import round_half_up

# ISO 3166-1: the countries that do not measure in °C, centimetres and kilograms.
CUSTOMARY = frozenset({"LR", "US"})
_TEMPERATURE = re.compile(r"of ([\d.]+) °F: (under|over) ([\d.]+)")


METRIC: Mapping[str, Unit] = {"temperature_f": CELSIUS, "height_inches": CENTIMETRE, "weight_lbs": KILOGRAM}


def message_in(country: str, flag: Mapping[str, str]) -> str:
    """Return the message of an abnormal flag in the units of a country."""
    if country in CUSTOMARY:
        return flag["message"]
    celsius = METRIC["temperature_f"]
    return _TEMPERATURE.sub(
        lambda found: f"of {celsius.shown(Decimal(found[1]))} °C: {found[2]} {celsius.shown(Decimal(found[3]))}", flag["message"]
    )


class VitalField(forms.Field):
    """The value of one vital sign, in the unit of the `country` that the form sets; cleaned as it is stored."""

    widget = forms.TextInput
    default_error_messages = {"invalid": "Enter a number.", "impossible": "This must be between {} and {}."}

    def __init__(self, column: str, label: str, customary: str):
        super().__init__(label=f"{label}, {customary}", required=False)
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
            self.label = f"{self.name}, {self.unit.name}"

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
            bounds = (self._shown(least), self._shown(most))
            raise ValidationError(self.error_messages["impossible"].format(*bounds), code="impossible")
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
