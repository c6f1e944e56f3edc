"""Creating and changing patients."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from accounts.audit import Overridden, record_change, record_read
from accounts.models import Organization
from accounts.scope import Actor
from config.core.bulk_writes import insert_values
from config.core.dates import today_at
from config.core.exceptions import Invalid, VersionConflict
from config.core.orm import check_required_texts
from patients.models import Enrolment, NameKey, Patient, PatientIdentifier, Program, Protocol
from patients.search import TYPED, name_keys
from patients.services.histories import note_changes, note_enrolment
from patients.services.locking import lock_guarantor, lock_patient
from patients.services.overridden import record_chart_change
from patients.services.patient_values import accepted_changes, changed_columns, new_columns

# Sent in the transaction of an enrolment, with `actor` and `enrolment`, for receivers in later apps.
enrolled = Signal()
# Sent in the transaction of a change, before it is written, with the locked `patient` and the `accepted` values, for
# receivers in later apps, which raise Invalid where those contradict what these apps hold.
changing = Signal()
# Sent in the transaction that records a death, or corrects its time, with `actor`, `patient` and the moment `at`, for
# receivers in later apps.
died = Signal()
# Sent in the transaction that restores an archived patient, after it, with `actor` and the `patient` as it is now, for
# receivers in later apps.
restored = Signal()


@transaction.atomic
def create_patient(
    *,
    actor: Actor,
    organization: Organization,
    values: Mapping[str, Any],
    enrolment: tuple[Program, Protocol] | None = None,
    identifiers: Iterable[Mapping[str, Any]] = (),
    overridden: Overridden | None = None,
) -> Patient:
    """Create a patient of `organization`.

    `values` maps columns of Patient to values. References are `<name>_id` and must have been found in the actor's scope;
    sealed values (SSN and the like) come in clear under their own names.
    Raises Invalid, NotPermitted (a caregiver without a default group) or IntegrityError (chart number,
    account name taken).
    """
    patient = Patient(**new_columns(actor=actor, organization=organization, values=values))
    patient.organization = organization  # So that nobody fetches it again.
    if patient.responsible_party_id:
        lock_guarantor(patient.responsible_party_id)
    patient.save(force_insert=True)
    insert_name_keys(organization.pk, [(patient.pk, name_keys(vars(patient)))])
    for identifier in identifiers:
        check_required_texts(PatientIdentifier, identifier)
        PatientIdentifier.objects.create(organization=organization, patient=patient, **identifier)
    if enrolment:
        enrol(
            actor=actor, patient=patient, program=enrolment[0], protocol=enrolment[1], start_date=today_at(organization.timezone)
        )
    record_chart_change(actor, "patient.create", patient, event="patient.created", changed=values, overridden=overridden)
    return patient


@transaction.atomic
def update_patient(*, actor: Actor, patient_id: int, base_version: int | None, changes: Mapping[str, Any]) -> None:
    """Write `changes` (as in `create_patient`) into a patient that is not archived.

    `base_version` is None for an API dialect without versions; then it is not checked. Without anything to write the
    patient stays as they are, and what the caller is shown is audited as read.
    Raises NotFound, Invalid, VersionConflict, or IntegrityError (chart number taken).
    """
    patient = lock_patient(patient_id, responsible_party=changes.get("responsible_party_id"))
    accepted = accepted_changes(patient, changes)
    if base_version is not None and base_version != patient.version:
        raise VersionConflict(expected=patient.version, got=base_version)
    if not accepted:
        record_read(actor, "patient.read", patients=[(patient.organization_id, patient.pk)])
        return
    changing.send(Patient, patient=patient, accepted=accepted)
    columns = changed_columns(patient, accepted)
    note_changes(actor, [(patient, columns)])
    Patient.objects.filter(deleted_at=None).change(patient.pk, patient.version, _("Patient"), **columns)
    if set(TYPED) & accepted.keys():
        index_names(patient.pk, patient.organization_id, {**vars(patient), **accepted})
    record_change(actor, "patient.update", patient, event="patient.updated", changed=accepted)
    if moment := accepted.get("date_time_deceased"):
        died.send(Patient, actor=actor, patient=patient, at=moment)


def index_names(patient_id: int, organization_id: int, values: Mapping[str, Any]) -> None:
    """Replace the typeahead's index rows of a patient by those of `values`; none for empty values."""
    NameKey.objects.filter(patient_id=patient_id).delete()
    insert_name_keys(organization_id, [(patient_id, name_keys(values))])


def insert_name_keys(organization_id: int, keys_of: Iterable[tuple[int, Iterable[tuple[str, int]]]]) -> None:
    """Insert index rows of the typeahead for patients who have none: (patient's id, keys as `name_keys` returns them)."""
    rows = [(organization_id, patient_id, *key) for patient_id, keys in keys_of for key in keys]
    insert_values(NameKey, ("organization_id", "patient_id", "key", "shared"), rows)


@transaction.atomic
def enrol(*, actor: Actor, patient: Patient, program: Program, protocol: Protocol, start_date: datetime.date) -> Enrolment:
    """Enrol a patient in a program under one of its protocols. Raises Invalid for a protocol of another program."""
    if protocol.program_id != program.pk:
        raise Invalid(_("The protocol does not belong to the program."), "protocol")
    enrolment = Enrolment.objects.create(
        organization_id=patient.organization_id,
        patient=patient,
        program=program,
        protocol=protocol,
        start_date=start_date,
        created_by_id=actor.user_id,
    )
    note_enrolment(actor, patient, enrolment)
    enrolled.send(Enrolment, actor=actor, enrolment=enrolment)
    return enrolment
