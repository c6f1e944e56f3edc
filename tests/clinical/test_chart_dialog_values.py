"""Bad values in the dialogs of a chart: each field alone holds one, and is named; nothing is stored.

What is bad follows from the fields of the forms, and how long a text may be from the columns, so that new ones are tried too.
"""

import re
from typing import Any

import pytest
from django import forms
from django.db import models

from accounts.admin.fields import LocalDateField, LocalDateTimeField, LocalTimeField
from accounts.admin.forms import WrittenNumber
from clinical.models import Instrument
from config.core.orm import has_column
from patients.admin.dialogs.lookups import CatalogField
from patients.models import FieldDefinition, TagDefinition
from tests.clinical.chart_dialogs import Dialogs, errors_of
from tests.clinical.test_chart_dialogs import CORRECTED, KINDS, added
from tests.sweeps import swept

UNKNOWN = ["no such word"]
NUMBERS = ["NaN", "9" * 30]
DAYS = ["2023-02-30", "nope"]
CLOCKS = ["25:61"]
# The second one is of a night in which the clocks of New York are set forward.
MOMENTS = [("2023-02-30", "09:00"), ("2024-03-10", "02:30")]


@pytest.fixture
def dialogs(clinic) -> Dialogs:
    for model in (FieldDefinition, TagDefinition, Instrument):
        clinic.row(model)
    return Dialogs(clinic, clinic.patient(care_group_id=clinic.group.pk))


def bad_inputs(name: str, field: forms.Field, model: type[models.Model]) -> list[dict[str, Any]]:
    """Return what is sent in place of a good value of `field`; nothing for a box to tick, which takes anything."""
    if isinstance(field, LocalDateTimeField):
        return [{name: day, f"{name}_time": clock} for day, clock in MOMENTS]
    return [{name: value} for value in _bad_values(name, field, model)]


def _bad_values(name: str, field: forms.Field, model: type[models.Model]) -> list[str]:
    if isinstance(field, forms.BooleanField):
        return []
    by_kind = {LocalDateField: DAYS, LocalTimeField: CLOCKS, WrittenNumber: NUMBERS}
    found = next((values for kind, values in by_kind.items() if isinstance(field, kind)), None)
    if found is not None:
        return found
    if isinstance(field, forms.CharField) or (isinstance(field, CatalogField) and field.in_words):
        return ["x" * (longest(name, field, model) + 1), "a\x00b"]
    return UNKNOWN


def longest(name: str, field: Any, model: type[models.Model]) -> int:
    """Return how many characters the column takes, of a field that is no column as many as it says itself."""
    return model._meta.get_field(name).max_length if has_column(model, name) else field.max_length  # type: ignore[return-value]


def tried(form: Any, model: type[models.Model]) -> list[tuple[str, dict[str, Any]]]:
    """Return (field, inputs) for each bad value of each field that a person sees; of several alike lines the first."""
    further = re.compile(r".*_([2-9]|\d\d+)")
    fields = {name: field for name, field in form.fields.items() if name != "base_version" and not further.fullmatch(name)}
    return [(name, inputs) for name, field in fields.items() for inputs in bad_inputs(name, field, model)]


def stored(model: type[models.Model]) -> list[dict]:
    return list(model._base_manager.order_by("pk").values())


def wrongly_answered(dialogs: Dialogs, kind: str, entry: Any, verb: str, good: dict[str, Any]) -> list[tuple]:
    """Return the fields and inputs that a dialog has taken, or for which it has blamed another field."""
    opened = dialogs.open(kind, entry, verb)
    found = []
    for name, inputs in tried(opened.context["form"], KINDS[kind].model):
        shown = dialogs.again(opened, kind, entry, verb, **{**good, **inputs})
        if shown.status_code != 422 or errors_of(shown).keys() != {name}:
            found.append((name, str(inputs)[:60], shown.status_code, errors_of(shown)))
    return found


@swept("kind", KINDS, ["allergy"])
def test_a_bad_value_of_a_new_entry_is_refused_and_its_field_named(dialogs, kind):
    good = KINDS[kind].added(dialogs.clinic)
    before = stored(KINDS[kind].model)
    assert wrongly_answered(dialogs, kind, None, "add", good) == []
    assert stored(KINDS[kind].model) == before


@swept("kind", CORRECTED, ["allergy"])
def test_a_bad_value_of_a_correction_is_refused_and_its_field_named(dialogs, kind):
    entry = added(dialogs, kind)
    before = stored(KINDS[kind].model)
    assert wrongly_answered(dialogs, kind, entry, "correct", {}) == []
    assert stored(KINDS[kind].model) == before
