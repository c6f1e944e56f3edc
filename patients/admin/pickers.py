"""A form field for one patient: a combobox that finds people while somebody types."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor
from config.core.orm import is_id
from patients.finding import find_patient
from patients.labels import label_of
from patients.models import Patient


class PatientPicker(forms.Widget):
    """A text input that finds patients (`combobox.js`), and the chosen one's id as the value.

    `label` is the text for the id that the form has when it is shown.
    """

    template_name = "admin/patients/picker.html"
    label = ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        return {**context, "label": self.label, "chosen": value if self.label else ""}


class PatientField(forms.Field):
    """An unarchived patient in the scope of `actor`, whom a form sets when it is made: `self.fields["patient"].actor = actor`.

    Cleans to a Patient with the columns that rows of patients show (`patients.finding.COLUMNS`), or None. Whoever is shown is
    audited as found.
    """

    widget = PatientPicker
    default_error_messages = {
        "required": _("Choose a patient from the list."),
        "invalid_choice": _("This patient is not there any more, or not visible to you. Choose one from the list."),
    }
    actor: Actor

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        """Give the widget the label of the patient whom the form has."""
        bound = super().get_bound_field(form, field_name)
        patient = self._patient(bound.value())
        self.widget.label = label_of(patient, timezone.localdate()) if patient else ""
        return bound

    def prepare_value(self, value: Any) -> Any:
        return value.pk if isinstance(value, Patient) else value

    def to_python(self, value: Any) -> Patient | None:
        if value in self.empty_values:
            return None
        patient = self._patient(value)
        if patient is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return patient

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "") != str(data or "")

    def _patient(self, value: Any) -> Patient | None:
        return find_patient(self.actor, int(value)) if is_id(str(value or "")) else None
