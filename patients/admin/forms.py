"""The form of a patient."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin.forms import VersionedForm
from patients.models import Status
from patients.services.rules import SEALED


def _sealed(label: str) -> forms.CharField:
    """Return an input for a number that is stored encrypted and never put back into the page."""
    return forms.CharField(
        label=label,
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Enter one to set or replace what is stored.",
    )


class PatientForm(VersionedForm):
    """A patient's own columns, and inputs for the sealed numbers."""

    status = forms.ChoiceField(
        choices=[choice for choice in Status.choices if choice[0] != Status.ARCHIVED],
        initial=Status.ACTIVE,
        widget=UnfoldAdminSelectWidget,
    )
    social_security_number = _sealed("New social security number")
    medicaid_id = _sealed("New medicaid id")
    bsn = _sealed("New citizen service number")

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the services take it."""
        entered = {name: self.cleaned_data[name] for name in SEALED if self.cleaned_data.get(name)}
        return {**self.changes(), **entered}
