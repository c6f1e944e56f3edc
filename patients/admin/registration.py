"""Registering a patient: a short form, and beside it who may be the same person, before anything is stored."""

from http import HTTPStatus
from typing import Any

import phonenumbers
from django import forms
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.fields import LocalDateField, LocalForm
from accounts.admin.forms import NoteField, RowField, add_errors
from accounts.admin.pages import page
from accounts.audit import Overridden
from accounts.models import CareGroup, Organization
from accounts.permissions import Permission
from accounts.scope import Actor, scope
from config.core.dates import age_on
from config.core.exceptions import DomainError
from config.core.orm import NOTE_LENGTH
from config.core.written_dates import written_day
from patients.admin.forms import text_field
from patients.admin.pages import OrganizationPage
from patients.admin.pickers import PatientField
from patients.labels import LANGUAGES
from patients.likeness import Likeness, find_likenesses
from patients.models import Patient, Provider, Sex
from patients.phones import phone_of
from patients.services.patients import create_patient

COMPARED = "possible_duplicate.high"


class RegistrationForm(LocalForm):
    """What the front desk asks first. Everything else follows on the chart."""

    first_name = text_field(_("First name"), column="first_name", required=True)
    last_name = text_field(_("Last name"), column="last_name", required=True)
    date_of_birth = LocalDateField(label=_("Date of birth"), required=False, past=True)
    sex = forms.ChoiceField(label=_("Sex at birth"), required=False, choices=[("", _("Not known")), *Sex.choices])
    mobile_phone = text_field(_("Mobile phone"), column="mobile_phone", kind="tel")
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254, widget=forms.EmailInput({"autocomplete": "off"}))
    postal_code = text_field(_("Postal code"), column="postal_code")
    house_number = text_field(_("House number"), column="house_number")
    street = text_field(_("Street"), column="street")
    city = text_field(_("City"), column="city")
    care_group = RowField(CareGroup.objects.none(), label=_("Care group"), required=False, empty_label=_("None"))
    primary_provider = RowField(Provider.objects.none(), label=_("Provider"), required=False, empty_label=_("None"))
    preferred_language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Not known")), *((name, _(name)) for name in LANGUAGES)]
    )
    responsible_party = PatientField(
        label=_("Responsible party"), required=False, help_text=_("Only when someone else answers for the patient.")
    )
    comments = NoteField(label=_("Note for the desk"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2}))
    # Who asks on a patient's behalf has compared them with those who look alike.
    compared = forms.BooleanField(required=False)

    def __init__(self, *args: Any, actor: Actor, organization: Organization, **kwargs: Any):
        super().__init__(*args, country=organization.country, **kwargs)
        groups: Any = self.fields["care_group"]
        providers: Any = self.fields["primary_provider"]
        guarantor: Any = self.fields["responsible_party"]
        own = {"organization": organization, "deleted_at": None}
        groups.queryset = scope(actor, CareGroup.objects.filter(**own).order_by("name", "pk"))
        providers.queryset = scope(actor, Provider.objects.filter(**own).order_by("name", "pk"))
        guarantor.actor = actor

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the services take it: references as `<name>_id`, nothing as None."""
        references = ("care_group", "primary_provider", "responsible_party")
        plain = {name: value or None for name, value in self.cleaned_data.items() if name not in (*references, "compared")}
        chosen = {f"{name}_id": getattr(self.cleaned_data[name], "pk", None) for name in references}
        return {name: value for name, value in {**plain, **chosen}.items() if value is not None}

    def typed(self) -> dict[str, Any]:
        """Return the values that are right so far, of a form that may not be finished."""
        self.is_valid()  # Cleans the form where that has not been done.
        return {name: value for name, value in self.cleaned_data.items() if name in self.data and value}


class Registration(OrganizationPage):
    """Base of the page and its fragment."""

    readers = writers = Permission.WRITE_PATIENTS.roles

    def form(self, organization: Organization, data: Any = None) -> RegistrationForm:
        """Return the form, with what was sent."""
        initial = {"care_group": self.actor.default_group_id}
        form = RegistrationForm(data, initial=initial, actor=self.actor, organization=organization)
        if not form.is_bound:
            form.fields["first_name"].widget.attrs["autofocus"] = True
        return form


@page("patients/register/", name="register")
class RegisterPage(Registration):
    """The form. What is sent is stored unless somebody looks like the patient whom nobody has compared."""

    template_name = "admin/patients/register.html"
    title = _("Register a patient")
    section = "admin:patients_patient_changelist"
    parents = (("patients_patient_changelist", _("Patients")),)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        form = self.form(organization) if organization else None
        return self.render_to_response(self.get_context_data(form=form, organizations=self.organizations()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        if organization is None:
            return self.get(request)
        form = self.form(organization, request.POST)
        if not form.is_valid():
            return self._refused(form, find_likenesses(self.actor, organization, form.typed()))
        alike = find_likenesses(self.actor, organization, form.values())
        if alike and not form.cleaned_data["compared"]:
            return self._refused(form, alike, asked=True)
        try:
            patient = self._create(organization, form, alike)
        except (DomainError, IntegrityError) as error:
            add_errors(form, error, {})
            return self._refused(form, alike)
        # "#book" opens the dialog of the button with this id, as soon as the chart is there.
        return HttpResponseRedirect(reverse("admin:chart", args=[patient.pk]) + ("#book" if "_book" in request.POST else ""))

    def _create(self, organization: Organization, form: RegistrationForm, alike: list[Likeness]) -> Patient:
        compared = Overridden(f"Compared with {len(alike)} charts: someone else.", (COMPARED,)) if alike else None
        return create_patient(actor=self.actor, organization=organization, values=form.values(), overridden=compared)

    def _refused(self, form: RegistrationForm, alike: list[Likeness], *, asked: bool = False) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, alike=alike, asked=asked))


@page("patients/register/alike/", name="register_alike")
class AlikeFragment(Registration):
    """Who looks like the patient whom somebody is typing, and how dates and phone numbers were read. Nothing is stored."""

    template_name = "admin/patients/alike.html"
    framed = False

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        if organization is None:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        values = self.form(organization, request.POST).typed()
        alike = find_likenesses(self.actor, organization, values)
        shown = {"alike": alike, "read": read_as(values, organization), "compared": values.get("compared")}
        return self.render_to_response(self.get_context_data(**shown))


def read_as(values: dict[str, Any], organization: Organization) -> dict[str, str]:
    """Return how a date of birth and a phone number were understood, in words, by field."""
    read = {"date_of_birth": "", "mobile_phone": ""}
    if born := values.get("date_of_birth"):
        age = age_on(timezone.localdate(), born)
        told = {"read": written_day(born), "age": age}
        aged = ngettext("Read as %(read)s, %(age)s year", "Read as %(read)s, %(age)s years", age)
        read["date_of_birth"] = (aged if age >= 0 else gettext("Read as %(read)s")) % told
    if number := phone_of(values.get("mobile_phone"), organization.country):
        style = phonenumbers.PhoneNumberFormat
        abroad = phonenumbers.region_code_for_number(number) != organization.country
        dialled = phonenumbers.format_number(number, style.INTERNATIONAL if abroad else style.NATIONAL)
        read["mobile_phone"] = gettext("Read as %(read)s") % {"read": dialled}
    return read
