"""Appointments: a read-only list, and a form to add one."""

from django.contrib import admin
from django.http import HttpRequest

from accounts import audit
from accounts.admin.base import ScopedAdmin
from accounts.admin.filters import ChoiceFilter, ScopedRelatedFilter
from accounts.admin.forms import ServiceForm
from accounts.permissions import Permission
from accounts.site import actor_of
from clinical.models import Appointment
from patients.services.charts import create_entry


@admin.register(Appointment)
class AppointmentAdmin(ScopedAdmin):
    """Appointments."""

    creators = Permission.WRITE_PATIENTS.roles
    section, place, icon, hint = "Patients", 2, "event", "Who is expected, when and where"
    list_display = ["starts_at", "who", "provider", "location", "status"]
    list_select_related = ["patient", "provider", "location"]
    list_filter = [("status", ChoiceFilter), ("provider", ScopedRelatedFilter), ("location", ScopedRelatedFilter)]
    ordering = ["-starts_at", "-id"]
    autocomplete_fields = ["patient", "provider", "location"]
    fieldsets = [(None, {"fields": ["patient", ("starts_at", "ends_at"), ("provider", "location"), "status", "note"]})]
    constraint_fields = {"appointment_ends_after_start": ("ends_at", "An appointment ends after it has begun.")}

    @admin.display(description="Patient")
    def who(self, appointment: Appointment) -> str:
        return f"{appointment.patient.last_name}, {appointment.patient.first_name}"

    def audit_read(self, request: HttpRequest, rows: list[Appointment], action: str) -> None:
        patients = {(row.organization_id, row.patient_id) for row in rows}
        audit.record_read(actor_of(request), f"appointment.{action}", patients=sorted(patients))

    def create(self, request: HttpRequest, form: ServiceForm) -> Appointment:
        changes = form.changes()
        return create_entry(actor=actor_of(request), model=Appointment, **changes)
