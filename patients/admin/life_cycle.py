"""Where a patient stands with the clinic: archived, restored, another status, dead; and their numbers in clear."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.fields import LocalDateTimeField, LocalForm
from accounts.admin.forms import WholeNumberField
from accounts.admin.pages import page
from accounts.permissions import READS_IDENTITY_NUMBERS, Permission
from accounts.scope import Actor
from config.core.encryption import unseal
from patients.admin.pages import PatientDialog
from patients.labels import name_of
from patients.models import Patient, Status
from patients.services.lifecycle import TRANSITIONS, archive_patient, record_death, restore_patient, transition_status
from patients.services.merging import unmerge_patients
from patients.services.rules import SEALED

NUMBERS = dict(zip(SEALED, (_("Social security number"), _("Medicaid id"), _("Citizen service number")), strict=True))


class ConfirmationForm(LocalForm):
    """No field: the button says it all."""

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any):
        super().__init__(*args, country=patient.organization.country, **kwargs)


class StatusForm(ConfirmationForm):
    """One of the statuses that may follow the stored one."""

    base_version = WholeNumberField(widget=forms.HiddenInput)
    new_status = forms.ChoiceField(label=_("New status"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any):
        super().__init__(*args, patient=patient, **kwargs)
        offered = next_statuses(patient)
        choice: Any = self.fields["new_status"]
        choice.choices = [(status.value, status.label) for status in offered]
        self.initial.update({"base_version": patient.version, "new_status": offered[0]})


class DeathForm(ConfirmationForm):
    """The moment of death, on the organization's clock."""

    at = LocalDateTimeField(label=_("Moment of death"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial["at"] = timezone.now()


def next_statuses(patient: Patient) -> list[Status]:
    """Return what a patient may become by a choice; a death has its moment, and so its own event."""
    offered = TRANSITIONS.get(patient.status, frozenset()) - {Status.DECEASED}
    return [status for status in Status if status in offered]


# --- what each event does, and says of it --------------------------------------------------------------
def _archive(actor: Actor, patient: Patient, values: Mapping[str, Any]) -> str:
    archive_patient(actor=actor, patient_id=patient.pk)
    return gettext("The chart of %(patient)s is archived.") % {"patient": name_of(patient)}


def _restore(actor: Actor, patient: Patient, values: Mapping[str, Any]) -> str:
    restore_patient(actor=actor, patient_id=patient.pk)
    return gettext("The chart of %(patient)s is restored, as inactive.") % {"patient": name_of(patient)}


def _unmerge(actor: Actor, patient: Patient, values: Mapping[str, Any]) -> str:
    unmerge_patients(actor=actor, patient_id=patient.pk)
    return gettext("%(patient)s has their own chart again.") % {"patient": name_of(patient)}


def _change_status(actor: Actor, patient: Patient, values: Mapping[str, Any]) -> str:
    transition_status(actor=actor, patient_id=patient.pk, **values)
    told = {"patient": name_of(patient), "status": str(Status(values["new_status"]).label).lower()}
    return gettext("%(patient)s is %(status)s now.") % told


def _record_death(actor: Actor, patient: Patient, values: Mapping[str, Any]) -> str:
    record_death(actor=actor, patient_id=patient.pk, at=values["at"])
    return gettext("The death of %(patient)s is recorded.") % {"patient": name_of(patient)}


@dataclass(frozen=True)
class LifeCycleEvent:
    """An event in the life cycle of a record: its dialog, for which patients it may happen, and its service."""

    title: Any
    icon: str
    submit_label: Any
    text: Any
    save: Callable[[Actor, Patient, Mapping[str, Any]], str]
    is_possible: Callable[[Patient], bool]
    form_class: type[ConfirmationForm] = ConfirmationForm
    roles: frozenset[str] = Permission.WRITE_PATIENTS.roles


EVENTS = {
    "archive": LifeCycleEvent(
        _("Archive chart"),
        "archive",
        _("Archive"),
        _("It leaves lists, searches and counts, and nothing can be added to it until it is restored."),
        _archive,
        lambda patient: not patient.deleted_at,
    ),
    "restore": LifeCycleEvent(
        _("Restore chart"),
        "archive",
        _("Restore"),
        _("The patient is inactive then. Change the status if they are in care again."),
        _restore,
        lambda patient: bool(patient.deleted_at) and patient.merged_into_id is None,
    ),
    "unmerge": LifeCycleEvent(
        _("Undo the merge"),
        "copies",
        _("Undo the merge"),
        _("Everything that was this record's comes back to it, with what was changed meanwhile."),
        _unmerge,
        lambda patient: patient.merged_into_id is not None,
        roles=Permission.ADMINISTER.roles,
    ),
    "status": LifeCycleEvent(
        _("Change status"), "person", _("Change"), "", _change_status, lambda patient: bool(next_statuses(patient)), StatusForm
    ),
    "death": LifeCycleEvent(
        _("Record death"),
        "ban",
        _("Record death"),
        _("Coming appointments are cancelled. This cannot be taken back here."),
        _record_death,
        lambda patient: Status.DECEASED in TRANSITIONS.get(patient.status, frozenset()),
        DeathForm,
    ),
}


def possible_events(patient: Patient, roles: Set[str]) -> list[tuple[str, str, str]]:
    """Return the events that may happen to `patient` now, by everybody of `roles`: name, what the button says, and icon."""
    possible = ((name, event) for name, event in EVENTS.items() if roles <= event.roles and event.is_possible(patient))
    return [(name, str(event.title), event.icon) for name, event in possible]


@page("patients/patient/<int:patient_id>/life-cycle/<slug:event>/", name="patient_life_cycle")
class LifeCycleDialog(PatientDialog):
    """An event in the life cycle. The page behind shows the status in many places, so it is loaded again."""

    readers = writers = Permission.WRITE_PATIENTS.roles
    template_name = "admin/patients/dialog.html"
    refreshes_page = True
    event: LifeCycleEvent

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        event = EVENTS.get(kwargs["event"])
        if event is None or not event.is_possible(self.patient):
            raise Http404
        if self.actor.role not in event.roles:
            raise PermissionDenied
        self.event = event

    def get_title(self) -> str:
        return str(self.event.title)

    def get_form(self, data: Any = None) -> ConfirmationForm:
        return self.event.form_class(data, patient=self.patient)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"text": self.event.text, "submit_label": self.event.submit_label, **kwargs})

    def save(self, form: Any) -> str:
        return self.event.save(self.actor, self.patient, form.cleaned_data)


@page("patients/patient/<int:patient_id>/numbers/", name="reveal")
class NumbersDialog(PatientDialog):
    """The identity numbers in clear. Opening it is audited as a read of its own kind."""

    readers = READS_IDENTITY_NUMBERS
    template_name = "admin/patients/numbers.html"
    title = _("Identity numbers")
    audited_action = "reveal_numbers"

    def get_form(self, data: Any = None) -> ConfirmationForm:
        return ConfirmationForm(data, patient=self.patient)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"numbers": list(self._numbers()), **kwargs})

    def _numbers(self) -> Iterator[tuple[Any, str]]:
        for name, label in NUMBERS.items():
            sealed = getattr(self.patient, f"{name}_sealed")
            if sealed:
                yield label, unseal(sealed, f"patient.{name}", self.patient.uuid)
