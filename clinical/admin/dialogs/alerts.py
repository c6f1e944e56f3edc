"""Dialogs of alerts on charts: add, correct, archive."""

from typing import Any

from django import forms

from accounts.admin.fields import LocalDateField
from accounts.admin.forms import RowField
from clinical.models import Alert, AlertDefinition, AlertScope
from clinical.services.alerts import archive_alert, create_alert, update_alert
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog

BLOCKS = ("banner", "family")


class AlertForm(ChartForm):
    """A warning for whoever opens the chart, or one of the family."""

    alert_definition = RowField(AlertDefinition.objects.none(), label="Kind", empty_label="Choose one")
    note = forms.CharField(label="Text", max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2}))
    alert_scope = forms.ChoiceField(
        label="Shown on", choices=[(AlertScope.PATIENT, "this chart"), (AlertScope.FAMILY, "the charts of the whole family")]
    )
    is_urgent = forms.BooleanField(label="Urgent", required=False)
    disable_on = LocalDateField(label="Until", required=False, help_text="From this day on it is not shown any more.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.entry is not None:
            # An alert stays of its kind.
            del self.fields["alert_definition"]
            return
        kind: Any = self.fields["alert_definition"]
        kind.queryset = AlertDefinition.objects.filter(organization_id=self.patient.organization_id, deleted_at=None)


@chart_dialog("alert", "add", "correct")
class AlertDialog(EntryDialog):
    """Adding or correcting an alert."""

    model, form_class, blocks, noun = Alert, AlertForm, BLOCKS, "chart alert"
    layout = (("alert_definition",), ("note",), ("alert_scope", "disable_on"))

    def create(self, form: Any) -> Any:
        values = form.values()
        # An alert that is not marked is as urgent as its kind usually is.
        values["is_urgent"] = values["is_urgent"] or None
        return create_alert(actor=self.actor, patient_id=self.patient.pk, **values)

    def change(self, form: Any) -> None:
        version = form.cleaned_data["base_version"] or 0
        update_alert(
            actor=self.actor,
            patient_id=self.patient.pk,
            alert_id=self.entry.pk,
            base_version=version,
            changes=form.changes(),
        )


@chart_dialog("alert", "archive")
class ArchiveAlert(ArchiveDialog):
    """Archiving an alert."""

    model, blocks, noun = Alert, BLOCKS, "chart alert"

    def describe(self, entry: Alert) -> str:
        return entry.alert_definition.name

    def save(self, form: Any) -> str:
        archive_alert(actor=self.actor, patient_id=self.patient.pk, alert_id=self.entry.pk)
        return f"{self.describe(self.entry)} was archived."
