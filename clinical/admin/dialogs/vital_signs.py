"""Dialogs of vital signs: all values in one form, each with what is out of range beside it."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.dialogs import Warning
from accounts.admin.fields import LocalDateField, LocalTimeField
from accounts.admin.pages import page
from clinical.admin.dialogs.units import VitalField, bound_in, message_in
from clinical.admin.dialogs.warnings import as_warnings
from clinical.models import VitalSigns
from clinical.services.issues import issues_of_vital_signs
from clinical.services.vital_signs import archive_vital_signs, flags_before, record_vital_signs, update_vital_signs
from clinical.vitals import CRITICAL, POSSIBLE
from config.core.exceptions import Invalid
from config.core.orm import NOTE_LENGTH
from config.core.written_dates import written_day
from patients.admin.dialogs.base import WRITERS, ArchiveDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.pages import PatientPage
from patients.models import Patient

BLOCKS = ("vital-signs", "banner")
# Where what is computed from height and weight is told.
SHOWN_AT = {"bmi": "weight_lbs", "bmi_percentile": "weight_lbs"}


class VitalSignsForm(ChartForm):
    """What was measured at one time."""

    bp_systolic = VitalField("bp_systolic", gettext_lazy("Systolic"), "mmHg")
    bp_diastolic = VitalField("bp_diastolic", gettext_lazy("Diastolic"), "mmHg")
    pulse = VitalField("pulse", gettext_lazy("Pulse"), "/min")
    oxygen_saturation = VitalField("oxygen_saturation", gettext_lazy("Oxygen saturation"), "%")
    respiration_rate = VitalField("respiration_rate", gettext_lazy("Respiration"), "/min")
    temperature_f = VitalField("temperature_f", gettext_lazy("Temperature"), "°F")
    weight_lbs = VitalField("weight_lbs", gettext_lazy("Weight"), "lb")
    height_inches = VitalField("height_inches", gettext_lazy("Height"), "in")
    date_taken = LocalDateField(label=gettext_lazy("Taken on"))
    time_taken = LocalTimeField(label=pgettext_lazy("time", "At"), required=False)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        address = reverse("admin:chart_vital_flags", args=[self.patient.pk])
        asks = {"hx-post": address, "hx-trigger": "change", "hx-include": "closest form", "hx-swap": "none"}
        # One for all fields: a late answer to the field before would clear what the next one was told.
        asks["hx-sync"] = "closest .dialog-fields:replace"
        for name, field in self.fields.items():
            if name in POSSIBLE:
                field.widget.attrs |= {**asks, "aria-describedby": f"flag-{name}"}


def flags_by_field(patient: Patient, flags: Iterable[dict[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return field -> (severity, message) of the flags beside it, for every field that may have one.

    Beside its own field the bound is enough: "over 129".
    """
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in POSSIBLE if name not in SHOWN_AT}
    for flag in flags:
        country, severity = patient.organization.country, flag["severity"]
        if flag["vital"] in found:
            found[flag["vital"]].append((severity, bound_in(country, flag)))
        else:
            found[SHOWN_AT[flag["vital"]]].append((severity, message_in(country, flag)))
    return found


def seen(flags: Iterable[dict[str, str]]) -> str:
    """Return what stands in the form for the flags that it has shown."""
    return "|".join(flag["message"] for flag in flags)


def _with_shown(text: str, shown: Mapping[str, str]) -> str:
    """Return `text` with messages of flags replaced by what people read."""
    for message, words in shown.items():
        text = text.replace(message, words)
    return text


@chart_dialog("vital-signs", "add", "correct")
class VitalSignsDialog(EntryDialog):
    """Recording or correcting vital signs.

    A value that is out of range is told beside it as soon as it is entered, and at the latest by the first Save, which then
    stores nothing. Values that block procedures are warnings.
    """

    template_name = "admin/clinical/dialogs/vital_signs.html"
    model, form_class, blocks = VitalSigns, VitalSignsForm, BLOCKS
    layout = (
        ("bp_systolic", "bp_diastolic", "pulse"),
        ("oxygen_saturation", "respiration_rate", "temperature_f"),
        ("weight_lbs", "height_inches"),
        ("date_taken", "time_taken"),
    )
    create_service = staticmethod(record_vital_signs)
    # What is out of range in what was sent.
    flags: Sequence[dict[str, str]] = ()
    update_service = staticmethod(update_vital_signs)
    constraint_fields = {
        "vital_signs_pressures_in_order": (
            "bp_diastolic",
            gettext_lazy("The diastolic pressure cannot be above the systolic one."),
        )
    }

    def get_title(self) -> str:
        return _("Correct the vital signs") if self.entry else _("Add vital signs")

    def get_initial(self) -> dict[str, Any]:
        if self.entry is not None:
            return super().get_initial()
        now = timezone.localtime()
        return {"date_taken": now.date(), "time_taken": datetime.time(now.hour, now.minute)}

    def written(self, form: Any) -> dict[str, Any]:
        """Return the columns that the form writes."""
        return form.values() if self.entry is None else form.changes()

    def answer(self, form: Any) -> HttpResponse:
        stored = {flag["message"] for flag in self.entry.abnormal_flags} if self.entry else set()
        flags = [flag for flag in flags_before(self.patient, self.written(form), self.entry) if flag["message"] not in stored]
        shown = self.request.POST.get("seen", "").split("|")
        self.flags = flags
        if any(flag["severity"] != CRITICAL and flag["message"] not in shown for flag in flags) and not self.warnings(form):
            return self.refused(form, unseen=True)
        return super().answer(form)

    def warnings(self, form: Any) -> list[Warning]:
        """Return the values that block procedures, in the units in which they are entered."""
        shown = {flag["message"]: message_in(self.patient.organization.country, flag) for flag in self.flags}
        issues = issues_of_vital_signs(self.patient, self.written(form), self.entry)
        return as_warnings(issue._replace(message=_with_shown(issue.message, shown)) for issue in issues)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        flags = getattr(self, "flags", self.entry.abnormal_flags if self.entry else [])
        told = {"flags": flags_by_field(self.patient, flags), "seen": seen(flags)}
        return super().get_context_data(**{**told, **kwargs})

    def label(self, form: Any) -> str:
        return _("The vital signs")

    def save(self, form: Any) -> str:
        super().save(form)
        return _("The vital signs were added.") if self.entry is None else _("The vital signs were corrected.")


@page("patients/patient/<int:patient_id>/vital-signs/flags/", name="chart_vital_flags")
class VitalFlags(PatientPage):
    """What is out of range among the values typed so far, beside each of them. Stores nothing."""

    framed = False
    audited_action = None
    readers = frozenset[str]()
    writers = WRITERS
    template_name = "admin/clinical/dialogs/vital_flags.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = VitalSignsForm(request.POST, actor=self.actor, patient=self.patient)
        form.is_valid()
        values = {name: form.cleaned_data.get(name) for name in POSSIBLE}
        day = form.cleaned_data.get("date_taken") or timezone.localdate()
        try:
            flags = flags_before(self.patient, {**values, "date_taken": day})
        except Invalid:
            flags = []
        return self.render_to_response({"flags": flags_by_field(self.patient, flags), "seen": seen(flags)})


@chart_dialog("vital-signs", "archive")
class ArchiveVitalSigns(ArchiveDialog):
    """Archiving vital signs."""

    model, blocks, noun = VitalSigns, BLOCKS, gettext_lazy("vital signs")
    archive_service = staticmethod(archive_vital_signs)
    hint = gettext_lazy("For what was entered by mistake.")

    def describe(self, entry: VitalSigns) -> str:
        return _("Vital signs of %(day)s") % {"day": written_day(entry.date_taken)}
