"""The appointments of the demo: a day at three providers, the next one, and a few of last week.

They are booked on the first run, around that day. What lies before the hour of the run has happened.
"""

import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Organization
from accounts.scope import Actor, scope
from clinical.models import Appointment, AppointmentStatus
from clinical.scheduling import hours_of
from clinical.services.appointments import book_appointment, update_appointment
from config.core.dates import today_at
from patients.models import Location, Patient, Provider, Status


class Visit(NamedTuple):
    """A visit of a provider (their place among all, by name) at a minute of the day."""

    provider: int
    clock: str
    minutes: int
    reason: str
    missed: bool = False


TODAY = (
    Visit(0, "09:00", 30, "Blood pressure, follow-up"),
    Visit(0, "09:30", 30, "Heart failure, 3 months"),
    Visit(0, "10:20", 40, "Diabetes, yearly"),
    Visit(0, "13:00", 60, "Insulin, new plan"),
    Visit(0, "14:30", 30, "Results of the blood test"),
    Visit(1, "08:30", 30, "Travel vaccination"),
    Visit(1, "10:00", 30, "Knee pain"),
    Visit(1, "11:00", 30, "Medication review"),
    Visit(1, "14:30", 60, "Pulse, after alert"),
    Visit(2, "09:00", 40, "Back pain", missed=True),
    Visit(2, "09:40", 20, "Dressing"),
    Visit(2, "10:00", 30, "Cough for three weeks"),
    Visit(2, "10:30", 60, "Glucose, after alert"),
    Visit(2, "13:00", 45, "Skin check"),
    Visit(2, "13:30", 30, "Ear syringing"),
    Visit(2, "15:00", 30, "New patient"),
)
TOMORROW = (
    Visit(0, "09:00", 30, "Blood pressure, follow-up"),
    Visit(0, "11:00", 30, "Asthma, yearly"),
    Visit(1, "09:30", 60, "Foot check"),
    Visit(1, "13:30", 30, "Contraception"),
    Visit(2, "10:00", 30, "Headaches"),
    Visit(2, "15:30", 30, "Weight"),
)
LAST_WEEK = (Visit(0, "10:00", 30, "First visit"), Visit(1, "14:00", 30, "Blood pressure"), Visit(2, "09:00", 30, "Cough"))
# Every third visit to come has been confirmed.
CONFIRMED = 3


def seed_appointments(actor: Actor, organization: Organization) -> None:
    """Book the appointments of an organization that has none."""
    if scope(actor, Appointment.objects.filter(organization=organization)).exists():
        return
    today = today_at(organization.timezone)
    patients = _patients(actor, organization)
    for days, visits in ((-7, LAST_WEEK), (0, TODAY), (1, TOMORROW)):
        _book(actor, organization, today + datetime.timedelta(days=days), visits, patients)


def _patients(actor: Actor, organization: Organization) -> list[Patient]:
    rows = scope(actor, Patient.objects.filter(organization=organization, deleted_at=None)).exclude(status=Status.DECEASED)
    return list(rows.order_by("chart_number_key", "pk")[: len(TODAY)])


def _book(
    actor: Actor, organization: Organization, day: datetime.date, visits: tuple[Visit, ...], patients: list[Patient]
) -> None:
    providers, places = (
        list(scope(actor, model._base_manager.filter(organization=organization, deleted_at=None)).order_by("name_key", "pk"))
        for model in (Provider, Location)
    )
    midnight = hours_of(day, organization.zone).start.astimezone(organization.zone)
    for number, (visit, patient) in enumerate(zip(visits, patients, strict=False)):
        clock = datetime.time.fromisoformat(visit.clock)
        starts_at = midnight.replace(hour=clock.hour, minute=clock.minute)
        booked = book_appointment(
            actor=actor,
            patient_id=patient.pk,
            starts_at=starts_at,
            ends_at=starts_at + datetime.timedelta(minutes=visit.minutes),
            provider_id=providers[visit.provider % len(providers)].pk,
            location_id=places[0].pk,
            note=visit.reason,
        )
        _follow(actor, booked, visit, confirmed=number % CONFIRMED == 0)


def _follow(actor: Actor, booked: Appointment, visit: Visit, *, confirmed: bool) -> None:
    """Give an appointment the status that it has by now."""
    length, passed = datetime.timedelta(minutes=visit.minutes), timezone.now() - booked.starts_at
    if passed > length:
        status = AppointmentStatus.NO_SHOW if visit.missed else AppointmentStatus.COMPLETED
    elif passed > -datetime.timedelta(minutes=15):
        status = AppointmentStatus.ARRIVED
    elif confirmed:
        status = AppointmentStatus.CONFIRMED
    else:
        return
    update_appointment(
        actor=actor, patient_id=booked.patient_id, entry_id=booked.pk, base_version=booked.version, changes={"status": status}
    )
