"""Rows in forms of clinical catalogs."""

from typing import Any

from django import forms

from accounts.admin.forms import WholeNumberField
from accounts.admin.rows import RowForm, RowsField
from clinical.fields import CODE_LENGTH, DISPLAY_LENGTH, MAX_CODINGS, MAX_DAY, CodeSystem, validate_coding

# As many as a plan of ten years with one day a week.
MAX_DAYS = 520


def _text(label: str, longest: int) -> forms.CharField:
    words = f"Enter the {label.lower()}, of {longest} characters at most."
    return forms.CharField(
        label=label,
        max_length=longest,
        widget=forms.TextInput({"autocomplete": "off", "placeholder": label, "class": f"w-{label.lower()}"}),
        error_messages={"required": words, "max_length": words},
    )


class CodingForm(RowForm):
    """A coding: the code of a concept in a system, and what it is called."""

    system = forms.ChoiceField(choices=CodeSystem.choices)
    code = _text("Code", CODE_LENGTH)
    display = _text("Name", DISPLAY_LENGTH)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            validate_coding(self.as_item())
        return cleaned

    def as_item(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("system", "code", "display")}


class DayForm(RowForm):
    """A day since the enrolment began, which is day 0."""

    before = "on day"
    _words = f"Enter a whole number from 0 to {MAX_DAY:,}."

    day = WholeNumberField(
        label="Day",
        min_value=0,
        max_value=MAX_DAY,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "size": 6}),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _words),
    )

    @classmethod
    def initial_of(cls, value: Any) -> dict[str, Any]:
        return {"day": value}

    def as_item(self) -> int:
        return self.cleaned_data["day"]


def codings_field(noun: str) -> RowsField:
    """Return the field of a list of codings, each called a `noun`."""
    return RowsField(CodingForm, noun=noun, longest=MAX_CODINGS)


def days_field() -> RowsField:
    """Return the field of a list of days."""
    hint = "The workflow fires once on each of these days after a patient’s enrolment began, which is day 0."
    return RowsField(DayForm, noun="day", longest=MAX_DAYS, help_text=hint)
