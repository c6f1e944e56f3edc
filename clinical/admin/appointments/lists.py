"""The list of appointments: today's at first, and by any day, status, provider, place and patient."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from accounts.admin.base import ScopedAdmin
from accounts.admin.filters import ChoiceFilter, ScopedRelatedFilter
from accounts.permissions import Permission
from accounts.scope import scope
from accounts.site import actor_of
from accounts.templatetags.clinic import clock, day, moment
from clinical.admin.appointments.calendar import audit_shown
from clinical.admin.appointments.choices import day_in
from clinical.models import Appointment
from clinical.scheduling import Span, hours_of
from clinical.templatetags.appointments import status_pill
from patients.finding import containing_words
from patients.labels import label_of, name_of
from patients.models import Patient

_DAY = datetime.timedelta(days=1)
# What people choose -> its first and its last day, seen from today. None is without end.
_DAYS: dict[str, tuple[Any, Callable[[datetime.date], tuple[datetime.date | None, datetime.date | None]]]] = {
    "tomorrow": (_("Tomorrow"), lambda today: (today + _DAY, today + _DAY)),
    "week": (_("Next 7 days"), lambda today: (today, today + 6 * _DAY)),
    "month": (_("Next 30 days"), lambda today: (today, today + 29 * _DAY)),
    "before": (_("Last 30 days"), lambda today: (today - 30 * _DAY, today - _DAY)),
    "all": (_("Any day"), lambda today: (None, None)),
}


class WhenFilter(DropdownFilter):
    """Days: today without a choice, and any day where somebody searches; an address may name one day, as YYYY-MM-DD."""

    title = _("day")
    parameter_name = "when"
    all_option = ["", _("Today")]

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[str, str]]:
        offered = [(word, title) for word, (title, days) in _DAYS.items()]
        named = day_in(request.GET.get("when", ""))
        return [*offered, (named.isoformat(), day(named))] if named else offered

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen, today, zone = self.value(), timezone.localdate(), timezone.get_current_timezone()
        if not chosen and request.GET.get("q"):
            return queryset
        if chosen in _DAYS:
            first, last = _DAYS[chosen][1](today)
        else:
            first = last = day_in(chosen or "") or today
        if first is None or last is None:
            return queryset
        begins, ends = hours_of(first, zone), hours_of(last, zone)  # type: ignore[arg-type]
        shown = Span(begins.start, ends.end)
        return queryset.filter(starts_at__gte=shown.start, starts_at__lt=shown.end)


@admin.register(Appointment)
class AppointmentAdmin(ScopedAdmin):
    """Appointments. They are booked and changed in dialogs (booking.py, visits.py)."""

    # The calendar is in the sidebar, and leads here.
    section = ""
    list_display = ["when", "who", "why", "provider", "location", "status_word"]
    list_display_links = None
    list_select_related = ["patient", "provider", "location"]
    list_filter = [
        WhenFilter,
        ("status", ChoiceFilter),
        ("provider", ScopedRelatedFilter),
        ("location", ScopedRelatedFilter),
    ]
    list_before_template = "admin/appointments/list_head.html"
    change_form_outer_before_template = "admin/clinical/appointment_heading.html"
    ordering = ["starts_at", "id"]
    search_fields = ["patient__search_text"]
    search_help_text = _("Any part of a patient's name, date of birth, phone, e-mail or chart number")
    fieldsets = [
        (None, {"fields": ["patient", "starts_at", "ends_at", "provider", "location", "status", "note", "cancellation_reason"]})
    ]

    class Media:
        css = {"all": ["clinic/calendar.css"]}
        js = ["clinic/calendar.js"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        can_book = actor_of(request).role in Permission.WRITE_PATIENTS.roles
        return super().changelist_view(request, {"section": "admin:calendar", "can_book": can_book, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(deleted_at=None, patient__deleted_at=None)

    @admin.display(description=_("When"), ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        return f"{day(appointment.starts_at)}, {clock(appointment.starts_at)}"

    @admin.display(description=_("Patient"))
    def who(self, appointment: Appointment) -> SafeString:
        label = label_of(appointment.patient, timezone.localdate())
        return render_to_string("admin/appointments/list_patient.html", {"visit": appointment, "label": label})

    @admin.display(description=_("Reason"))
    def why(self, appointment: Appointment) -> str:
        return appointment.note or ""

    @admin.display(description=_("Status"), ordering="status")
    def status_word(self, appointment: Appointment) -> SafeString:
        pill = render_to_string("admin/appointments/status_pill.html", status_pill(appointment.status))
        return format_html('<span class="clinic">{}</span>', pill)

    def find(self, request: HttpRequest, queryset: QuerySet, text: str) -> tuple[QuerySet, bool]:
        """Find the appointments of the patients whom `text` may mean."""
        actor = actor_of(request)
        patients = scope(actor, Patient.objects.filter(containing_words(actor, text)))
        return queryset.filter(patient__in=patients), False

    def label(self, obj: Appointment) -> str:
        return f"{name_of(obj.patient)}, {moment(obj.starts_at)}"

    def audit_read(self, request: HttpRequest, rows: list[Appointment], action: str) -> None:
        audit_shown(actor_of(request), rows, action)
