"""Rows in forms of clinical catalogs."""

from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.admin.forms import WholeNumberField
from accounts.admin.rows import RowForm, RowsField
from clinical.fields import CODE_LENGTH, DISPLAY_LENGTH, MAX_CODINGS, MAX_DAY, CodeSystem, validate_coding

# As many as a plan of ten years with one day a week.
MAX_DAYS = 520


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


# A whole number as people read it, in their language when they do: "3,650".
grouped = lazy(_grouped, str)


def _text(label: Any, words: Any, longest: int, width: str) -> forms.CharField:
    told = format_lazy(words, longest=longest)
    return forms.CharField(
        label=label,
        max_length=longest,
        widget=forms.TextInput({"autocomplete": "off", "placeholder": label, "class": width}),
        error_messages={"required": told, "max_length": told},
    )


class CodingForm(RowForm):
    """A coding: the code of a concept in a system, and what it is called."""

    system = forms.ChoiceField(label=_("System"), choices=CodeSystem.choices)
    code = _text(_("Code"), _("Enter the code, of {longest} characters at most."), CODE_LENGTH, "w-code")
    display = _text(_("Name"), _("Enter the name, of {longest} characters at most."), DISPLAY_LENGTH, "w-name")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            validate_coding(self.as_item())
        return cleaned

    def as_item(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("system", "code", "display")}


class DayForm(RowForm):
    """A day since the enrolment began, which is day 0."""

    before = _("on day")
    _words = format_lazy(_("Enter a whole number from 0 to {most}."), most=grouped(MAX_DAY))

    day = WholeNumberField(
        label=_("Day"),
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


def codings_field(label: Any, noun: Any) -> RowsField:
    """Return the field of a list of codings, each called a `noun`."""
    return RowsField(CodingForm, label=label, noun=noun, longest=MAX_CODINGS)


def days_field() -> RowsField:
    """Return the field of a list of days."""
    hint = _("The workflow fires once on each of these days after a patient’s enrolment began, which is day 0.")
    return RowsField(DayForm, label=_("Days"), noun=_("day"), longest=MAX_DAYS, help_text=hint)
