"""The form of a patient."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts.admin.forms import VersionedForm
from accounts.models import Organization
from patients.labels import label_of
from patients.likeness import find_likenesses
from patients.models import Patient, Status
from patients.services.rules import SEALED


def _sealed(label: Any) -> forms.CharField:
    """Return an input for a number that is stored encrypted and never put back into the page."""
    return forms.CharField(
        label=label,
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Enter one to set or replace what is stored."),
    )


def text_field(label: Any, *, column: str, required: bool = False, kind: str = "text", **options: Any) -> forms.CharField:
    """Return an input for text of a column of the patient, as long as that; `kind` is its type in HTML."""
    stored: Any = Patient._meta.get_field(column)
    widget = forms.TextInput({"autocomplete": "off", "type": kind})
    return forms.CharField(label=label, required=required, max_length=stored.max_length, widget=widget, **options)


class PatientForm(VersionedForm):
    """A patient's own columns, and inputs for the sealed numbers."""

    status = forms.ChoiceField(
        label=_("Status"),
        choices=[choice for choice in Status.choices if choice[0] != Status.ARCHIVED],
        initial=Status.ACTIVE,
        widget=UnfoldAdminSelectWidget,
    )
    someone_else = forms.BooleanField(
        label=_("I compared them: this is someone else"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    social_security_number = _sealed(_("New social security number"))
    medicaid_id = _sealed(_("New medicaid id"))
    bsn = _sealed(_("New citizen service number"))

    def clean(self) -> dict[str, Any]:
        """Refuse a new patient who looks like another one, until somebody says that they have compared them."""
        cleaned = super().clean()
        if self.instance.pk is None and not self.errors and not cleaned.get("someone_else"):
            organization = Organization.objects.filter(pk=self.organization_id).first()
            alike = find_likenesses(self.actor, organization, self.values()) if organization else []
            if alike:
                named = "; ".join(label_of(one.patient, timezone.localdate()) for one in alike)
                message = gettext("This may be the same person: %(named)s. Compare them, then say so here.")
                self.add_error("someone_else", message % {"named": named})
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the services take it."""
        entered = {name: self.cleaned_data[name] for name in SEALED if self.cleaned_data.get(name)}
        return {**self.changes(), **entered}
