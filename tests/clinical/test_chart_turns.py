"""Turns of chart entries that are events of their own: hold, resume, stop, resolve, end."""

import datetime

import pytest
from django.db import IntegrityError

from accounts.audit import Overridden
from accounts.models import AuditEvent, OutboxEvent
from clinical.models import Disease, Medication
from clinical.services.diseases import resolve_problem
from clinical.services.medications import hold_medication, resume_medication, stop_medication
from config.core.exceptions import Invalid, NotFound, VersionConflict
from patients.models import Enrolment, OverriddenWarning, Patient, PatientMutation
from patients.services.enrolments import end_enrolment, enrol_patient
from tests.factories import SYSTEM

FIRST, NEXT = datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


def told(action: str, event: str) -> None:
    """Assert that the last change was audited and published as this."""
    assert AuditEvent.objects.latest("pk").action == action
    assert OutboxEvent.objects.latest("pk").type == event


def named(entry, version: int = 1) -> dict:
    return {"actor": SYSTEM, "patient_id": entry.patient_id, "entry_id": entry.pk, "base_version": version}


def test_a_medication_is_held_and_resumed(clinic, patient):
    entry = clinic.entry(Medication, patient)
    hold_medication(**named(entry), note="Until surgery")
    entry.refresh_from_db()
    assert (entry.status, entry.patient_note, entry.version) == ("on_hold", "Until surgery", 2)
    told("medication.hold", "medication.held")
    resume_medication(**named(entry, 2))
    entry.refresh_from_db()
    assert (entry.status, entry.version) == ("active", 3)
    told("medication.resume", "medication.resumed")


@pytest.mark.parametrize(("reason", "status"), [("Rash", "discontinued"), ("", "completed")])
def test_a_medication_is_stopped_with_or_without_a_reason(clinic, patient, reason, status):
    entry = clinic.entry(Medication, patient, date_start=FIRST)
    stop_medication(**named(entry), date_stop=NEXT, reason=reason)
    entry.refresh_from_db()
    assert (entry.status, entry.date_stop, entry.discontinuation_reason) == (status, NEXT, reason or None)
    told("medication.stop", "medication.stopped")


def test_a_medication_turns_only_from_where_it_can(clinic, patient):
    entry = clinic.entry(Medication, patient, date_start=NEXT)
    with pytest.raises(Invalid):
        resume_medication(**named(entry))
    with pytest.raises(Invalid):
        stop_medication(**named(entry), date_stop=FIRST)
    with pytest.raises(VersionConflict):
        hold_medication(**named(entry, 7))
    stop_medication(**named(entry), date_stop=NEXT)
    for turn in (hold_medication, resume_medication):
        with pytest.raises(Invalid):
            turn(**named(entry, 2))


def test_a_problem_is_resolved_once_and_not_before_it_began(clinic, patient):
    entry = clinic.entry(Disease, patient, date_start=NEXT)
    with pytest.raises(Invalid):
        resolve_problem(**named(entry), date_stop=FIRST)
    resolve_problem(**named(entry), date_stop=NEXT)
    told("disease.resolve", "disease.resolved")
    with pytest.raises(Invalid):
        resolve_problem(**named(entry, 2), date_stop=NEXT)


def test_a_patient_is_enrolled_and_leaves(clinic, patient):
    what = {"program": clinic.catalogs["program"], "protocol": clinic.catalogs["protocol"]}
    given = Overridden("Begins at once", ("not_active.moderate",))
    made = enrol_patient(actor=SYSTEM, patient_id=patient.pk, **what, start_date=FIRST, overridden=given)
    assert OverriddenWarning.objects.get(patient=patient).subject == "enrolment"
    assert AuditEvent.objects.get(action="enrolment.create", subject_id=made.pk).overridden == "not_active.moderate"
    with pytest.raises(Invalid):
        end_enrolment(actor=SYSTEM, patient_id=patient.pk, enrolment_id=made.pk, end_date=datetime.date(2099, 1, 1))
    end_enrolment(actor=SYSTEM, patient_id=patient.pk, enrolment_id=made.pk, end_date=NEXT)
    told("enrolment.end", "enrolment.ended")
    assert Enrolment.objects.get(pk=made.pk).end_date == NEXT
    history = PatientMutation.objects.filter(patient=patient, type="program").order_by("id")
    assert list(history.values_list("name", flat=True)) == [what["program"].name, None]
    with pytest.raises(Invalid):
        end_enrolment(actor=SYSTEM, patient_id=patient.pk, enrolment_id=made.pk, end_date=NEXT)


def test_another_patients_enrolment_is_unknown_and_two_at_once_are_refused(clinic, patient):
    made = enrol_patient(
        actor=SYSTEM,
        patient_id=patient.pk,
        program=clinic.catalogs["program"],
        protocol=clinic.catalogs["protocol"],
        start_date=FIRST,
    )
    with pytest.raises(NotFound):
        end_enrolment(actor=SYSTEM, patient_id=clinic.patient().pk, enrolment_id=made.pk, end_date=NEXT)
    with pytest.raises(IntegrityError):
        enrol_patient(actor=SYSTEM, patient_id=patient.pk, program=made.program, protocol=made.protocol, start_date=NEXT)
