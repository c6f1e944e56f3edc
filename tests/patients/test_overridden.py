"""Saving against a warning: the audit event says so, the chart keeps the reason, and without one nothing changes."""

import datetime

from accounts.audit import Overridden
from accounts.models import AuditEvent, Role
from accounts.services.audit_chains import COLUMNS, digest_of
from clinical.models import Medication
from clinical.services.medications import create_medication, update_medication
from clinical.services.vital_signs import record_vital_signs, update_vital_signs
from patients.models import OverriddenWarning
from tests.factories import SYSTEM

GIVEN = Overridden("Allergy ruled out by ZZtest", ("drug_allergy.high", "duplicate_ingredient.moderate"))
KINDS = "drug_allergy.high,duplicate_ingredient.moderate"


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("pk")


def test_a_create_against_warnings_says_so_and_keeps_the_reason(clinic):
    patient = clinic.patient()
    made = create_medication(actor=SYSTEM, patient_id=patient.pk, med_descript="Amoxicillin", overridden=GIVEN)
    event, kept = last_event(), OverriddenWarning.objects.get(patient=patient)
    assert (event.action, event.subject_id, event.overridden) == ("medication.create", made.pk, KINDS)
    assert (kept.subject, kept.subject_id, kept.reason) == ("medication", made.pk, GIVEN.reason)
    assert kept.warnings == KINDS.split(",")


def test_the_reason_stays_out_of_the_trail(clinic):
    create_medication(actor=SYSTEM, patient_id=clinic.patient().pk, med_descript="Amoxicillin", overridden=GIVEN)
    assert "ZZtest" not in str(list(AuditEvent.objects.values()))


def test_a_correction_against_warnings_says_so(clinic):
    patient = clinic.patient()
    entry = clinic.entry(Medication, patient)
    update_medication(
        actor=SYSTEM, patient_id=patient.pk, entry_id=entry.pk, base_version=1, changes={"dosage": "9 g"}, overridden=GIVEN
    )
    assert (last_event().action, last_event().overridden) == ("medication.update", KINDS)


def test_vital_signs_against_warnings_say_so(clinic):
    patient, day = clinic.patient(), datetime.date(2024, 2, 29)
    made = record_vital_signs(actor=SYSTEM, patient_id=patient.pk, date_taken=day, bp_systolic=200, overridden=GIVEN)
    assert last_event().overridden == KINDS
    update_vital_signs(
        actor=SYSTEM, patient_id=patient.pk, entry_id=made.pk, base_version=1, changes={"pulse": 200}, overridden=GIVEN
    )
    assert last_event().overridden == KINDS
    assert OverriddenWarning.objects.filter(patient=patient, subject="vital_signs").count() == 2


def test_a_write_through_the_api_has_nothing_to_override(clinic, api):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    path = f"/api/v1/{clinic.organization.uuid}/patients/{patient.uuid}/medications"
    assert api(Role.HC_PRIMARY).post(path, {"med_descript": "Tea"}).status_code == 201
    assert last_event().overridden is None
    assert not OverriddenWarning.objects.filter(patient=patient).exists()


def test_the_seal_covers_what_was_overridden(clinic):
    create_medication(actor=SYSTEM, patient_id=clinic.patient().pk, med_descript="Amoxicillin", overridden=GIVEN)
    row = AuditEvent.objects.filter(pk=last_event().pk).values(*COLUMNS).get()
    assert digest_of(b"", row, []) != digest_of(b"", {**row, "overridden": None}, [])
