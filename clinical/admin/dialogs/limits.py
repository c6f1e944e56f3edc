"""Dialogs of one patient's own limits, which replace those of the protocol for one instrument."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404
from django.urls import reverse

from accounts.admin.forms import DecimalNumberField
from clinical.admin.dialogs.measurements import instrument_choices
from clinical.models import Flag, RuleKind, RuleOverride
from clinical.monitoring.causes import COMPARISONS
from clinical.monitoring.rules import MEASUREMENT, Rule
from clinical.services.monitoring.context import monitoring_context
from clinical.services.overrides import create_override, update_override
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog

BLOCKS = ("monitoring", "measurements")
# Lines of an empty form, and of the longest.
ROWS, MAX_ROWS = 4, 20
OPERATORS = [("", ""), *((op, COMPARISONS[op]) for op in (">", ">=", "<", "<="))]
FLAGS = [("", ""), *((flag.value, flag.label) for flag in reversed(Flag))]


class LimitsForm(ChartForm):
    """Lines of operator, value and flag. Lines that are left empty are no limits."""

    instrument = forms.ChoiceField()
    none = forms.BooleanField(label="No limits: the protocol's are switched off for this patient", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        instrument: Any = self.fields["instrument"]
        instrument.choices = [("", "Choose one"), *instrument_choices(self.patient.organization_id, numeric=True)]
        swap = {"hx-target": "#limit-rows", "hx-select": "#limit-rows", "hx-swap": "outerHTML"}
        instrument.widget.attrs |= {"hx-get": reverse("admin:chart_add", args=[self.patient.pk, "limits"]), **swap}
        if self.entry is not None:
            del self.fields["instrument"]
        held = sum(name.startswith("op_") for name in (self.data if self.is_bound else self.initial))
        self.numbers = range(1, min(max(held, ROWS), MAX_ROWS) + 1)
        for number in self.numbers:
            self.fields[f"op_{number}"] = forms.ChoiceField(label=f"Limit {number}", choices=OPERATORS, required=False)
            self.fields[f"value_{number}"] = DecimalNumberField(
                label="Value", max_digits=12, decimal_places=3, required=False, widget=forms.TextInput({"inputmode": "decimal"})
            )
            self.fields[f"flag_{number}"] = forms.ChoiceField(label="Flag", choices=FLAGS, required=False)

    def lines(self) -> Iterator[list[forms.BoundField]]:
        """Yield the fields of each line."""
        for number in self.numbers:
            yield [self[f"{part}_{number}"] for part in ("op", "value", "flag")]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for number in self.numbers:
            parts = {part: cleaned.get(f"{part}_{number}") for part in ("op", "value", "flag")}
            given = [value not in (None, "") for value in parts.values()]
            if any(given) and not all(given) and not self.errors:
                self.add_error(f"op_{number}", "A limit needs all three: above or below, a value, and a flag.")
        if not self.errors and bool(self._limits()) == bool(cleaned.get("none")):
            raise forms.ValidationError("Enter a limit, or tick that there is none.")
        return cleaned

    def _limits(self) -> list[dict[str, Any]]:
        parts = ("op", "value", "flag")
        rows = [{part: self.cleaned_data.get(f"{part}_{number}") for part in parts} for number in self.numbers]
        return [row for row in rows if row["op"]]

    def rules(self, code: str) -> list[dict[str, Any]]:
        """Return the limits as rules of monitoring."""
        about = {"kind": MEASUREMENT, "instrument": code}
        return [{**about, **limit, "value": _as_json(limit["value"])} for limit in self._limits()]


def _as_json(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def as_initial(rules: Sequence[Rule]) -> dict[str, Any]:
    """Return rules of one instrument as the initial values of the lines."""
    return {
        f"{part}_{number}": Decimal(str(rule[part])) if part == "value" else rule[part]
        for number, rule in enumerate(rules, start=1)
        for part in ("op", "value", "flag")
    }


@chart_dialog("limits", "add", "correct")
class LimitsDialog(EntryDialog):
    """Giving a patient limits of their own. A new one begins with what holds for them now."""

    template_name = "admin/clinical/dialogs/limits.html"
    model, form_class, blocks, noun = RuleOverride, LimitsForm, BLOCKS, "patient's own limits"
    constraint_fields = {
        "rule_override_one_an_instrument": ("instrument", "The patient has own limits of this already: correct those.")
    }

    def get_title(self) -> str:
        return f"Own limits: {self.entry.instrument.name}" if self.entry else "Own limits of this patient"

    def find_entry(self, entry_id: int) -> RuleOverride:
        entry = super().find_entry(entry_id)
        if entry.kind != RuleKind.MEASUREMENT or len(entry.rules) > MAX_ROWS:
            raise Http404
        return entry

    def get_initial(self) -> dict[str, Any]:
        if self.entry is not None:
            return {**as_initial(self.entry.rules), "none": not self.entry.rules}
        code = self.request.GET.get("instrument", "")
        context = monitoring_context(self.patient) if code else None
        held = context.rules if context else []
        mine = [rule for rule in held if (rule["kind"], rule.get("instrument")) == (MEASUREMENT, code)]
        return {"instrument": code, **as_initial(mine)}

    def create(self, form: Any) -> RuleOverride:
        code = form.cleaned_data["instrument"]
        rules = form.rules(code)
        return create_override(actor=self.actor, patient_id=self.patient.pk, kind=MEASUREMENT, instrument=code, rules=rules)

    def change(self, form: Any) -> None:
        changes = {"rules": form.rules(self.entry.instrument.code)}
        update_override(**self.named(), base_version=form.cleaned_data["base_version"] or 0, changes=changes)

    def label(self, form: Any) -> str:
        return "The patient's own limits"

    def save(self, form: Any) -> str:
        super().save(form)
        return "The patient's own limits were saved."


@chart_dialog("limits", "archive")
class ArchiveLimits(ArchiveDialog):
    """Going back to the protocol's limits."""

    model, blocks, submit_label = RuleOverride, BLOCKS, "Use the protocol's"
    hint = "From now on the limits of the protocol hold again."

    def get_title(self) -> str:
        return "End own limits"

    def describe(self, entry: RuleOverride) -> str:
        return f"Own limits of {entry.instrument.name}" if entry.instrument else "Own rules"
