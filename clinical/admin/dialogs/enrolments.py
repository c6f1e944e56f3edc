"""Dialogs of programs: enrolling a patient, and ending it."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.dialogs import Warning
from accounts.admin.fields import LocalDateField
from accounts.admin.forms import RowField
from clinical.admin.dialogs.warnings import as_warnings
from clinical.services.issues import issues_of_enrolment
from patients.admin.dialogs.base import ChartDialog, ChartForm, chart_dialog
from patients.models import Enrolment, Protocol
from patients.services.enrolments import end_enrolment, enrol_patient

BLOCKS = ("monitoring",)


class EnrolmentForm(ChartForm):
    """A protocol, under its program, and the first day."""

    protocol = RowField(
        Protocol.objects.none(), label=gettext_lazy("Program and protocol"), empty_label=gettext_lazy("Choose one")
    )
    start_date = LocalDateField(label=gettext_lazy("Start"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["protocol"]
        rows = Protocol.objects.select_related("program").filter(organization_id=self.patient.organization_id)
        field.queryset = rows.filter(deleted_at=None, program__deleted_at=None).order_by("program__name_key", "name_key", "id")
        field.label_from_instance = lambda protocol: f"{protocol.program.name}: {protocol.name}"


@chart_dialog("enrolment", "add")
class EnrolmentDialog(ChartDialog):
    """Enrolling a patient."""

    title, submit_label = gettext_lazy("Enrol in a program"), gettext_lazy("Enrol")
    form_class, blocks = EnrolmentForm, BLOCKS
    constraint_fields = {"enrolment_one_open": ("protocol", gettext_lazy("The patient is in a program already. End that first."))}

    @property
    def hint(self) -> str:  # type: ignore[override]
        """Who measures."""
        if self.patient.user_id is None:
            return _("The patient has no login of their own: measurements come from staff, devices or other systems.")
        return ""

    def get_initial(self) -> dict[str, Any]:
        return {"start_date": timezone.localdate()}

    def warnings(self, form: Any) -> list[Warning]:
        return as_warnings(issues_of_enrolment(self.patient))

    def save(self, form: Any) -> str:
        protocol = form.cleaned_data["protocol"]
        what = {"program": protocol.program, "protocol": protocol, "start_date": form.cleaned_data["start_date"]}
        enrol_patient(actor=self.actor, patient_id=self.patient.pk, **what, **self.overridden_kwargs())
        return _("Enrolled in %(program)s, %(protocol)s.") % {"program": protocol.program.name, "protocol": protocol.name}


class EndForm(ChartForm):
    """The last day in a program."""

    end_date = LocalDateField(label=gettext_lazy("Last day"))


@chart_dialog("enrolment", "stop")
class EndDialog(ChartDialog):
    """Ending an enrolment."""

    form_class, blocks, submit_label = EndForm, BLOCKS, pgettext_lazy("button", "End")
    hint = gettext_lazy("No measurements are planned or missed after it.")

    def find_entry(self, entry_id: int) -> Enrolment:
        rows = Enrolment.objects.select_related("program").filter(patient=self.patient, end_date=None)
        found = rows.filter(pk=entry_id).first()
        if found is None:
            raise Http404
        return found

    def get_title(self) -> str:
        return _("End %(program)s") % {"program": self.entry.program.name}

    def get_initial(self) -> dict[str, Any]:
        return {"end_date": timezone.localdate()}

    def save(self, form: Any) -> str:
        ended = {"enrolment_id": self.entry.pk, "end_date": form.cleaned_data["end_date"]}
        end_enrolment(actor=self.actor, patient_id=self.patient.pk, **ended)
        return _("%(program)s was ended.") % {"program": self.entry.program.name}
