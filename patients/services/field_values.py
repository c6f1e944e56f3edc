"""Setting the values of custom fields."""

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import record_change
from accounts.scope import Actor
from config.core.decimals import with_whole_numbers
from config.core.exceptions import Invalid
from config.core.text import is_blank
from patients.models import FieldDefinition, FieldType, FieldValue, Patient
from patients.services.locking import lock_patient

# In characters.
MAX_TEXT = 10_000
# Up to this number, JSON readers that use doubles represent every integer exactly.
MAX_NUMBER = 2**53 - 1


@transaction.atomic
def set_field_values(*, actor: Actor, patient_id: int, values: Mapping[int, Any]) -> None:
    """Set custom fields of a patient, by the ids of definitions in the actor's scope; null clears a field.

    All are set or none. An unchanged value is left alone; any other raises the version by one, without a check of versions:
    the last writer wins. Raises NotFound, or Invalid with ids of definitions, as text, as its fields.
    """
    patient = lock_patient(patient_id)
    definitions = FieldDefinition.objects.in_bulk(list(values))
    accepted = _accepted(definitions, values)
    written = _upsert(patient, accepted)
    changed = [definitions[row.field_definition_id].name for row in written]
    record_change(actor, "field_value.upsert", written, event="field_value.updated", changed=changed, patient=patient)


def _upsert(patient: Patient, values: Mapping[int, Any]) -> list[FieldValue]:
    """Write the values that differ from the stored ones, and return their rows.

    The patient's row is locked, so that no other service writes in between. Rows are locked and written in the order of
    their definitions, which prevents deadlocks with writers that do not lock the patient.
    """
    wanted = sorted(values)
    rows = FieldValue.objects.select_for_update().filter(patient=patient, field_definition_id__anyof=wanted)
    stored = {row.field_definition_id: row for row in rows.order_by("field_definition_id")}
    written = [
        FieldValue(
            organization_id=patient.organization_id,
            patient=patient,
            field_definition_id=pk,
            value=values[pk],
            version=stored[pk].version + 1 if pk in stored else 1,
        )
        for pk in wanted
        if pk not in stored or not _same(stored[pk].value, values[pk])
    ]
    FieldValue.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["patient", "field_definition"],
        update_fields=["value", "version", "updated_at"],
    )
    for row in written:
        # An existing row keeps its UUID.
        row.uuid = stored.get(row.field_definition_id, row).uuid
    return written


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal in JSON, where true is not 1."""
    return json.dumps(one) == json.dumps(other)


# --- what a field takes -----------------------------------------------------------------------------


def _accepted(definitions: Mapping[int, FieldDefinition], values: Mapping[int, Any]) -> dict[int, Any]:
    """Return the values as they are stored. Raises Invalid with the errors of all values."""
    faults = {str(pk): [fault] for pk, value in values.items() if (fault := fault_of(definitions[pk], value))}
    if faults:
        raise Invalid(faults)
    return {pk: with_whole_numbers(value) for pk, value in values.items()}


def fault_of(definition: FieldDefinition, value: Any) -> str:
    """Return the error message for the JSON value `value`, or "" if it is valid."""
    if value is None or (definition.is_required and (value == [] or (isinstance(value, str) and is_blank(value)))):
        return _("A required field cannot be left empty.") if definition.is_required else ""
    fits, fault = _RULES[FieldType(definition.field_type)]
    return "" if fits(value, definition.dropdown_options or []) else fault % {"length": MAX_TEXT, "number": MAX_NUMBER}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _is_date(value: Any) -> bool:
    try:
        # Python parses other forms of ISO 8601 too, but formats only this one.
        return isinstance(value, str) and datetime.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _are_options(value: Any, options: Sequence[str]) -> bool:
    if (
        not isinstance(value, list)
        or len(value) > len(options)
        or not all(isinstance(one, str) and one in options for one in value)
    ):
        return False
    return len(set(value)) == len(value)


# Field type -> (check of a value, given the options; error message).
_RULES: dict[FieldType, tuple[Callable[[Any, Sequence[str]], bool], Any]] = {
    FieldType.TEXT: (
        lambda value, options: isinstance(value, str) and len(value) <= MAX_TEXT,
        gettext_lazy("This must be a text of at most %(length)s characters."),
    ),
    FieldType.NUMBER: (
        lambda value, options: _is_number(value),
        gettext_lazy("This must be a number between -%(number)s and %(number)s."),
    ),
    FieldType.DATE: (lambda value, options: _is_date(value), gettext_lazy("This must be a date, YYYY-MM-DD.")),
    FieldType.BOOLEAN: (lambda value, options: isinstance(value, bool), gettext_lazy("This must be true or false.")),
    FieldType.DROPDOWN: (
        lambda value, options: isinstance(value, str) and value in options,
        gettext_lazy("This must be one of the options of the field."),
    ),
    FieldType.MULTI_SELECT: (_are_options, gettext_lazy("This must be a list of different options of the field.")),
}
