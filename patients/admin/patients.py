"""Patients: finding them, and their record as a form."""

import datetime
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import DecimalField, Model, QuerySet, TextField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts import audit
from accounts.admin.base import ScopedAdmin, ScopedInline, exclude_fields
from accounts.admin.filters import ScopedRelatedFilter
from accounts.admin.history import KeptValue
from accounts.audit import Overridden
from accounts.permissions import ADMINISTRATORS, Permission
from accounts.site import actor_of
from config.core.encryption import unseal
from patients.admin.forms import PatientForm
from patients.admin.history import changes_of_patient, values_kept_of
from patients.admin.life_cycle import possible_events
from patients.admin.registration import COMPARED
from patients.finding import containing_words
from patients.labels import age_of, label_of, name_of, phone_of
from patients.models import BALANCES, Enrolment, Patient, PatientIdentifier, Status
from patients.serializer_fields import masked
from patients.services.patients import create_patient, update_patient

_LIST_LEAVES_OUT = ("search_text", "social_security_number_sealed", "medicaid_id_sealed", "bsn_sealed")


def _tab(title: Any, *fields: str | tuple[str, ...]) -> tuple[Any, dict]:
    return title, {"classes": ["tab"], "fields": list(fields)}


FIELDSETS: list = [
    (
        None,
        {
            "fields": [
                ("first_name", "middle_name", "last_name"),
                ("date_of_birth", "chart_number", "status"),
                "medical_urgent_note",
                "someone_else",
                "base_version",
            ]
        },
    ),
    _tab(
        _("Who"),
        ("title", "salutation", "preferred_name"),
        ("gender", "sex", "pronoun"),
        ("marital_status", "preferred_language"),
        ("language", "timezone"),
        "date_time_deceased",
    ),
    _tab(
        _("Contact"),
        ("mobile_phone", "home_phone", "work_phone"),
        ("email", "receives_email", "receives_sms"),
        "address_line1",
        "address_line2",
        ("street", "house_number", "house_number_suffix"),
        ("postal_code", "city"),
        ("state", "country"),
        "address_note",
        ("emergency_contact_name", "emergency_contact_phone"),
        ("preferred_contact_method", "preferred_confirmation_method"),
    ),
    _tab(
        _("Care"),
        ("care_group", "location"),
        ("primary_provider", "secondary_provider"),
        "medical_summary",
        "treatment_notes",
        "appointment_module_note",
        "comments",
        ("allergy_review_status", "premedication_required"),
        ("date_first_visit", "ask_to_arrive_early_mins"),
    ),
    _tab(
        _("Billing"),
        "responsible_party",
        ("fee_schedule", "billing_type"),
        ("employer", "billing_cycle_day"),
        BALANCES[:4],
        BALANCES[4:],
        ("stored_ssn", "social_security_number"),
        ("stored_medicaid_id", "medicaid_id"),
        ("stored_bsn", "bsn"),
    ),
    _tab(
        _("Record"),
        "uuid",
        ("created_at", "updated_at"),
        "version",
    ),
]


class StatusFilter(DropdownFilter):
    """A status. Without a choice: every patient who is not archived."""

    title = _("status")
    parameter_name = "status"
    all_option = ["", _("All but archived")]

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[str, Any]]:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value():
            return queryset.filter(status=self.value())
        return queryset.filter(deleted_at=None)


class IdentifierInline(ScopedInline):
    """Numbers that other systems know the patient by."""

    model = PatientIdentifier
    verbose_name_plural = _("Identifiers")
    fields = ["system", "value", "use", "assigner"]


class EnrolmentInline(ScopedInline):
    """The patient's time in programs."""

    model = Enrolment
    verbose_name_plural = _("Programs")
    fields = ["program", "protocol", "start_date", "end_date"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("program", "protocol")


@admin.register(Patient)
class PatientAdmin(ScopedAdmin):
    """Patients."""

    form = PatientForm
    creators = writers = Permission.WRITE_PATIENTS.roles
    section, place, icon, hint = "Patients", 1, "person", _("Find, register and correct")
    add_url_name, add_label = "admin:register", _("Register patient")
    past_days = frozenset({"date_of_birth"})
    compressed_fields = False
    change_form_outer_before_template = "admin/patients/patient/heading.html"
    formfield_overrides = {
        # Text, as browsers take a decimal comma by their own language and not by that of the page.
        DecimalField: {"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}), "localize": True},
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
    }
    inlines = [IdentifierInline, EnrolmentInline]
    list_display = [
        "name",
        "age",
        "born",
        "number",
        "phone",
        "status_label",
        "care_group",
        "primary_provider",
        "added",
    ]
    list_filter = [
        StatusFilter,
        ("care_group", ScopedRelatedFilter),
        ("primary_provider", ScopedRelatedFilter),
        ("location", ScopedRelatedFilter),
    ]
    list_select_related = ["care_group", "primary_provider"]
    ordering = ["last_name_key", "first_name_key", "id"]
    # What was searched for is of a person, and goes into no address of a chart.
    preserve_filters = False
    search_fields = ["search_text"]
    search_help_text = _("Any part of a name, phone, e-mail or chart number, or a date of birth as you write it")
    autocomplete_fields = ["responsible_party", "primary_provider", "secondary_provider", "location", "employer"]
    readonly_fields = ["stored_ssn", "stored_medicaid_id", "stored_bsn", "uuid", "version", "created_at", "updated_at"]
    constraint_fields = {
        "patient_chart_number_unique": ("chart_number", _("Another patient has this chart number.")),
        "patient_not_own_guarantor": ("responsible_party", _("A patient cannot be their own guarantor.")),
    }
    fieldsets = FIELDSETS

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["clinic/patients.css"]}

    # --- the list ---------------------------------------------------------------------------------
    @display(description=_("Name"), ordering="last_name_key")
    def name(self, patient: Patient) -> str:
        return name_of(patient)

    @display(description=_("Age"), ordering="-date_of_birth_key")
    def age(self, patient: Patient) -> int | None:
        return age_of(patient, timezone.localdate())

    @display(description=_("Born"), ordering="date_of_birth_key")
    def born(self, patient: Patient) -> datetime.date | None:
        return patient.date_of_birth

    @display(description=_("Number"), ordering="chart_number_key")
    def number(self, patient: Patient) -> str | None:
        return patient.chart_number

    @display(description=_("Phone"))
    def phone(self, patient: Patient) -> str:
        return phone_of(patient)

    @display(
        description=_("Status"),
        ordering="status",
        label={"active": "success", "prospective": "info", "inactive": "warning", "deceased": "danger", "archived": ""},
    )
    def status_label(self, patient: Patient) -> tuple[str, str]:
        return patient.status, patient.get_status_display()

    @display(description=_("Added"), ordering="created_at")
    def added(self, patient: Patient):
        return timezone.localdate(patient.created_at)

    def find(self, request: HttpRequest, queryset: QuerySet, text: str) -> tuple[QuerySet, bool]:
        """Find patients as the APIs do: every word, as typed or as digits."""
        return queryset.filter(containing_words(actor_of(request), text)).defer(*_LIST_LEAVES_OUT), False

    @display(description=_("Actions"))
    def row_menu(self, patient: Patient) -> str:
        """The buttons of what may happen to one patient."""
        events = [
            (reverse("admin:patient_life_cycle", args=[patient.pk, event]), title, icon)
            for event, title, icon in possible_events(patient, self.writers)
        ]
        return render_to_string("admin/patients/row_menu.html", {"patient": patient, "events": events})

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = super().get_list_display(request)
        return [*columns, "row_menu"] if self._is(request, self.writers) else columns

    def label(self, obj: Patient) -> str:
        return label_of(obj, timezone.localdate())

    def address(self, obj: Patient) -> str:
        return reverse("admin:chart", args=[obj.pk])

    def audit_read(self, request: HttpRequest, rows: list[Patient], action: str) -> None:
        patients = [(row.organization_id, row.pk) for row in rows]
        audit.record_read(actor_of(request), f"patient.{action}", patients=patients)

    # --- the history ------------------------------------------------------------------------------
    def changes_of(self, row: Patient) -> QuerySet:
        return changes_of_patient(row)

    def kept_values(
        self, request: HttpRequest, row: Patient, since: datetime.datetime, until: datetime.datetime
    ) -> Iterable[KeptValue]:
        return values_kept_of(actor_of(request), row, since, until)

    # --- the form ---------------------------------------------------------------------------------
    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Show the status of a patient who exists: transitions change it, not corrections. Balances are for administrators."""
        fields = super().get_readonly_fields(request, obj)
        if actor_of(request).role not in ADMINISTRATORS:
            fields = [*fields, *BALANCES]
        return [*fields, "status"] if obj else fields

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        exclude_fields(fieldsets, self.readonly_fields if obj is None else ["someone_else"])
        return [fieldset for fieldset in fieldsets if fieldset[1]["fields"]]

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list:
        """Show what hangs on a patient once there is one."""
        return self.inlines if obj else []

    def _stored(self, patient: Patient, name: str) -> str | None:
        sealed = getattr(patient, f"{name}_sealed")
        return masked(unseal(sealed, f"patient.{name}", patient.uuid)) if sealed else None

    @display(description=_("Social security number"))
    def stored_ssn(self, patient: Patient) -> str | None:
        return self._stored(patient, "social_security_number")

    @display(description=_("Medicaid id"))
    def stored_medicaid_id(self, patient: Patient) -> str | None:
        return self._stored(patient, "medicaid_id")

    @display(description=_("Citizen service number"))
    def stored_bsn(self, patient: Patient) -> str | None:
        return self._stored(patient, "bsn")

    def create(self, request: HttpRequest, form: PatientForm) -> Patient:
        values = {"status": form.cleaned_data["status"], **form.values()}
        compared = Overridden("Compared with those who look alike: someone else.", (COMPARED,))
        overridden = compared if form.cleaned_data["someone_else"] else None
        return create_patient(
            actor=actor_of(request), organization=self.organization_for(form), values=values, overridden=overridden
        )

    def response_post_save_add(self, request: HttpRequest, obj: Patient) -> HttpResponse:
        return HttpResponseRedirect(self.address(obj))

    def response_post_save_change(self, request: HttpRequest, obj: Patient) -> HttpResponse:
        return HttpResponseRedirect(self.address(obj))

    def change(self, request: HttpRequest, obj: Patient, form: PatientForm) -> None:
        version = form.cleaned_data["base_version"]
        update_patient(actor=actor_of(request), patient_id=obj.pk, base_version=version, changes=form.values())
