"""Dialogs of allergies: add, correct, archive, and stating that none is known or that they were reviewed."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.dialogs import Warning
from accounts.admin.fields import LocalDateField
from clinical.admin.dialogs.warnings import as_warnings
from clinical.models import Allergy, AllergyDefinition
from clinical.services.allergies import create_allergy, review_allergies, update_allergy
from clinical.services.issues import issues_of_allergy
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.dialogs.lookups import CatalogField
from patients.models import AllergyReviewStatus

BLOCKS = ("allergies", "banner")
SEVERITIES = [
    ("", gettext_lazy("Not recorded")),
    ("mild", pgettext_lazy("severity of an allergy", "Mild")),
    ("moderate", pgettext_lazy("severity of an allergy", "Moderate")),
    ("severe", pgettext_lazy("severity of an allergy", "Severe")),
]


class AllergyForm(ChartForm):
    """An allergy or intolerance. Its severity may have come in other words, which stay until another is chosen."""

    allergy_definition = CatalogField(AllergyDefinition, label=gettext_lazy("Allergic to"))
    reaction = forms.CharField(
        label=gettext_lazy("Reaction"),
        max_length=NOTE_LENGTH,
        required=False,
        widget=forms.TextInput({"placeholder": gettext_lazy("rash")}),
    )
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), choices=SEVERITIES, required=False)
    date_adverse_reaction = LocalDateField(label=gettext_lazy("Date of the reaction"), required=False)
    status_is_active = forms.BooleanField(label=gettext_lazy("Active"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.entry is None:
            del self.fields["status_is_active"]
            return
        severity: Any = self.fields["severity"]
        if self.entry.severity and self.entry.severity not in dict(SEVERITIES):
            severity.choices = [*SEVERITIES, (self.entry.severity, self.entry.severity)]

    def clean_severity(self) -> str | None:
        return self.cleaned_data["severity"] or None


@chart_dialog("allergy", "add", "correct")
class AllergyDialog(EntryDialog):
    """Adding or correcting an allergy."""

    template_name = "admin/clinical/dialogs/allergy.html"
    model, form_class, blocks = Allergy, AllergyForm, BLOCKS
    layout = (("allergy_definition",), ("reaction", "severity"))
    create_service = staticmethod(create_allergy)
    update_service = staticmethod(update_allergy)

    def warnings(self, form: Any) -> list[Warning]:
        written = form.values() if self.entry is None else form.changes()
        return as_warnings(issues_of_allergy(self.patient, written, self.entry))

    def label(self, form: Any) -> str:
        return _("The allergy to %(name)s") % {"name": form.cleaned_data["allergy_definition"].name}


@chart_dialog("allergy", "archive")
class ArchiveAllergy(ArchiveDialog):
    """Archiving an allergy."""

    model, blocks = Allergy, BLOCKS
    hint = gettext_lazy("For what was entered by mistake. An allergy that was ruled out is corrected to inactive instead.")

    def describe(self, entry: Allergy) -> str:
        return _("Allergy to %(name)s") % {"name": entry.allergy_definition.name}


class ReviewDialog(ChartDialog):
    """Base of the dialogs that state what a review of the allergies has found."""

    blocks = BLOCKS
    status = AllergyReviewStatus.REVIEWED
    message = gettext_lazy("Allergies were reviewed.")

    def save(self, form: Any) -> str:
        review_allergies(actor=self.actor, patient_id=self.patient.pk, status=self.status)
        return str(self.message)


@chart_dialog("no-known-allergies", "add")
class NoKnownAllergies(ReviewDialog):
    """Stating that no allergy to a drug is known."""

    title = submit_label = gettext_lazy("No known drug allergies")
    status, message = AllergyReviewStatus.NKDA, gettext_lazy("No drug allergies are known.")
    hint = gettext_lazy(
        "States that the patient was asked, and that no drug allergy is known. One to food or in the environment may be."
    )


@chart_dialog("allergies-reviewed", "add")
class AllergiesReviewed(ReviewDialog):
    """Stating that the recorded allergies were reviewed."""

    title, submit_label = gettext_lazy("Allergies reviewed"), gettext_lazy("Reviewed today")
    hint = gettext_lazy("States that the recorded allergies were gone through with the patient.")
