"""Enrolling patients in programs, and ending it."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Overridden, record_change
from accounts.scope import Actor
from config.core.databases import DatabaseNow
from config.core.dates import today_at
from config.core.exceptions import Invalid, NotFound
from patients.models import Enrolment, Program, Protocol
from patients.services.histories import note_end_of_enrolment
from patients.services.locking import lock_patient
from patients.services.overridden import keep_reason
from patients.services.patients import enrol


@transaction.atomic
def enrol_patient(
    *,
    actor: Actor,
    patient_id: int,
    program: Program,
    protocol: Protocol,
    start_date: datetime.date,
    overridden: Overridden | None = None,
) -> Enrolment:
    """Enrol a patient who is not archived; see `enrol`. Raises NotFound, Invalid, or IntegrityError if they are enrolled."""
    patient = lock_patient(patient_id)
    made = enrol(actor=actor, patient=patient, program=program, protocol=protocol, start_date=start_date)
    changed = ["program", "protocol", "start_date"]
    record_change(
        actor, "enrolment.create", made, event="enrolment.created", changed=changed, patient=patient, overridden=overridden
    )
    keep_reason(actor, made, overridden)
    return made


@transaction.atomic
def end_enrolment(*, actor: Actor, patient_id: int, enrolment_id: int, end_date: datetime.date) -> None:
    """End an open enrolment, today in the organization's time zone at the latest. Raises NotFound or Invalid."""
    patient = lock_patient(patient_id)
    enrolment = Enrolment.objects.select_for_update().filter(patient=patient, pk=enrolment_id).first()
    if enrolment is None:
        raise NotFound(_("Enrolment"))
    if enrolment.end_date is not None:
        raise Invalid(_("This enrolment has ended already."), "", "ended")
    if not enrolment.start_date <= end_date <= today_at(patient.organization.timezone):
        raise Invalid(_("An enrolment ends between the day it began and today."), "end_date")
    Enrolment.objects.filter(pk=enrolment.pk).update(end_date=end_date, updated_at=DatabaseNow())
    note_end_of_enrolment(actor, patient)
    record_change(actor, "enrolment.end", enrolment, event="enrolment.ended", changed=["end_date"], patient=patient)
