"""Relationships, contacts and a patient with heart failure in the demo: what a chart shows besides its lists."""

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils import timezone

from accounts.models import Organization
from accounts.scope import Actor, scope
from clinical.models import (
    Alert,
    AlertDefinition,
    AlertScope,
    CommunicationDirection,
    CommunicationLog,
    CommunicationMode,
    VitalSigns,
)
from clinical.services.alerts import create_alert
from clinical.services.communications import log_communication
from clinical.services.vital_signs import record_vital_signs
from config.core.dates import age_on, today_at
from patients.models import (
    FieldDefinition,
    FieldValue,
    Patient,
    PatientTag,
    Relationship,
    RelationshipType,
    TagDefinition,
)
from patients.services.charts import create_entry
from patients.services.field_values import set_field_values
from patients.services.patients import update_patient

# Years between two members of a family from which on the older one is a parent of the other.
GENERATION = 16
ADULT = 18
# Patients by chart number up to this one have their relationships recorded.
RELATED = 25
# The patient whose heart failure the demo shows, by chart number; the second of their family.
HEART_PATIENT = 17
URGENT = "Takes warfarin. Ring the cardiologist before any procedure or change of anticoagulant."
FAMILY_ALERT = "Custody arrangement"

_OPPOSITE = {
    RelationshipType.PARENT: RelationshipType.CHILD,
    RelationshipType.CHILD: RelationshipType.PARENT,
}


class Contact(NamedTuple):
    """A contact so many days before the first run."""

    days: int
    clock: str
    mode: str
    direction: str
    note: str


CONTACTS = (
    Contact(2, "16:05", CommunicationMode.PHONE, CommunicationDirection.RECEIVED, "Daughter: ankles swollen in the evening."),
    Contact(5, "12:10", CommunicationMode.EMAIL, CommunicationDirection.SENT, "Instructions for the new dose."),
    Contact(9, "09:20", CommunicationMode.PHONE, CommunicationDirection.SENT, "Asked to weigh every morning before breakfast."),
)
# Days before the first run, with systolic and diastolic pressure in mmHg, pulse and breaths a minute, oxygen saturation in
# percent, temperature in °F and weight in pounds. The last ones are out of range.
VITALS = (
    (170, 134, 80, 76, 16, 97, 98.1, 198),
    (88, 138, 82, 82, 16, 96, 98.4, 201),
    (5, 146, 84, 104, 21, 93, 98.2, 204),
)


def seed_families(actor: Actor, organization: Organization) -> None:
    """Record what the families of an organization are to each other, unless any relationship is recorded."""
    if scope(actor, Relationship._base_manager.filter(organization=organization)).exists():
        return
    rows = scope(actor, Patient.objects.filter(organization=organization, deleted_at=None, responsible_party__deleted_at=None))
    members = rows.exclude(responsible_party=None).select_related("responsible_party").order_by("chart_number_key")[:RELATED]
    for member in members:
        kind = _kind(member, member.responsible_party)
        guarantor: Any = member.responsible_party
        for one, other, what in ((member, guarantor, kind), (guarantor, member, _OPPOSITE.get(kind, kind))):
            guards = what == RelationshipType.CHILD and _is_minor(other)
            values = {"to_patient_id": other.pk, "relationship_type": what, "is_guardian": guards}
            create_entry(actor=actor, model=Relationship, patient_id=one.pk, **values)


def _kind(member: Any, guarantor: Any) -> RelationshipType:
    """Return what `guarantor` is to `member`, by their ages."""
    years = member.date_of_birth.year - guarantor.date_of_birth.year
    if abs(years) < GENERATION:
        return RelationshipType.SPOUSE
    return RelationshipType.PARENT if years > 0 else RelationshipType.CHILD


def _is_minor(patient: Patient) -> bool:
    born = patient.date_of_birth
    return born is not None and age_on(today_at(patient.timezone), born) < ADULT


def seed_heart_patient(actor: Actor, nurse: Actor, patient: Patient) -> None:
    """Give the chart of `patient` an urgent note, contacts, vital signs out of range, tags and own fields, where it has none."""
    if patient.deleted_at:
        return
    if not patient.medical_urgent_note:
        changes = {
            "medical_urgent_note": URGENT,
            "preferred_name": "Hugh",
            "allergy_review_status": "reviewed",
            "pronoun": "he_him",
        }
        update_patient(actor=actor, patient_id=patient.pk, base_version=None, changes=changes)
    if not _has(actor, CommunicationLog, patient):
        for contact in _contacts(patient):
            log_communication(actor=nurse, patient_id=patient.pk, **contact)
    if not _has(actor, VitalSigns, patient):
        _record_vitals(nurse, patient)
    if not _has(actor, PatientTag, patient):
        tag = scope(actor, TagDefinition.objects.filter(organization_id=patient.organization_id, deleted_at=None)).first()
        if tag:
            create_entry(actor=actor, model=PatientTag, patient_id=patient.pk, tag_definition_id=tag.pk)
    _fill_own_fields(actor, patient)


def seed_family_alert(actor: Actor, patient: Patient) -> None:
    """Put an alert for the whole family on the chart of `patient`, unless it has one."""
    alerts = Alert._base_manager.filter(patient=patient, alert_scope=AlertScope.FAMILY)
    rows = AlertDefinition.objects.filter(organization_id=patient.organization_id, name=FAMILY_ALERT, deleted_at=None)
    definition = scope(actor, rows).first()
    if definition and not patient.deleted_at and not scope(actor, alerts).exists():
        note = "Do not leave messages on the home phone."
        create_alert(
            actor=actor, patient_id=patient.pk, alert_definition_id=definition.pk, alert_scope=AlertScope.FAMILY, note=note
        )


def _contacts(patient: Patient) -> Iterator[dict[str, Any]]:
    today, zone = today_at(patient.organization.timezone), patient.organization.zone
    for contact in CONTACTS:
        day = today - datetime.timedelta(days=contact.days)
        moment = datetime.datetime.combine(day, datetime.time.fromisoformat(contact.clock), zone)
        values = {"mode": contact.mode, "direction": contact.direction, "note": contact.note}
        yield {"communication_datetime": min(moment, timezone.now()), **values}


def _record_vitals(nurse: Actor, patient: Patient) -> None:
    today = today_at(patient.organization.timezone)
    names = ("bp_systolic", "bp_diastolic", "pulse", "respiration_rate", "oxygen_saturation", "temperature_f", "weight_lbs")
    for days, *values in VITALS:
        taken = today - datetime.timedelta(days=days)
        measured: dict[str, Any] = dict(zip(names, values, strict=True))
        record_vital_signs(actor=nurse, patient_id=patient.pk, date_taken=taken, height_inches=70, **measured)


def _fill_own_fields(actor: Actor, patient: Patient) -> None:
    rows = FieldDefinition.objects.filter(organization_id=patient.organization_id, deleted_at=None)
    field = scope(actor, rows.filter(name="School or employer")).first()
    if field and not _has(actor, FieldValue, patient):
        set_field_values(actor=actor, patient_id=patient.pk, values={field.pk: "Retired ship's carpenter"})


def _has(actor: Actor, model: Any, patient: Patient) -> bool:
    return scope(actor, model._base_manager.filter(patient=patient)).exists()
