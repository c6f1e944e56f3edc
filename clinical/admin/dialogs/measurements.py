"""The dialog that records a measurement."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.fields import LocalDateTimeField
from accounts.admin.forms import DecimalNumberField
from clinical.models import Flag, InstrumentKind, Measurement, MonitoringAlert
from clinical.scales import scale_of, written_unit
from clinical.services.instruments import GAUGES, instruments_of, offered_instruments
from clinical.services.measurements import record_measurement
from config.core.orm import COMMENT_LENGTH
from patients.admin.dialogs.base import ChartForm, EntryDialog, chart_dialog

# What is said of a measurement that raised an alert.
RAISED = {
    Flag.RED: gettext_lazy("%(instrument)s was recorded. It raised a red alert."),
    Flag.ORANGE: gettext_lazy("%(instrument)s was recorded. It raised an orange alert."),
    Flag.GREY: gettext_lazy("%(instrument)s was recorded. It raised a grey alert."),
}


def instrument_choices(organization_id: int, *, numeric: bool = False) -> list[tuple[str, str]]:
    """Return (code, name and unit) of the instruments that an organization can use, by name."""
    offered = offered_instruments(organization_id).values()
    fitting = [row for row in offered if not numeric or row.kind == InstrumentKind.NUMERIC]
    return [(row.code, ", ".join(filter(None, [row.name, written_unit(row.unit)]))) for row in fitting]


class MeasurementForm(ChartForm):
    """A value of one instrument: a number on its scale, or one of its choices."""

    instrument = forms.ChoiceField(label=gettext_lazy("Instrument"))
    value = forms.CharField(label=gettext_lazy("Value"), max_length=255)
    measured_at = LocalDateTimeField(label=gettext_lazy("Measured at"))
    comment = forms.CharField(label=gettext_lazy("Comment"), max_length=COMMENT_LENGTH, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        instrument: Any = self.fields["instrument"]
        instrument.choices = [("", _("Choose one")), *instrument_choices(self.patient.organization_id)]
        swap = {"hx-target": "#value-field", "hx-select": "#value-field", "hx-swap": "outerHTML"}
        instrument.widget.attrs |= {"hx-get": reverse("admin:chart_add", args=[self.patient.pk, "measurement"]), **swap}
        code = str(self["instrument"].value() or "")
        self.chosen = instruments_of(self.patient.organization_id).get(code)
        self._fit_value(code)

    def _fit_value(self, code: str) -> None:
        """Let the field for the value be that of the chosen instrument."""
        if self.chosen is not None and self.chosen.kind == InstrumentKind.CHOICE:
            choices = [("", _("Choose one")), *((word, word) for word in self.chosen.choices or ())]
            self.fields["value"] = forms.ChoiceField(label=_("Value"), choices=choices)
            return
        self.fields["value"] = DecimalNumberField(
            label=_("Value"), localize=True, max_digits=12, decimal_places=3, widget=forms.TextInput({"inputmode": "decimal"})
        )
        self.fields["value"].help_text = self._scale(code)

    def _scale(self, code: str) -> str:
        """Return the unit and scale of the chosen instrument in words."""
        if self.chosen is None:
            least, most = GAUGES.get(code, ("", None, None))[1:]
            return "" if least is None else _("%(least)s to %(most)s") % {"least": localize(least), "most": localize(most)}
        return scale_of(self.chosen).words or written_unit(self.chosen.unit)


@chart_dialog("measurement", "add")
class MeasurementDialog(EntryDialog):
    """Recording a measurement, which may raise an alert."""

    template_name = "admin/clinical/dialogs/measurement.html"
    model, form_class, blocks = Measurement, MeasurementForm, ("measurements", "monitoring")
    layout = (("instrument", "value"), ("measured_at",))

    def get_initial(self) -> dict[str, Any]:
        return {"measured_at": timezone.now(), "instrument": self.request.GET.get("instrument", "")}

    def create(self, form: Any) -> Measurement:
        self.made = record_measurement(actor=self.actor, patient_id=self.patient.pk, row=form.values())
        return self.made

    def save(self, form: Any) -> str:
        super().save(form)
        raised = MonitoringAlert.objects.filter(measurement=self.made).order_by("-id").first()
        said = RAISED[Flag(raised.flag)] if raised else _("%(instrument)s was recorded.")
        return said % {"instrument": self.made.instrument.name}
