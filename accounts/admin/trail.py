"""The audit trail, read-only."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ScopedAdmin
from accounts.admin.filters import ChoiceFilter
from accounts.admin.organizations import OFFICE
from accounts.models import AuditEvent, User
from accounts.scope import scope
from accounts.site import actor_of


@admin.register(AuditEvent)
class AuditEventAdmin(ScopedAdmin):
    """Who did what, when, and how."""

    readers = OFFICE
    section, place, icon, hint = "Access", 3, "history", "Who read and changed what"
    list_display = ["at", "who", "role", "action", "outcome_label", "key_id", "route"]
    list_filter = [("outcome", ChoiceFilter)]
    search_fields = ["action"]
    search_help_text = "A part of an action such as patient.update, or the UUID of a patient"
    fieldsets = [
        (None, {"fields": ["at", "who", "role", "key_id", "action", "outcome", "subject", "subject_id", "changed_fields"]}),
        ("Request", {"fields": ["route", "request_id"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Annotate the e-mail address of the user, if the caller may see that user."""
        users = scope(actor_of(request), User.objects.filter(pk=OuterRef("user_id"))).order_by()
        return super().get_queryset(request).annotate(email=Subquery(users.values("email")))

    @display(description="Who")
    def who(self, event: Any) -> str:
        return event.email or (f"User {event.user_id}" if event.user_id else "System")

    @display(description="Outcome", label={"ok": "success", "denied": "danger"})
    def outcome_label(self, event: AuditEvent) -> tuple[str, str]:
        return event.outcome, event.get_outcome_display()

    def find(self, request: HttpRequest, queryset: QuerySet, text: str) -> tuple[QuerySet, bool]:
        """Search by the UUID of an affected patient, or by action."""
        try:
            uuid = UUID(text)
        except ValueError:
            return super().find(request, queryset, text)
        patients = scope(actor_of(request), apps.get_model("patients", "Patient")._base_manager.filter(uuid=uuid))
        return queryset.filter(patients__patient_id__in=patients.values("pk")), False
