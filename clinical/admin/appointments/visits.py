"""One appointment: what it is about, and its next statuses."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.admin.dialogs import DialogView
from accounts.admin.forms import WholeNumberField
from accounts.admin.pages import Page, page
from accounts.permissions import Permission
from accounts.scope import scope
from accounts.templatetags.clinic import moment
from clinical.admin.appointments.calendar import audit_shown
from clinical.appointment_labels import SAID
from clinical.models import Alert, AlertStatus, Allergy, Appointment, AppointmentStatus
from clinical.services.appointments import update_appointment
from config.core.orm import COMMENT_LENGTH
from patients.labels import name_of

# What shows appointments on pages, and is fetched again when one was saved.
BLOCKS = ("calendar", "appointments", "appointments-today")


class AppointmentPage(Page):
    """Base of the fragments about the appointment whose id is the argument `appointment_id`.

    It is in the caller's scope, of a patient who is not archived; otherwise it does not exist, and that is audited.
    """

    framed = False
    writers = Permission.WRITE_PATIENTS.roles
    appointment: Appointment

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.appointment = self.find_appointment(kwargs["appointment_id"])

    def find_appointment(self, appointment_id: int) -> Appointment:
        """Return the appointment. Raises Http404 where there is none."""
        current = Appointment.objects.filter(deleted_at=None, patient__deleted_at=None)
        rows = scope(self.actor, current).select_related("patient__organization", "provider", "location")
        return self.get_object_or_404(rows, appointment_id, "appointment")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"appointment": self.appointment, "patient": self.appointment.patient, **kwargs})


@page("appointments/<int:appointment_id>/", name="appointment")
class VisitCard(AppointmentPage):
    """What the calendar shows of a visit beside it: who comes and why, what to mind, and what to do next."""

    template_name = "admin/appointments/visit.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        patient = self.appointment.patient
        return super().get_context_data(
            allergies=Allergy.objects.filter(patient=patient, deleted_at=None, status_is_active=True).count(),
            alerts=Alert.objects.filter(patient=patient, status=AlertStatus.ACTIVE).count(),
            **kwargs,
        )

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        audit_shown(self.actor, [self.appointment], "read")
        return super().render_to_response(context, **kwargs)


class AppointmentDialog(DialogView, AppointmentPage):
    """Base of the dialogs about one appointment."""

    template_name = "admin/patients/dialog.html"
    readers = Permission.WRITE_PATIENTS.roles
    blocks = BLOCKS

    def conflicting(self, form: forms.Form) -> HttpResponse:
        """Say where the visit stands by now. Whoever sends the dialog again decides on that."""
        self.appointment = self.find_appointment(self.appointment.pk)
        data: Any = form.data
        data = data.copy()
        data["base_version"] = str(self.appointment.version)
        fresh = self.get_form(data)
        starts, status = moment(self.appointment.starts_at), self.appointment.get_status_display().lower()
        told = _("Someone else changed this visit meanwhile, so nothing was saved: it is %(starts)s, %(status)s.")
        fresh.add_error(None, told % {"starts": starts, "status": status})
        return self.refused(fresh)

    def update(self, form: Any, changes: dict[str, Any], overridden: Any = None) -> None:
        """Write `changes` on the version that the form was made of."""
        update_appointment(
            actor=self.actor,
            patient_id=self.appointment.patient_id,
            entry_id=self.appointment.pk,
            base_version=form.cleaned_data["base_version"],
            changes=changes,
            overridden=overridden,
        )


class StatusForm(forms.Form):
    """Another status. A cancellation says why."""

    base_version = WholeNumberField(min_value=1, widget=forms.HiddenInput)
    status = forms.ChoiceField(choices=AppointmentStatus.choices, widget=forms.HiddenInput)
    cancellation_reason = forms.CharField(label=gettext_lazy("Reason"), max_length=COMMENT_LENGTH, required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if (self.data.get("status") or self.initial.get("status")) != AppointmentStatus.CANCELLED:
            del self.fields["cancellation_reason"]
        else:
            self.fields["cancellation_reason"].required = True
            self.fields["cancellation_reason"].help_text = _("Who cancelled, and why. Patients do not see it.")


@page("appointments/<int:appointment_id>/status/", name="appointment_status")
class StatusDialog(AppointmentDialog):
    """Gives a visit another status: at once where a button sends it, and asking for the reason where it is cancelled."""

    form_class = StatusForm

    def get_title(self) -> str:
        return _("Cancel the visit") if self._cancels else _("Status of the visit")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self._cancels:
            # In other languages the visit and the dialog may be cancelled by the same word.
            kwargs |= {"submit_label": _("Cancel the visit"), "close_label": pgettext("beside “Cancel the visit”", "Cancel")}
        else:
            kwargs |= {"submit_label": _("Save")}
        return super().get_context_data(**kwargs)

    @property
    def _cancels(self) -> bool:
        return self.request.POST.get("status", AppointmentStatus.CANCELLED) == AppointmentStatus.CANCELLED

    def get_initial(self) -> dict[str, Any]:
        return {"base_version": self.appointment.version, "status": AppointmentStatus.CANCELLED}

    def save(self, form: Any) -> str:
        status = form.cleaned_data["status"]
        self.update(form, {name: value for name, value in form.cleaned_data.items() if name != "base_version"})
        return SAID[AppointmentStatus(status)] % {"patient": name_of(self.appointment.patient)}
