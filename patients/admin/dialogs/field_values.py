"""The dialog of the organization's own fields of a patient."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.fields import LocalDateField
from accounts.admin.forms import DecimalNumberField
from patients.admin.dialogs.base import ChartDialog, ChartForm, chart_dialog
from patients.models import FieldDefinition, FieldType, FieldValue
from patients.services.field_values import MAX_TEXT, set_field_values

YES_OR_NO = [("", _("Not known")), ("true", _("Yes")), ("false", _("No"))]


def _options(definition: FieldDefinition) -> list[tuple[str, str]]:
    return [(option, option) for option in definition.dropdown_options or ()]


# Field type -> the form field of a definition, which is required in so far as the definition says.
FIELDS: dict[str, Callable[[FieldDefinition], forms.Field]] = {
    FieldType.TEXT: lambda definition: forms.CharField(max_length=MAX_TEXT),
    FieldType.NUMBER: lambda definition: DecimalNumberField(localize=True, widget=forms.TextInput({"inputmode": "decimal"})),
    FieldType.DATE: lambda definition: LocalDateField(),
    FieldType.BOOLEAN: lambda definition: forms.ChoiceField(choices=YES_OR_NO),
    FieldType.DROPDOWN: lambda definition: forms.ChoiceField(choices=[("", _("Not known")), *_options(definition)]),
    FieldType.MULTI_SELECT: lambda definition: forms.MultipleChoiceField(
        choices=_options(definition), widget=forms.CheckboxSelectMultiple
    ),
}


class OwnFieldsForm(ChartForm):
    """One field for each definition, named by its id, as services name faults."""

    def __init__(self, *args, definitions: list[FieldDefinition], **kwargs):
        self.definitions = definitions
        vars(self)["base_fields"] = {str(definition.pk): _field(definition) for definition in definitions}
        super().__init__(*args, **kwargs)

    def written(self) -> dict[int, Any]:
        """Return definition id -> new value as it is stored, of the fields that were changed."""
        types = {str(definition.pk): definition.field_type for definition in self.definitions}
        return {int(name): as_stored(types[name], self.cleaned_data[name]) for name in self.changed_data}


def _field(definition: FieldDefinition) -> forms.Field:
    field = FIELDS[definition.field_type](definition)
    field.label, field.help_text = definition.name, definition.description or ""
    field.required = definition.is_required
    return field


def as_stored(field_type: str, value: Any) -> Any:
    """Return a cleaned value in the JSON form of the type, None for none."""
    if value in (None, "", []):
        return None
    if field_type == FieldType.BOOLEAN:
        return value == "true"
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def as_initial(field_type: str, value: Any) -> Any:
    """Return a stored value as the initial one of its field."""
    if value is None:
        return None
    if field_type == FieldType.BOOLEAN:
        return "true" if value else "false"
    return datetime.date.fromisoformat(value) if field_type == FieldType.DATE else value


@chart_dialog("fields", "add")
class OwnFieldsDialog(ChartDialog):
    """Filling the organization's own fields in."""

    title, form_class, blocks = _("Own fields"), OwnFieldsForm, ("tags",)

    def get_form_kwargs(self) -> dict[str, Any]:
        rows = FieldDefinition.objects.filter(organization_id=self.patient.organization_id, deleted_at=None)
        definitions = list(rows.order_by(*map(str, FieldDefinition._meta.ordering or ())))
        return {**super().get_form_kwargs(), "definitions": definitions}

    def get_initial(self) -> dict[str, Any]:
        rows = FieldValue.objects.filter(patient=self.patient).select_related("field_definition")
        return {str(row.field_definition_id): as_initial(row.field_definition.field_type, row.value) for row in rows}

    @property
    def hint(self) -> str:  # type: ignore[override]
        """What to do where there are none."""
        there = FieldDefinition.objects.filter(organization_id=self.patient.organization_id, deleted_at=None).exists()
        return "" if there else gettext("The clinic has no fields of its own. An administrator defines them in the catalogs.")

    def save(self, form: Any) -> str:
        set_field_values(actor=self.actor, patient_id=self.patient.pk, values=form.written())
        return gettext("The fields were saved.")
