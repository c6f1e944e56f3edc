"""Dialogs of problems: add, correct, resolve, archive."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.dialogs import Warning
from accounts.admin.fields import LocalDateField
from clinical.admin.dialogs.warnings import as_warnings
from clinical.models import Disease, DiseaseDefinition, ProblemStatus
from clinical.services.diseases import resolve_problem
from clinical.services.issues import issues_of_problem
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.dialogs.lookups import CatalogField

BLOCKS = ("problems",)


class ProblemForm(ChartForm):
    """A disease or other problem, by name or code."""

    disease_definition = CatalogField(
        DiseaseDefinition, label=gettext_lazy("Problem"), help_text=gettext_lazy("By its name or its code.")
    )
    date_start = LocalDateField(label=gettext_lazy("Onset"), required=False)
    date_stop = LocalDateField(label=gettext_lazy("Until"), required=False)
    problem_status = forms.ChoiceField(label=gettext_lazy("Status"), choices=[(one.value, one.label) for one in ProblemStatus])
    patient_note = forms.CharField(
        label=gettext_lazy("Note"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.entry is None:
            del self.fields["problem_status"], self.fields["date_stop"]


@chart_dialog("problem", "add", "correct")
class ProblemDialog(EntryDialog):
    """Adding or correcting a problem."""

    model, form_class, blocks, noun = Disease, ProblemForm, BLOCKS, gettext_lazy("problem")
    layout = (("disease_definition",), ("date_start", "date_stop"))
    constraint_fields = {"disease_dates_in_order": ("date_stop", gettext_lazy("A problem ends on or after the day it began."))}

    def warnings(self, form: Any) -> list[Warning]:
        written = form.values() if self.entry is None else form.changes()
        return as_warnings(issues_of_problem(self.patient, written, self.entry))

    def label(self, form: Any) -> str:
        return form.cleaned_data["disease_definition"].name


class ResolveForm(ChartForm):
    """When a problem ended."""

    date_stop = LocalDateField(label=gettext_lazy("Resolved on"))


@chart_dialog("problem", "resolve")
class ResolveDialog(ChartDialog):
    """Resolving a problem."""

    model, form_class, blocks, versioned, submit_label = Disease, ResolveForm, BLOCKS, True, gettext_lazy("Resolve")

    def get_title(self) -> str:
        return _("Resolve: %(problem)s") % {"problem": self.entry.disease_definition.name}

    def get_initial(self) -> dict[str, Any]:
        return {"date_stop": timezone.localdate()}

    def save(self, form: Any) -> str:
        version = form.cleaned_data["base_version"] or 0
        resolve_problem(**self.named(), base_version=version, **form.values())
        return _("%(problem)s was resolved.") % {"problem": self.entry.disease_definition.name}


@chart_dialog("problem", "archive")
class ArchiveProblem(ArchiveDialog):
    """Archiving a problem."""

    model, blocks, noun = Disease, BLOCKS, gettext_lazy("problem")
    hint = gettext_lazy("For what was entered by mistake. A problem that has passed is resolved instead.")

    def describe(self, entry: Disease) -> str:
        return entry.disease_definition.name
