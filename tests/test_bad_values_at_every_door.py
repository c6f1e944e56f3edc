"""The same bad values at every door: refused, the field named, nothing stored.

What is bad for a column follows from the column, so that a new one is tried by itself. Which values the fields of bodies refuse
for their kind is tried at length in rest/test_bad_values.py; this is about the doors.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django import forms

from config.core.exceptions import Invalid
from patients.models import Patient
from patients.services.patients import update_patient
from tests.bad_values import NOTHING_VISIBLE, UNREADABLE, bad_values, is_text
from tests.doors import COLUMNS, DOORS, ELSEWHERE, Door, ImportFile, LongForm, LongFormChange
from tests.factories import SYSTEM


def wrong_rows(door: Door) -> Iterator[dict[str, Any]]:
    """Yield rows in which every value is bad: of all columns together where the door names every fault, else one by one."""
    bad = {name: bad_values(COLUMNS[name], as_json=door.speaks_json) + door.further.get(name, []) for name in door.columns}
    if door.many_faults:
        turns = range(max(map(len, bad.values())))
        yield from ({name: values[turn % len(values)] for name, values in bad.items()} for turn in turns)
    else:
        yield from ({name: value} for name, values in bad.items() for value in values)


def unreadable_rows(door: Door) -> Iterator[dict[str, Any]]:
    """Yield rows of texts that no database keeps."""
    texts = [name for name in door.columns if is_text(COLUMNS[name])]
    for value in UNREADABLE[: 2 if door.speaks_json else 1]:
        yield from ([dict.fromkeys(texts, value)] if door.many_faults else [{name: value} for name in texts])


def stored() -> list[dict]:
    return list(Patient.objects.order_by("pk").values())


def misnamed(rows: list[dict[str, Any]], named: list[set[str]]) -> list[tuple[str, str]]:
    """Return the columns, with what was offered for them, that a refusal of `rows` left out or named for nothing."""
    pairs = zip(rows, named, strict=True)
    return [(name, repr(row.get(name))[:40]) for row, names in pairs for name in sorted(names ^ row.keys())]


def at(doors: list[type[Door]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", doors, ids=lambda door: door.__name__)


at_every_door = at(DOORS)
# The form of a change reads single values by the fields of the form of a new patient, as a test proves.
at_every_reader = at([door for door in DOORS if door is not LongFormChange])


def test_the_form_of_a_change_reads_values_by_the_same_fields_as_that_of_a_new_patient(clinic, tmp_path):
    new, change = LongForm(clinic, tmp_path).form, LongFormChange(clinic, tmp_path)
    assert written(type(change.form)) == written(type(new)) != []
    assert len(change.columns) > 60
    assert [name for name in change.columns if rules_of(change.form.fields[name]) != rules_of(new.fields[name])] == []


def written(form: type) -> list[type]:
    """Return the classes of a form that stand in the source; Django makes one more for each page."""
    return [base for base in form.__mro__ if base.__module__.startswith(("patients.", "accounts."))]


def rules_of(field: forms.Field) -> tuple:
    """Return what a field of a form refuses values by."""
    offered = list(field.queryset) if isinstance(field, forms.ModelChoiceField) else getattr(field, "choices", None)
    return type(field), field.required, field.disabled, field.validators, offered, type(field.widget)


@at_every_reader
def test_a_bad_value_is_refused_and_its_field_named(clinic, tmp_path, make):
    door = make(clinic, tmp_path)
    before = stored()
    for rows in map(list, (wrong_rows(door), unreadable_rows(door))):
        assert misnamed(rows, door.refused(rows)) == []
    assert stored() == before


@at_every_reader
def test_a_name_of_nothing_visible_is_refused_and_named(clinic, tmp_path, make):
    door = make(clinic, tmp_path)
    before, rows = stored(), [dict.fromkeys(("first_name", "last_name"), value) for value in NOTHING_VISIBLE]
    assert misnamed(rows, door.refused(rows)) == []
    assert stored() == before


AGAINST_RULES: list[tuple[dict[str, Any], str]] = [
    ({"date_of_birth": "2999-01-01"}, "date_of_birth"),
    ({"date_of_birth": "1851-01-01"}, "date_of_birth"),
    ({"date_time_deceased": "2020-01-01T09:00:00Z"}, "date_time_deceased"),  # of an active patient
    ({"status": "deceased", "date_time_deceased": "2999-01-01T09:00:00Z"}, "date_time_deceased"),
    (
        {"status": "deceased", "date_of_birth": "2000-01-01", "date_time_deceased": "1990-01-01T09:00:00Z"},
        "date_time_deceased",
    ),
    ({"status": "archived"}, "status"),
]
"""Values that are right by themselves and break a rule -> the field that is to blame."""


@at_every_door
def test_what_breaks_a_rule_is_refused_and_its_field_named(clinic, tmp_path, make):
    door = make(clinic, tmp_path)
    fitting = [(row, field) for row, field in AGAINST_RULES if row.keys() <= door.columns.keys()]
    fitting = [(row, field) for row, field in fitting if door.creates or "status" not in row]
    before = stored()
    named = door.refused([row for row, _ in fitting])
    assert named == [{field} for _, field in fitting]
    assert stored() == before


def test_every_column_is_tried_at_some_door(clinic, tmp_path):
    doors = [make(clinic, tmp_path) for make in DOORS if make.creates]
    assert {name for door in doors for name in door.columns} == COLUMNS.keys() - ELSEWHERE
    assert all(bad_values(COLUMNS[name], as_json=True) for door in doors for name in door.columns)
    assert ImportFile.columns.keys() > {"balance_total", "care_group", "medicaid_id"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "nobody"),
        ("city", "x" * 256),
        ("gender", "no such word"),
        ("billing_cycle_day", 32),
        ("balance_total", Decimal(10) ** 11),
        ("timezone", "Mars/Olympus"),
    ],
)
def test_the_service_refuses_what_no_serializer_or_form_has_seen(clinic, name, value):
    patient = clinic.patient()
    with pytest.raises(Invalid) as made:
        clinic.patient(**{name: value})
    with pytest.raises(Invalid) as changed:
        update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=1, changes={name: value})
    assert made.value.errors.keys() == changed.value.errors.keys() == {name}
