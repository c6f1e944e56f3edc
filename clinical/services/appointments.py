"""Booking, moving and following appointments, and what speaks against a time."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Overridden
from accounts.scope import Actor
from clinical.models import Appointment, AppointmentStatus
from clinical.models.appointments import MOMENTS
from config.core.exceptions import Invalid
from config.core.orm import drop_nulls_for_not_null_columns
from patients.models import Patient
from patients.services.charts import add_entry, check_version, correct_entry, lock_entry
from patients.services.locking import lock_patient
from patients.services.patients import died

# What may follow each status. Steps back are for a wrong click: they clear the moments of the steps that they undo.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    AppointmentStatus.SCHEDULED: frozenset(AppointmentStatus) - {AppointmentStatus.SCHEDULED},
    AppointmentStatus.CONFIRMED: frozenset(AppointmentStatus) - {AppointmentStatus.CONFIRMED},
    AppointmentStatus.ARRIVED: frozenset(AppointmentStatus) - {AppointmentStatus.ARRIVED},
    AppointmentStatus.IN_PROGRESS: frozenset({AppointmentStatus.ARRIVED, AppointmentStatus.COMPLETED}),
    AppointmentStatus.COMPLETED: frozenset({AppointmentStatus.ARRIVED, AppointmentStatus.IN_PROGRESS}),
    AppointmentStatus.CANCELLED: frozenset({AppointmentStatus.SCHEDULED}),
    AppointmentStatus.NO_SHOW: frozenset({AppointmentStatus.SCHEDULED, AppointmentStatus.ARRIVED}),
}
EXPECTED = frozenset({AppointmentStatus.SCHEDULED, AppointmentStatus.CONFIRMED})
OPEN = EXPECTED | {AppointmentStatus.ARRIVED, AppointmentStatus.IN_PROGRESS}
DIED = "The patient has died."


@transaction.atomic
def book_appointment(
    *, actor: Actor, patient_id: int, starts_at: datetime.datetime, overridden: Overridden | None = None, **values: Any
) -> Appointment:
    """Book an appointment of a patient who is not archived.

    `values` are further columns of Appointment; see `create_entry`. Raises NotFound, Invalid if the patient has died before
    it, or IntegrityError if it ends before it starts.
    """
    patient = lock_patient(patient_id)
    status = values.get("status") or AppointmentStatus.SCHEDULED
    _check_living(patient, status, starts_at)
    moment = {MOMENTS[status]: timezone.now()} if status in MOMENTS else {}
    return add_entry(actor, patient, Appointment, {**values, "starts_at": starts_at, **moment}, overridden)


@transaction.atomic
def update_appointment(
    *,
    actor: Actor,
    patient_id: int,
    entry_id: int,
    base_version: int,
    changes: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> Appointment:
    """Move an appointment, give it another status, or correct it; see `update_entry`.

    A new status sets the moment that goes with it. Raises NotFound, VersionConflict, Invalid (a status that cannot follow the
    stored one, a patient who has died before the new time) or IntegrityError.
    """
    appointment = lock_entry(Appointment, patient_id, entry_id)
    # The version comes first: the caller decided by the status that they saw.
    check_version(appointment, base_version)
    given = drop_nulls_for_not_null_columns(Appointment, changes)
    status, starts_at = given.get("status", appointment.status), given.get("starts_at", appointment.starts_at)
    moments = _moments(appointment, status)
    if moments or starts_at != appointment.starts_at:
        _check_living(appointment.patient, status, starts_at)
    event = status if moments else "updated"
    correct_entry(actor, appointment, base_version, {**moments, **given}, event=event, overridden=overridden)
    return appointment


def _moments(appointment: Appointment, status: str) -> dict[str, Any]:
    """Return the columns that go with a new `status`, none if it is the stored one. Raises Invalid.

    Whoever steps back to a status keeps its moment: nobody has arrived anew when a visit was started by mistake.
    """
    if status == appointment.status:
        return {}
    if status not in TRANSITIONS[appointment.status]:
        message = _("An appointment cannot go from %(before)s to %(after)s.")
        raise Invalid(message % {"before": appointment.status, "after": status}, "status", "transition")
    order = list(AppointmentStatus)
    undone: dict[str, Any] = {MOMENTS[later]: None for later in order[order.index(AppointmentStatus(status)) + 1 :]}
    reached = {column: getattr(appointment, column) or timezone.now() for column in filter(None, [MOMENTS.get(status)])}
    return {"cancellation_reason": None, **undone, **reached}


def _check_living(patient: Patient, status: str, starts_at: datetime.datetime) -> None:
    """Raise Invalid if a patient who has died would be expected after that."""
    if patient.has_died and status in OPEN and starts_at > (patient.date_time_deceased or timezone.now()):
        raise Invalid(_("A patient who has died cannot have an appointment after that."), "patient", "deceased")


@receiver(died)
def cancel_after_death(sender: type[Patient], *, actor: Actor, patient: Patient, at: datetime.datetime, **kwargs: Any) -> None:
    """Cancel what a patient who was recorded as dead is expected for after that, in the same transaction."""
    expected = Appointment.objects.filter(patient=patient, deleted_at=None, status__in=EXPECTED, starts_at__gt=at)
    for appointment in expected.order_by("pk"):
        update_appointment(
            actor=actor,
            patient_id=patient.pk,
            entry_id=appointment.pk,
            base_version=appointment.version,
            changes={"status": AppointmentStatus.CANCELLED, "cancellation_reason": DIED},
        )
