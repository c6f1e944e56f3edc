"""The calendar: a day by provider or location, or a week of one of them, on the clinic's clock."""

import datetime
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.fields import country_of
from accounts.admin.pages import Page, page
from accounts.models.catalogs import Catalog
from accounts.navigation import Badge, Entry, add_entry
from accounts.permissions import Permission
from accounts.scope import Actor, scope
from accounts.site import actor_of
from clinical.admin.appointments.choices import RESOURCES, Choice, day_in
from clinical.admin.appointments.columns import hour_labels, hours_shown, overlapping_pairs
from clinical.admin.appointments.sheet import Sheet
from clinical.agenda import appointments_in, count_today, span_of, taking_time, waiting
from clinical.appointment_labels import MOVABLE
from clinical.models import Appointment, AppointmentStatus
from clinical.scheduling import Span, hours_of

# Overlaps that are told above the columns; the columns show all.
MOST_TOLD = 2
# Minutes around the present time, which stands where the hour would.
COVERED = 15


class Calendar(Page):
    """What the page and its block share. Whose visits are shown is audited."""

    writers = Permission.WRITE_PATIENTS.roles

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = {name: list(_current(self.actor, model)) for name, model in RESOURCES.items()}
        country = country_of(self.request.user)
        choice = Choice.read(self.request.GET, country)
        choice = choice.with_one_of(rows[choice.by])
        asked = self.request.GET.get("on", "")
        sheet = self._sheet(choice, rows[choice.by])
        told, hours = _told(sheet), hour_labels(sheet.hours[0])
        return super().get_context_data(
            choice=choice,
            misread="" if day_in(asked, country) else asked,
            sheet=sheet,
            resources=rows,
            columns=sheet.columns(),
            hours=hours,
            length=sheet.hours[0].minutes,
            statuses=[status for status in AppointmentStatus if status != AppointmentStatus.CANCELLED],
            covered=[minute for minute, label in hours if told["now"] is not None and abs(minute - told["now"]) < COVERED],
            **told,
            **kwargs,
        )

    def _sheet(self, choice: Choice, rows: list[Catalog]) -> Sheet:
        zone = timezone.get_current_timezone()
        days = [hours_of(day, zone) for day in choice.days]  # type: ignore[arg-type]
        visits = list(self._visits(choice, Span(days[0].start, days[-1].end)))
        shown = hours_shown(map(span_of, visits))
        hours = [hours_of(day, zone, *shown) for day in choice.days]  # type: ignore[arg-type]
        busy = self._busy(Span(hours[0].start, hours[-1].end), {visit.pk for visit in visits})
        return Sheet(choice, rows, visits, hours, busy, can_book=self.actor.role in self.writers)

    def _visits(self, choice: Choice, span: Span) -> QuerySet[Appointment]:
        chosen = {f"{name}_id": getattr(choice, name) for name in RESOURCES if getattr(choice, name) is not None}
        return appointments_in(self.actor, span).filter(**chosen).exclude(status=AppointmentStatus.CANCELLED)

    def _busy(self, span: Span, seen: set[int]) -> list[tuple[int | None, Span]]:
        """Return when which provider is busy with a visit that is not shown, without a word about whom they see."""
        if self.actor.organization_id is None:
            return []
        rows = taking_time(self.actor.organization_id, span).exclude(provider=None)
        return [(row.provider_id, span_of(row)) for row in rows.only("provider", "starts_at", "ends_at") if row.pk not in seen]

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        audit_shown(self.actor, context["sheet"].visits, "search")
        return super().render_to_response(context, **kwargs)


def audit_shown(actor: Actor, appointments: Iterable[Appointment], action: str) -> None:
    """Audit that an answer shows `appointments`, before it leaves."""
    patients = {(row.organization_id, row.patient_id) for row in appointments}
    audit.record_read(actor, f"appointment.{action}", patients=sorted(patients))


def _current(actor: Actor, model: type[Catalog]) -> QuerySet:
    return scope(actor, model._base_manager.filter(deleted_at=None)).order_by("name_key", "pk")


def _told(sheet: Sheet) -> dict[str, Any]:
    """Return what stands above the columns: who waits, what overlaps; and where the time is, if today is shown."""
    now = timezone.now()
    today = next((span for span in sheet.hours if span.start <= now < span.end), None)
    return {
        "is_today": timezone.localdate() in sheet.choice.days,
        "waiting": waiting(sheet.visits) if timezone.localdate() in sheet.choice.days else [],
        "overlaps": [pair for pair in overlapping_pairs(sheet.visits) if pair[1].status in MOVABLE][:MOST_TOLD],
        "now": today and (now - today.start) // datetime.timedelta(minutes=1),
        "now_at": now,
    }


@page("appointments/", name="calendar")
class CalendarPage(Calendar):
    """The calendar with its frame."""

    template_name = "admin/appointments/calendar.html"
    title = gettext_lazy("Appointments")
    section = "admin:calendar"


@page("appointments/block/", name="calendar_block")
class CalendarBlock(Calendar):
    """The calendar alone, fetched again when something was saved."""

    template_name = "admin/appointments/block.html"
    framed = False


def today_badge(request: HttpRequest) -> Badge | None:
    """Return how many appointments there are today."""
    count = count_today(actor_of(request))
    return Badge(_("%(count)s today") % {"count": count}) if count else None


add_entry(Entry("Patients", 2, gettext_lazy("Appointments"), "calendar", "admin:calendar", badge=today_badge))
