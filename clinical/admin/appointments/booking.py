"""Booking and moving appointments: what speaks against a time is told before anything is stored."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from accounts.admin.dialogs import DialogView, Warning
from accounts.admin.fields import LocalDateTimeField, LocalForm, country_of
from accounts.admin.forms import RowField, WholeNumberField
from accounts.admin.pages import Page, page
from accounts.audit import Overridden
from accounts.permissions import Permission
from accounts.scope import Actor, scope
from accounts.templatetags.clinic import clock
from clinical.admin.appointments.calendar import audit_shown
from clinical.admin.appointments.visits import BLOCKS, AppointmentDialog
from clinical.models import Appointment
from clinical.scheduling import USUAL_LENGTH, Span
from clinical.services.appointments import book_appointment
from clinical.services.booking_warnings import Wish, booking_warnings, free_starts_near
from config.core.orm import NOTE_LENGTH, is_id
from config.core.written_dates import written_day
from patients.admin.pickers import PatientField
from patients.finding import audit_shown as audit_chosen
from patients.labels import name_of
from patients.models import Location, Patient, Provider

LENGTHS = (10, 15, 20, 30, 45, 60, 90, 120)


class TimeForm(LocalForm):
    """With whom, where, when and how long. `current` is the appointment whose own values may be kept, even archived ones."""

    provider = RowField(
        Provider.objects.none(), label=gettext_lazy("Provider"), required=False, empty_label=gettext_lazy("Nobody yet")
    )
    location = RowField(
        Location.objects.none(), label=gettext_lazy("Location"), required=False, empty_label=gettext_lazy("Not said")
    )
    starts_at = LocalDateTimeField(label=gettext_lazy("Start"), label_suffix="")
    length = forms.TypedChoiceField(label=pgettext_lazy("of an appointment", "Length"), coerce=int)

    def __init__(self, *args: Any, actor: Actor, current: Appointment | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.current = current
        for name, model in (("provider", Provider), ("location", Location)):
            self._offer(name, scope(actor, model._base_manager.all()).order_by("name_key", "pk"))
        lengths = sorted({*LENGTHS, self.initial.get("length", LENGTHS[0])})
        chosen: Any = self.fields["length"]
        chosen.choices = [
            (count, ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": count}) for count in lengths
        ]

    def _offer(self, name: str, rows: Any) -> None:
        kept = getattr(self.current, f"{name}_id", None)
        offered = rows.filter(deleted_at=None) | rows.filter(pk=kept or 0)
        chosen: Any = self.fields[name]
        chosen.queryset = offered

    @property
    def span(self) -> Span:
        """The time that was asked for."""
        start = self.cleaned_data["starts_at"]
        return Span(start, start + datetime.timedelta(minutes=self.cleaned_data["length"]))

    def columns(self) -> dict[str, Any]:
        """Return what was asked for by the columns of an appointment."""
        given = self.cleaned_data
        references = {f"{name}_id": given[name] and given[name].pk for name in ("provider", "location")}
        return {**references, "starts_at": self.span.start, "ends_at": self.span.end}

    def check_organization(self, patient: Patient) -> None:
        """Refuse a provider or location of another organization than the patient's, as a superadmin might choose."""
        for name in ("provider", "location"):
            row = self.cleaned_data.get(name)
            if row and row.organization_id != patient.organization_id:
                self.add_error(name, _("This belongs to another organization."))


class BookingForm(TimeForm):
    """A new appointment."""

    patient = PatientField(label=gettext_lazy("Patient"))
    note = forms.CharField(label=gettext_lazy("Reason for the visit"), max_length=NOTE_LENGTH, required=False)

    field_order = ("patient",)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any):
        super().__init__(*args, actor=actor, **kwargs)
        whom: Any = self.fields["patient"]
        whom.actor = actor

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("patient"):
            self.check_organization(self.cleaned_data["patient"])
        return self.cleaned_data


class MoveForm(TimeForm):
    """Another time, provider or place of an appointment."""

    base_version = WholeNumberField(min_value=1, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.current:
            self.check_organization(self.current.patient)
        return self.cleaned_data


class TimeDialog(DialogView):
    """Base of both dialogs: they warn of a time, and offer free ones near it."""

    form_class: type[TimeForm]
    # What is written on the buttons of free times, which are %(time)s.
    offer_label: Any = ""
    readers = writers = Permission.WRITE_PATIENTS.roles
    blocks = BLOCKS

    def get_form(self, data: Any = None) -> forms.Form:
        return super().get_form(_at_offered_time(data) if data else data)

    def wish(self, form: Any) -> Wish:
        """Return the time that `form` asks for, for whom."""
        raise NotImplementedError

    @property
    def recorded(self) -> Overridden | None:
        """What is saved against, as services take it."""
        return self.overridden.recorded if self.overridden else None

    def warnings(self, form: Any) -> list[Warning]:
        found = booking_warnings(self.actor, self.wish(form))
        shown = [warning.shown for warning in found if warning.shown]
        if shown:
            audit_shown(self.actor, shown, "search")
        return [Warning(warning.message, warning.severity, kind=warning.code) for warning in found]

    def refused(self, form: Any, **context: Any) -> HttpResponse:
        offered = free_starts_near(self.wish(form)) if context.get("warnings") else []
        told = [(start, self.offer_label % {"time": clock(start)}) for start in offered]
        return super().refused(form, offered=told, **context)


def _at_offered_time(data: QueryDict) -> QueryDict:
    """Return what was sent with the time that was clicked among those offered, instead of the one in the inputs."""
    offered = data.get("offered")
    if not offered:
        return data
    changed = data.copy()
    changed.pop("offered")
    try:
        local = timezone.localtime(datetime.datetime.fromisoformat(offered))
    except ValueError:
        return changed
    changed["starts_at"], changed["starts_at_time"] = local.date().isoformat(), f"{local:%H:%M}"
    changed["starts_at_which"] = str(local.fold)
    return changed


@page("appointments/book/", name="book")
class BookDialog(TimeDialog):
    """Books a visit. The address may preset `patient`, `provider`, `location` (ids) and `starts_at`, a moment or a day."""

    template_name = "admin/appointments/book.html"
    form_class = BookingForm
    title = gettext_lazy("Book an appointment")
    submit_label, offer_label = gettext_lazy("Book"), gettext_lazy("Book at %(time)s")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"actor": self.actor, "country": country_of(self.request.user)}

    def get_initial(self) -> dict[str, Any]:
        preset = self.request.GET
        ids = {name: int(preset[name]) for name in ("patient", "provider", "location") if is_id(preset.get(name, ""))}
        length = USUAL_LENGTH // datetime.timedelta(minutes=1)
        return {"length": length, **_with_own_provider(self.actor, ids), "starts_at": _start(preset.get("starts_at", ""))}

    def wish(self, form: Any) -> Wish:
        provider = form.cleaned_data["provider"]
        patient = Patient.objects.select_related("organization").get(pk=form.cleaned_data["patient"].pk)
        return Wish(patient, form.span, provider and provider.pk)

    def save(self, form: Any) -> str:
        patient = form.cleaned_data["patient"]
        values = {**form.columns(), "note": form.cleaned_data["note"] or None}
        book_appointment(actor=self.actor, patient_id=patient.pk, overridden=self.recorded, **values)
        return _("Booked: %(patient)s, %(when)s.") % {"patient": name_of(patient), "when": _when(form.span)}


@page("appointments/book/patient/", name="book_patient")
class BookedPatient(Page):
    """What to mind when the patient with the id `patient` is booked: whether they can be, and what they ask for."""

    template_name = "admin/appointments/booked_patient.html"
    framed = False
    readers = Permission.WRITE_PATIENTS.roles

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET.get("patient", "")
        patient = scope(self.actor, Patient.objects.filter(pk=int(asked))).first() if is_id(asked) else None
        if patient:
            audit_chosen(self.actor, [patient])
        return super().get_context_data(patient=patient, **kwargs)


@page("appointments/<int:appointment_id>/move/", name="appointment_move")
class MoveDialog(TimeDialog, AppointmentDialog):
    """Moves a visit to another time, provider or place."""

    template_name = "admin/appointments/move.html"
    form_class = MoveForm
    title = gettext_lazy("Move the visit")
    submit_label, offer_label = pgettext_lazy("a visit", "Move"), gettext_lazy("Move to %(time)s")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"actor": self.actor, "country": country_of(self.request.user), "current": self.appointment}

    def get_initial(self) -> dict[str, Any]:
        row = self.appointment
        return {
            "base_version": row.version,
            "provider": row.provider_id,
            "location": row.location_id,
            "starts_at": row.starts_at,
            "length": Span.of(row.starts_at, row.ends_at).minutes,
        }

    def wish(self, form: Any) -> Wish:
        provider = form.cleaned_data["provider"]
        return Wish(self.appointment.patient, form.span, provider and provider.pk, self.appointment.pk)

    def save(self, form: Any) -> str:
        self.update(form, form.columns(), self.recorded)
        told = {"patient": name_of(self.appointment.patient), "when": _when(form.span)}
        return _("%(patient)s is moved to %(when)s.") % told


def _with_own_provider(actor: Actor, ids: Mapping[str, int]) -> dict[str, int]:
    """Return `ids` with the patient's own provider and location, where the address presets none."""
    if "patient" not in ids:
        return dict(ids)
    rows = scope(actor, Patient.objects.filter(pk=ids["patient"], deleted_at=None))
    own = rows.values_list("primary_provider_id", "location_id").first() or ()
    return {**{name: pk for name, pk in zip(("provider", "location"), own, strict=False) if pk}, **ids}


def _start(text: str) -> datetime.datetime | datetime.date | None:
    """Return the moment or the day that the address presets, None for none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        if text == moment.date().isoformat():
            return moment.date()
    except ValueError:
        return None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _when(span: Span) -> str:
    local = timezone.localtime(span.start)
    return f"{written_day(local.date())}, {local:%H:%M}"
