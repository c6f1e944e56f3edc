"""Merging two records of one person: whom with, then side by side what stays and what moves."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.fields import LocalForm
from accounts.admin.forms import WholeNumberField, add_errors
from accounts.admin.pages import page
from accounts.permissions import Permission
from accounts.scope import scope
from config.core.exceptions import DomainError
from config.core.orm import word_for
from config.core.written_dates import written_day
from patients.admin.dialogs.lookups import OtherPatientField
from patients.admin.life_cycle import NUMBERS
from patients.admin.pages import PatientDialog, PatientPage
from patients.labels import name_of
from patients.likeness import Likeness, find_likenesses
from patients.models import BALANCES, FieldValue, Patient
from patients.serializer_fields import masked
from patients.services.merging import MergeReport, merge_patients, preview_merge
from patients.services.merging.choices import CHOICES, FIELD_VALUES, MergeSide, differences, takes_other, value_of
from patients.services.merging.rules import merge_rules
from patients.services.rules import SEALED

ADMINISTRATORS = Permission.ADMINISTER.roles
# What the choices are called that are no columns of their own.
LABELS = {
    "address": _("Address"),
    "balances": _("Balances"),
    "email": _("E-mail"),
    "emergency_contact": _("Emergency contact"),
    FIELD_VALUES: _("Own fields"),
    **NUMBERS,
}
# What kinds of rows are called on pages, where that is not the name of their table.
KINDS = {
    "disease": _("Problems"),
    "field_value": _("Own fields"),
    "patient_mutation": _("History"),
    "rule_override": _("Own monitoring rules"),
    "setting_change": _("History of settings"),
}


# --- which record --------------------------------------------------------------------------------------
class OtherRecordForm(LocalForm):
    """The record that is merged into the patient's."""

    other = OtherPatientField(label=_("Other record of the same person"))


@page("patients/patient/<int:patient_id>/merge/", name="merge_choose")
class ChooseDialog(PatientDialog):
    """Choosing the other record: one that looks alike, or any other. The records are compared on the page that follows."""

    readers = writers = ADMINISTRATORS
    template_name = "admin/patients/merge_choose.html"
    title = _("Merge with another record")
    submit_label = _("Compare")
    chosen: Patient

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.patient.deleted_at is not None:
            raise Http404

    def get_form(self, data: Any = None) -> OtherRecordForm:
        form = OtherRecordForm(data, country=self.patient.organization.country)
        field: Any = form.fields["other"]
        field.prepare(self.actor, self.patient, None)
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        merged = scope(self.actor, Patient.objects.filter(merged_into=self.patient)).order_by("last_name_key", "pk")
        return super().get_context_data(**{"alike": self._alike(), "merged": merged, **kwargs})

    def _alike(self) -> list[Likeness]:
        names = ("first_name", "last_name", "date_of_birth", "mobile_phone", "email", "address_line1", "city", "country")
        values = {name: getattr(self.patient, name) for name in names}
        found = find_likenesses(self.actor, self.patient.organization, values)
        return [likeness for likeness in found if likeness.patient.pk != self.patient.pk]

    def save(self, form: Any) -> str:
        """Take the record; nothing is stored."""
        self.chosen = form.cleaned_data["other"]
        return ""

    def success_url(self) -> str:
        return reverse("admin:merge", args=[self.patient.pk, self.chosen.pk])


# --- side by side --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Compared:
    """A value in which the records differ, as people read it, and the field with whose value stays."""

    label: str
    field: forms.BoundField
    own: str
    theirs: str


@dataclass(frozen=True)
class MovedRows:
    """What a merge does with the rows of one kind."""

    label: str
    moved: int
    settled: int
    stayed: int


class MergeForm(LocalForm):
    """A choice for each value in which two records differ, and the versions that were compared."""

    base_version = WholeNumberField(widget=forms.HiddenInput)
    other_base_version = WholeNumberField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, survivor: Patient, other: Patient, **kwargs: Any):
        super().__init__(*args, country=survivor.organization.country, **kwargs)
        self.survivor, self.other = survivor, other
        self.initial.update({"base_version": survivor.version, "other_base_version": other.version})
        self.names = [*differences(survivor, other), *([FIELD_VALUES] if _both_have_fields(survivor, other) else [])]
        for name in self.names:
            own = [value_of(survivor, column) for column in CHOICES.get(name, ())]
            chosen = MergeSide.OTHER if own and takes_other(None, own) else MergeSide.SURVIVOR
            field = forms.ChoiceField(label=label_of_choice(name), choices=MergeSide.choices, initial=chosen)
            self.fields[name] = field

    def compared(self) -> Iterator[Compared]:
        """Yield what differs, as the page shows it."""
        for name in self.names:
            own, theirs = (
                (_shown(self.survivor, name), _shown(self.other, name))
                if name in CHOICES
                else (gettext("Keep what this record has"), gettext("Take what the other has"))
            )
            field = self[name]
            yield Compared(str(field.label), field, own or gettext("none"), theirs or gettext("none"))

    def values(self) -> dict[str, Any]:
        """Return what was chosen, as `merge_patients` takes it."""
        versions = {name: self.cleaned_data[name] for name in ("base_version", "other_base_version")}
        return {**versions, "choices": {name: self.cleaned_data[name] for name in self.names}}


@page("patients/patient/<int:patient_id>/merge/<int:other_id>/", name="merge")
class MergePage(PatientPage):
    """Two records side by side. The first one stays; a link turns them round."""

    readers = writers = ADMINISTRATORS
    template_name = "admin/patients/merge.html"
    other: Patient

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.other = self.find_patient(kwargs["other_id"])
        unlike = self.other.organization_id != self.patient.organization_id
        if unlike or self.other.pk == self.patient.pk or self.patient.deleted_at or self.other.deleted_at:
            raise Http404

    def get_title(self) -> str:
        named = {"other": name_of(self.other), "patient": name_of(self.patient)}
        return gettext("Merge %(other)s into %(patient)s") % named

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(self._form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            merge_patients(actor=self.actor, survivor_id=self.patient.pk, other_id=self.other.pk, **form.values())
        except (DomainError, IntegrityError) as error:
            add_errors(form, error, {})
            return self._shown(form)
        messages.success(request, self._merged())
        return HttpResponseRedirect(reverse("admin:chart", args=[self.patient.pk]))

    def _merged(self) -> str:
        """Return the message, with the way to the archived chart, which lists and searches no longer show."""
        merged = gettext("%(patient)s is merged into this chart.") % {"patient": name_of(self.other)}
        address = reverse("admin:chart", args=[self.other.pk])
        return format_html('{} <a class="underline" href="{}">{}</a>', merged, address, gettext("Undo it on the archived chart"))

    def _form(self, data: Any = None) -> MergeForm:
        return MergeForm(data, survivor=self.patient, other=self.other)

    def _shown(self, form: MergeForm) -> HttpResponse:
        """Show both records, which is audited as a read of both, and what would become of the rows."""
        audit.record_read(self.actor, "patient.read", patients=[(self.other.organization_id, self.other.pk)])
        try:
            moved, obstacle = list(moved_rows(self._preview())), ""
        except DomainError as error:
            moved, obstacle = [], error.message
        until = timezone.localdate() + datetime.timedelta(days=settings.MERGE_RETENTION_DAYS)
        shown = {"other": self.other, "moved": moved, "obstacle": obstacle, "until": until}
        return self.render_to_response(self.get_context_data(form=form, compared=list(form.compared()), **shown))

    def _preview(self) -> MergeReport:
        versions = {"base_version": self.patient.version, "other_base_version": self.other.version}
        return preview_merge(actor=self.actor, survivor_id=self.patient.pk, other_id=self.other.pk, **versions)


def moved_rows(report: MergeReport) -> Iterator[MovedRows]:
    """Yield what a merge does, by kind, in words; what moves or changes comes first."""
    plurals = {word_for(reference.model): str(reference.model._meta.verbose_name_plural) for reference in merge_rules()}
    for row in sorted(report.rows.values(), key=lambda row: not (row.moved or row.settled)):
        label = str(KINDS.get(row.kind) or plurals[row.kind].capitalize())
        yield MovedRows(label, row.moved, row.settled, row.stayed)


def _both_have_fields(survivor: Patient, other: Patient) -> bool:
    """Tell whether there is a custom field of which both records have a value."""
    own = FieldValue.objects.filter(patient=survivor).values("field_definition")
    return FieldValue.objects.filter(patient=other, field_definition__in=own).exists()


# --- values in words -----------------------------------------------------------------------------------
def label_of_choice(name: str) -> str:
    """Return what a choice is called on pages."""
    column: Any = None if name in LABELS else Patient._meta.get_field(name)
    return str(LABELS[name]) if column is None else str(column.verbose_name).capitalize()


def _shown(patient: Patient, name: str) -> str:
    """Return the values of a choice as one text, empty for none."""
    texts = (_text(patient, column) for column in CHOICES[name])
    if name == "balances":
        return localize(patient.balance_total) if any(getattr(patient, column) for column in BALANCES) else ""
    return ", ".join(dict.fromkeys(filter(None, texts)))


def _text(patient: Patient, column: str) -> str:
    value = value_of(patient, column)
    if value is None or value == "":
        return ""
    if column in SEALED:
        return masked(value)
    if column.endswith("_id"):
        row = getattr(patient, column.removesuffix("_id"))
        return name_of(row) if isinstance(row, Patient) else str(row.name)
    return _IN_WORDS.get(type(value), lambda value: _chosen(patient, column, value))(value)


_IN_WORDS: Mapping[type, Any] = {
    bool: lambda value: gettext("Yes") if value else gettext("No"),
    datetime.date: written_day,
    datetime.datetime: lambda value: f"{written_day(timezone.localtime(value))}, {timezone.localtime(value):%H:%M}",
}


def _chosen(patient: Patient, column: str, value: Any) -> str:
    display = getattr(patient, f"get_{column}_display", None)
    return str(display() if display else value)
