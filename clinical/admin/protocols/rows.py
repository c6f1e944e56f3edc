"""The rows of rules, of the conditions of combinations, and of the lines of schedules.

Choices, limits and what is wrong come from `clinical.monitoring.rules`, which every door asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.forms import DecimalNumberField, WholeNumberField
from accounts.admin.rows import RowForm, Rows
from clinical.admin.forms import grouped
from clinical.models import Flag, Instrument, InstrumentKind, RuleKind
from clinical.monitoring import Fault, InstrumentFacts, condition_faults, line_faults, rule_faults
from clinical.monitoring.causes import UNKNOWN, condition_in_words, line_in_words, rule_in_words, unit_of
from clinical.monitoring.rules import (
    COMBINATION,
    DIGITS,
    MAX_CONDITIONS,
    MAX_COUNT,
    MAX_DAYS,
    MAX_GRACE_HOURS,
    MAX_PLANNED_DAY,
    MEASUREMENT,
    PLACES,
    SHAPES,
)
from clinical.services.instruments import offered_instruments
from clinical.services.protocols import facts_by_code

KINDS = [
    (RuleKind.MEASUREMENT, pgettext_lazy("kind of a rule", "Threshold")),
    (RuleKind.AVERAGE, pgettext_lazy("kind of a rule", "Average")),
    (RuleKind.COMBINATION, pgettext_lazy("kind of a rule", "Combination")),
    (RuleKind.OVERDUE, pgettext_lazy("kind of a rule", "Overdue")),
    (RuleKind.REMARK, pgettext_lazy("kind of a rule", "Remark")),
]
FLAGS = [(flag.value, flag.label) for flag in reversed(Flag)]
OPERATORS = [
    (">", pgettext_lazy("comparison", "above")),
    (">=", pgettext_lazy("comparison", "at or above")),
    ("<", pgettext_lazy("comparison", "below")),
    ("<=", pgettext_lazy("comparison", "at or below")),
]
A_NUMBER, AN_INSTRUMENT = gettext_lazy("Enter a number."), gettext_lazy("Choose an instrument.")
TWO_CONDITIONS = format_lazy(gettext_lazy("A combination needs 2 to {most} conditions."), most=MAX_CONDITIONS)
# What can be wrong with these inputs once each is right by itself, without the words of JSON.
TOLD = {
    "instrument": gettext_lazy("Choose an instrument that gives numbers."),
    "from_day": gettext_lazy("The first day must not lie after the last one."),
}
UNFINISHED_CONDITION = gettext_lazy("Something is missing or wrong in a condition.")


@dataclass(frozen=True)
class Offered:
    """The instruments that rows offer: by code, with what rules need to know of them."""

    instruments: Mapping[str, Instrument]
    facts: Mapping[str, InstrumentFacts]

    @classmethod
    def by(cls, organization_id: int | None) -> "Offered":
        """Return those of an organization; none where that is not known yet."""
        found = offered_instruments(organization_id) if organization_id else {}
        return cls(found, facts_by_code(found) if found else {})

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The choices of a select."""
        return [("", _("Choose one")), *((code, row.name) for code, row in self.instruments.items())]


class InstrumentSelect(forms.Select):
    """A select of instruments, whose options tell the unit, and whether an instrument gives no numbers."""

    def __init__(self, instruments: Mapping[str, Instrument] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.instruments = instruments or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        row = self.instruments.get(str(value))
        if row is not None:
            option["attrs"] |= {"data-unit": unit_of(row.code, self.instruments)}
            option["attrs"] |= {} if row.kind == InstrumentKind.NUMERIC else {"data-choices": True}
        return option


def _instrument() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Instrument"),
        required=False,
        widget=InstrumentSelect(),
        error_messages={"required": AN_INSTRUMENT, "invalid_choice": AN_INSTRUMENT},
    )


def _comparison() -> forms.ChoiceField:
    words = gettext_lazy("Choose above or below.")
    return forms.ChoiceField(
        label=gettext_lazy("Comparison"),
        choices=OPERATORS,
        required=False,
        error_messages={"required": words, "invalid_choice": words},
    )


def _value() -> DecimalNumberField:
    names = ("required", "invalid", "max_digits", "max_whole_digits")
    return DecimalNumberField(
        label=gettext_lazy("Value"),
        localize=True,
        max_digits=DIGITS + PLACES,
        decimal_places=PLACES,
        required=False,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "size": 6}),
        error_messages=dict.fromkeys(names, A_NUMBER),
    )


def _whole(label: Any, asked: Any, least: int, most: int) -> WholeNumberField:
    """Return the field for a whole number. `asked` tells what is missing or wrong, with the limits as {least} and {most}."""
    words = format_lazy(asked, least=grouped(least), most=grouped(most))
    return WholeNumberField(
        label=label,
        min_value=least,
        max_value=most,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "size": 4}),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), words),
    )


def as_json(value: Any) -> Any:
    """Return the value of an input as a rule has it: numbers without a fraction are whole."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


class MonitoringRow(RowForm):
    """Base of the rows over instruments that are `offered`. `parts` are the names of what the row stands for."""

    parts: Iterable[str] = ()

    def __init__(self, *args: Any, offered: Offered, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.offered = offered
        chosen: Any = self.fields.get("instrument")
        if chosen is not None:
            stored = self.initial.get("instrument")
            gone = (
                [(stored, _("%(instrument)s (archived)") % {"instrument": stored})]
                if stored and stored not in offered.instruments
                else []
            )
            chosen.widget.instruments = offered.instruments
            chosen.choices = [*offered.choices, *gone]

    @classmethod
    def initial_of(cls, value: Any) -> dict[str, Any]:
        return {name: Decimal(str(part)) if name == "value" else part for name, part in value.items()}

    @property
    def unit(self) -> str:
        """The unit of the chosen instrument."""
        return unit_of(str(self["instrument"].value() or ""), self.offered.instruments)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in set(self.fields) & set(self.parts):
            if name not in self.errors and cleaned.get(name) in (None, ""):
                self.add_error(name, self.fields[name].error_messages["required"])
        if not self.errors:
            for fault in self.faults():
                words = TOLD.get(fault.name) or _("This %(fault)s.") % {"fault": fault.text}
                self.add_error(fault.name if fault.name in self.fields else None, words)
        return cleaned

    def faults(self) -> Iterable[Fault]:
        """Return what is wrong with what the row stands for, each part by itself being right."""
        raise NotImplementedError

    def as_item(self) -> dict[str, Any]:
        return {name: as_json(self.cleaned_data[name]) for name in self.parts}

    @property
    def words(self) -> str:
        """What the row stands for so far, in words."""
        raise NotImplementedError

    @property
    def sentence(self) -> str:
        """The words with a full stop, where they do not end in what is not known yet."""
        return self.words if self.words.endswith(UNKNOWN) else f"{self.words}."

    @property
    def is_changed(self) -> bool:
        """Whether the row stands for something else than when the form was opened."""
        draft = self.draft()
        return self.opened_with is not None and {name: self.opened_with.get(name) for name in draft} != draft

    def draft(self) -> dict[str, Any]:
        """Return what the row stands for so far, with UNKNOWN for what is missing or wrong."""
        self.is_valid()
        known = getattr(self, "cleaned_data", None) or {name: self[name].value() for name in self.fields}
        return {name: UNKNOWN if known.get(name) in (None, "") else as_json(known[name]) for name in self.parts}


class ConditionForm(MonitoringRow):
    """One condition of a combination."""

    blank_key = "__condition__"
    parts = ("instrument", "op", "value")

    instrument = _instrument()
    op = _comparison()
    value = _value()

    def faults(self) -> Iterable[Fault]:
        return condition_faults(self.as_item(), self.offered.facts)


class FlaggedRow(MonitoringRow):
    """Base of the rows that raise alerts of a flag."""

    flag = forms.ChoiceField(label=gettext_lazy("Flag"), choices=FLAGS)

    @property
    def chosen_flag(self) -> str:
        """The flag, that of a new row where it cannot be read."""
        flag = self["flag"].value()
        return flag if flag in dict(FLAGS) else FLAGS[0][0]

    @property
    def flag_label(self) -> str:
        """The name of the flag."""
        return str(dict(FLAGS)[self.chosen_flag])

    def rule(self) -> dict[str, Any]:
        """Return the rule that the row stands for so far, as `draft` does."""
        raise NotImplementedError

    @property
    def words(self) -> str:
        """The rule as a sentence without its flag: "when glucose is above 250 mg/dL"."""
        return condition_in_words(self.rule(), self.offered.instruments)

    @property
    def words_before(self) -> str:
        """The rule with which the form was opened as a sentence, "" where it is the same or new."""
        return rule_in_words(self.opened_with, self.offered.instruments) if self.is_changed else ""


class RuleForm(FlaggedRow):
    """A rule. All inputs of all kinds are there; those that the chosen kind does not need are hidden, and not read."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    instrument = _instrument()
    op = _comparison()
    value = _value()
    within_days = _whole(
        gettext_lazy("Days"), gettext_lazy("Say within how many days: a whole number from {least} to {most}."), 1, MAX_DAYS
    )
    window_days = _whole(
        gettext_lazy("Days"), gettext_lazy("Say over how many days: a whole number from {least} to {most}."), 1, MAX_DAYS
    )
    min_count = _whole(
        gettext_lazy("Number of values"),
        gettext_lazy("Say how many values are needed: a whole number from {least} to {most}."),
        1,
        MAX_COUNT,
    )
    grace_hours = _whole(
        gettext_lazy("Hours"), gettext_lazy("Say how many hours late: a whole number from {least} to {most}."), 0, MAX_GRACE_HOURS
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.conditions: Rows = Rows(
            f"{self.prefix}-all",
            ConditionForm,
            data=self.data if self.is_bound else None,
            value=(self.opened_with or {}).get("all", ()),
            longest=MAX_CONDITIONS,
            options={"offered": self.offered},
        )

    @property
    def chosen_kind(self) -> str:
        """The kind of the rule; that of a new one where it cannot be read."""
        kind = self["kind"].value()
        return kind if kind in SHAPES else KINDS[0][0]

    @property
    def parts(self) -> Iterable[str]:  # type: ignore[override]
        return [name for name in ("kind", *SHAPES[self.chosen_kind]) if name != "all"]

    def needs(self, name: str) -> bool:
        """Tell whether the chosen kind needs the input `name`, or the conditions, "all"."""
        return name in ("kind", *SHAPES[self.chosen_kind])

    def add_error(self, field: Any, error: Any) -> None:
        """Leave out what is wrong with an input that the chosen kind does not need."""
        if field is None or self.needs(field):
            super().add_error(field, error)

    def clean(self) -> dict[str, Any]:
        if self.needs("all"):
            if not 2 <= len(self.conditions) <= MAX_CONDITIONS:
                self.add_error(None, TWO_CONDITIONS)
            elif not self.conditions.is_valid():
                self.add_error(None, UNFINISHED_CONDITION)
        return super().clean()

    def faults(self) -> Iterable[Fault]:
        return rule_faults(self.as_item(), self.offered.facts)

    def as_item(self) -> dict[str, Any]:
        made = super().as_item()
        return {**made, "all": self.conditions.as_list()} if self.chosen_kind == COMBINATION else made

    def draft(self) -> dict[str, Any]:
        made = {**super().draft(), "kind": self.chosen_kind, "flag": self.chosen_flag}
        return {**made, "all": [row.draft() for row in self.conditions.rows]} if self.chosen_kind == COMBINATION else made

    def rule(self) -> dict[str, Any]:
        return self.draft()


class LimitForm(FlaggedRow):
    """A limit of the instrument whose code is `instrument`, "" where none is chosen yet: a rule without its choice."""

    parts = ("op", "value", "flag")

    op = _comparison()
    value = _value()

    def __init__(self, *args: Any, instrument: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.instrument = instrument

    def faults(self) -> Iterable[Fault]:
        return rule_faults(self.as_item(), self.offered.facts) if self.instrument else ()

    def as_item(self) -> dict[str, Any]:
        return {"kind": MEASUREMENT, "instrument": self.instrument, **super().as_item()}

    @property
    def unit(self) -> str:
        return unit_of(self.instrument, self.offered.instruments)

    def rule(self) -> dict[str, Any]:
        return {**self.draft(), "kind": MEASUREMENT, "instrument": self.instrument or UNKNOWN}


class LineForm(MonitoringRow):
    """A line of a schedule."""

    parts = ("instrument", "every_days", "from_day", "to_day")

    instrument = _instrument()
    every_days = _whole(
        gettext_lazy("Every so many days"),
        gettext_lazy("Say every how many days: a whole number from {least} to {most}."),
        1,
        MAX_PLANNED_DAY,
    )
    from_day = _whole(
        gettext_lazy("First day"),
        gettext_lazy("Say from which day on: a whole number from {least} to {most}."),
        0,
        MAX_PLANNED_DAY,
    )
    to_day = _whole(
        gettext_lazy("Last day"), gettext_lazy("Say up to which day: a whole number from {least} to {most}."), 0, MAX_PLANNED_DAY
    )

    def faults(self) -> Iterable[Fault]:
        return line_faults(self.as_item(), self.offered.facts)

    @property
    def words(self) -> str:
        """The line as a sentence."""
        return line_in_words(self.draft(), self.offered.instruments)
