"""Dialogs of medications: add, correct, hold, resume, stop, archive."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.dialogs import Warning
from accounts.admin.fields import LocalDateField
from clinical.admin.dialogs.warnings import as_warnings
from clinical.models import Allergy, Medication, MedicationDefinition, MedicationStatus
from clinical.services.issues import issues_of_medication
from clinical.services.medications import (
    create_medication,
    hold_medication,
    resume_medication,
    stop_medication,
    update_medication,
)
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.dialogs.lookups import CatalogField

BLOCKS = ("medications", "banner")


class MedicationForm(ChartForm):
    """A medication of the catalog, or in words."""

    medication = CatalogField(
        MedicationDefinition,
        label=gettext_lazy("Medication"),
        in_words=True,
        help_text=gettext_lazy("From the catalog, or in your own words. Only what is in the catalog is compared with allergies."),
    )
    dosage = forms.CharField(label=gettext_lazy("Dose"), max_length=255, required=False)
    frequency = forms.CharField(label=gettext_lazy("How often"), max_length=255, required=False)
    route = forms.CharField(
        label=gettext_lazy("Route"),
        max_length=255,
        required=False,
        widget=forms.TextInput({"placeholder": gettext_lazy("by mouth")}),
    )
    date_start = LocalDateField(label=gettext_lazy("Start"), required=False)
    date_stop = LocalDateField(label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("If it is known already."))
    patient_note = forms.CharField(
        label=gettext_lazy("Note"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2})
    )

    def values(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        wanted = set(self.fields if names is None else names)
        found = super().values(wanted - {"medication"})
        return {**found, **self._named()} if "medication" in wanted else found

    def _named(self) -> dict[str, Any]:
        """Return the columns that name the medication. In words it has no code: a stored one would mean another."""
        named = self.cleaned_data["medication"]
        if isinstance(named, MedicationDefinition):
            return {"medication_definition_id": named.pk, "med_descript": None}
        return {"medication_definition_id": None, "med_descript": named, "rx_cui": None}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, stop = cleaned.get("date_start"), cleaned.get("date_stop")
        if start and stop and stop < start:
            self.add_error("date_stop", _("A medication ends on or after the day it began."))
        return cleaned


@chart_dialog("medication", "add", "correct")
class MedicationDialog(EntryDialog):
    """Adding or correcting a medication."""

    template_name = "admin/clinical/dialogs/medication.html"
    model, form_class, blocks = Medication, MedicationForm, BLOCKS
    layout = (("medication",), ("dosage", "frequency", "route"), ("date_start", "date_stop"))
    create_service = staticmethod(create_medication)
    update_service = staticmethod(update_medication)

    def get_initial(self) -> dict[str, Any]:
        if self.entry is None:
            return {"date_start": timezone.localdate()}
        return {**super().get_initial(), "medication": self.entry.medication_definition or self.entry.med_descript}

    def warnings(self, form: Any) -> list[Warning]:
        written = form.values() if self.entry is None else form.changes()
        return as_warnings(issues_of_medication(self.patient, written, self.entry))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        active = Allergy.objects.filter(patient=self.patient, status_is_active=True, deleted_at=None)
        names = active.order_by("id").values_list("allergy_definition__name", flat=True)
        return super().get_context_data(**{"allergies": ", ".join(names), **kwargs})

    def label(self, form: Any) -> str:
        return str(form["medication"].value())


class MedicationTurn(ChartDialog):
    """Base of the dialogs that hold, resume or stop a medication."""

    model, blocks = Medication, BLOCKS
    versioned = True
    # The title, and what is said when it was saved, with the medication's name as %(medication)s.
    asked: Any = ""
    said: Any = ""

    def get_title(self) -> str:
        return self.asked % {"medication": self.entry.name}

    def save(self, form: Any) -> str:
        values = form.values()
        self.turn(base_version=form.cleaned_data["base_version"] or 0, **values)
        return self.said % {"medication": self.entry.name}

    def turn(self, **values: Any) -> None:
        """Call the service."""
        raise NotImplementedError


class HoldForm(ChartForm):
    """Why a medication is on hold."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=NOTE_LENGTH,
        required=False,
        help_text=gettext_lazy("For example: until surgery."),
    )


@chart_dialog("medication", "hold")
class HoldDialog(MedicationTurn):
    """Putting a medication on hold."""

    form_class, submit_label = HoldForm, gettext_lazy("Put on hold")
    asked, said = gettext_lazy("Put on hold: %(medication)s"), gettext_lazy("%(medication)s is on hold.")

    def turn(self, **values: Any) -> None:
        hold_medication(**self.named(), **values)


@chart_dialog("medication", "resume")
class ResumeDialog(MedicationTurn):
    """Taking a medication again."""

    submit_label = gettext_lazy("Resume")
    asked, said = gettext_lazy("Resume: %(medication)s"), gettext_lazy("%(medication)s is taken again.")

    def warnings(self, form: Any) -> list[Warning]:
        return as_warnings(issues_of_medication(self.patient, {"status": MedicationStatus.ACTIVE}, self.entry))

    def turn(self, **values: Any) -> None:
        resume_medication(**self.named(), **values, **self.overridden_kwargs())


class StopForm(ChartForm):
    """When and why a medication ends."""

    date_stop = LocalDateField(label=gettext_lazy("Last day"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=NOTE_LENGTH,
        required=False,
        help_text=gettext_lazy("Without one it counts as completed, with one as discontinued."),
    )


@chart_dialog("medication", "stop")
class StopDialog(MedicationTurn):
    """Ending a medication."""

    form_class = StopForm
    submit_label = gettext_lazy("Stop")
    asked, said = gettext_lazy("Stop: %(medication)s"), gettext_lazy("%(medication)s was stopped.")

    def get_initial(self) -> dict[str, Any]:
        return {"date_stop": timezone.localdate()}

    def turn(self, **values: Any) -> None:
        stop_medication(**self.named(), **values)


@chart_dialog("medication", "archive")
class ArchiveMedication(ArchiveDialog):
    """Archiving a medication."""

    model, blocks = Medication, BLOCKS
    hint = gettext_lazy("For what was entered by mistake. A medication that was taken is stopped instead.")

    def describe(self, entry: Medication) -> str:
        return entry.name
