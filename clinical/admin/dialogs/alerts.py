"""Dialogs of alerts on charts: add, correct, archive."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.fields import LocalDateField
from accounts.admin.forms import RowField
from clinical.models import Alert, AlertDefinition, AlertScope
from clinical.services.alerts import archive_alert, create_alert, update_alert
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog

BLOCKS = ("banner", "family")


class AlertForm(ChartForm):
    """A warning for whoever opens the chart, or one of the family."""

    alert_definition = RowField(
        AlertDefinition.objects.none(), label=gettext_lazy("Kind"), empty_label=gettext_lazy("Choose one")
    )
    note = forms.CharField(label=gettext_lazy("Text"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2}))
    alert_scope = forms.ChoiceField(
        label=gettext_lazy("Shown on"),
        choices=[
            (AlertScope.PATIENT, gettext_lazy("this chart")),
            (AlertScope.FAMILY, gettext_lazy("the charts of the whole family")),
        ],
    )
    is_urgent = forms.BooleanField(label=gettext_lazy("Urgent"), required=False)
    disable_on = LocalDateField(
        label=pgettext_lazy("the first day without it", "Until"),
        required=False,
        help_text=gettext_lazy("From this day on it is not shown any more."),
    )

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

    model, form_class, blocks, noun = Alert, AlertForm, BLOCKS, gettext_lazy("chart alert")
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

    model, blocks, noun = Alert, BLOCKS, gettext_lazy("chart alert")

    def describe(self, entry: Alert) -> str:
        return entry.alert_definition.name

    def save(self, form: Any) -> str:
        archive_alert(actor=self.actor, patient_id=self.patient.pk, alert_id=self.entry.pk)
        return _("%(entry)s was archived.") % {"entry": self.describe(self.entry)}
