"""The audit trail, read-only."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ScopedAdmin
from accounts.admin.filters import ChoiceFilter
from accounts.admin.organizations import OFFICE
from accounts.models import AuditedPatient, AuditEvent, User
from accounts.scope import Actor, scope, visible
from accounts.site import actor_of
from config.core.databases import Among


@admin.register(AuditEvent)
class AuditEventAdmin(ScopedAdmin):
    """Who did what, when, and how."""

    readers = OFFICE
    section, place, icon, hint = "Access", 3, "history", "Who read and changed what"
    list_display = ["at", "who", "role", "action", "outcome_label", "key_id", "address", "route"]
    list_filter = [("outcome", ChoiceFilter)]
    search_fields = ["action", "=address"]
    search_help_text = "A part of an action such as patient.update, an address, or the UUID of a patient"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "at",
                    "who",
                    "role",
                    "key_id",
                    "action",
                    "outcome",
                    "subject",
                    "subject_id",
                    "changed_fields",
                    "overridden",
                ]
            },
        ),
        ("Refused request", {"fields": ["subject_uuid", "patient_uuid", "patient_id"]}),
        ("Request", {"fields": ["address", "route", "request_id"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Return the events that concern the caller's organization, with the e-mail addresses that the caller may see.

        `email` is that of who acted, `account` that of the account that an event is about.
        """
        actor = actor_of(request)
        users = scope(actor, User.objects.order_by())
        return AuditEvent.objects.filter(concerns(actor)).annotate(
            email=Subquery(users.filter(pk=OuterRef("user_id")).values("email")),
            account=Subquery(users.filter(pk=OuterRef("subject_id")).values("email")),
        )

    @display(description="Who")
    def who(self, event: Any) -> str:
        if event.user_id:
            return event.email or f"User {event.user_id}"
        if event.role:
            return "System"
        return f"Unknown, as {event.account}" if event.subject == "user" and event.account else "Unknown"

    @display(description="Outcome", label={"ok": "success", "denied": "danger"})
    def outcome_label(self, event: AuditEvent) -> tuple[str, str]:
        return event.outcome, event.get_outcome_display()

    def find(self, request: HttpRequest, queryset: QuerySet, text: str) -> tuple[QuerySet, bool]:
        """Search by the UUID of an affected patient, or by action."""
        try:
            uuid = UUID(text)
        except ValueError:
            return super().find(request, queryset, text)
        patients = list(scope(actor_of(request), _patients().filter(uuid=uuid)).values_list("pk", flat=True))
        affected = AuditedPatient.objects.filter(patient_id__in=patients).values("event_id")
        return queryset.filter(Q(pk__in=affected) | Q(patient_uuid=uuid) | Q(patient_id__in=patients)), False


def concerns(actor: Actor) -> Q:
    """Return the condition for the events that the trail shows to `actor`.

    They are those of their organization, those of superadmins that affected its patients, and refused
    requests of anybody that named one of its patients.
    """
    own = visible(actor, AuditEvent)
    if not own:
        return own  # No condition: all events.
    events = AuditEvent.objects.order_by().values("pk")
    affected = scope(actor, AuditedPatient.objects.filter(event=OuterRef("pk")))
    by_uuid = scope(actor, _patients().filter(uuid=OuterRef("patient_uuid")))
    by_id = scope(actor, _patients().filter(pk=OuterRef("patient_id")))
    return (
        own
        | Q(Among("pk", events.filter(Exists(affected), organization_id=None)))
        | Q(Among("pk", events.filter(Exists(by_uuid), patient_uuid__isnull=False)))
        | Q(Among("pk", events.filter(Exists(by_id), patient_id__isnull=False)))
    )


def _patients() -> QuerySet:
    return apps.get_model("patients", "Patient")._base_manager.order_by()
