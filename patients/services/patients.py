"""Creating and changing patients."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from accounts.models import Organization
from accounts.permissions import CAREGIVERS
from accounts.scope import Actor
from config.databases import DatabaseNow
from config.encryption import seal
from config.exceptions import Invalid, NotPermitted, VersionConflict
from config.orm import uuid7
from patients.duplicates import identity_index
from patients.models import Enrolment, NameKey, Patient, PatientIdentifier, Program, Protocol, Status
from patients.search import SEARCHED, TYPED, derived_columns, name_keys
from patients.services.rows import lock_guarantor, lock_patient, tell, today_of
from patients.services.rules import SEALED, check_values, without_idle_nulls


@transaction.atomic
def create_patient(
    *,
    actor: Actor,
    organization: Organization,
    values: Mapping[str, Any],
    enrolment: tuple[Program, Protocol] | None = None,
    identifiers: Iterable[Mapping[str, Any]] = (),
) -> Patient:
    """Make a patient of `organization`.

    `values` maps names of Patient's columns to values; references are given as `<name>_id` and must
    have been found in the actor's scope, sealed values (SSN and the like) in clear under their own names.
    Raises Invalid, NotPermitted (a caregiver without a default group) or IntegrityError (chart number,
    account name taken).
    """
    known = {name: value for name, value in without_idle_nulls(values).items() if value is not None}
    stored = {"status": Status.ACTIVE, **known}
    if stored["status"] == Status.ARCHIVED:
        raise Invalid("A patient can not be created archived.", "status")
    today = datetime.datetime.now(organization.zone).date()
    check_values(stored, stored, today)
    if stored.get("responsible_party_id"):
        lock_guarantor(stored["responsible_party_id"])
    patient = Patient(uuid=uuid7(), organization=organization)
    for name, value in _columns(patient, stored, stored).items():
        setattr(patient, name, value)
    for name, value in derived_columns(stored, organization.country).items():
        setattr(patient, name, value)
    patient.care_group_id = stored.get("care_group_id") or _default_group(actor)
    patient.activated_at = DatabaseNow() if patient.status == Status.ACTIVE else None
    patient.save(force_insert=True)
    index_names(patient.pk, organization.pk, stored)
    for identifier in identifiers:
        PatientIdentifier.objects.create(organization=organization, patient=patient, **identifier)
    if enrolment:
        enrol(actor=actor, patient=patient, program=enrolment[0], protocol=enrolment[1], start_date=today)
    tell(actor, patient, "patient.create", "patient.created", values)
    return patient


def _default_group(actor: Actor) -> int | None:
    """Return the group that a new patient joins; a caregiver without one may not create patients."""
    if actor.role not in CAREGIVERS:
        return None
    if actor.default_group_id not in actor.group_ids:
        raise NotPermitted("You have no care group that a new patient could join")
    return actor.default_group_id


@transaction.atomic
def update_patient(*, actor: Actor, patient_id: int, base_version: int | None, changes: Mapping[str, Any]) -> None:
    """Write `changes` (as in `create_patient`) into a patient that is not archived.

    `base_version` None is for a dialect without versions: the change is made to whatever stands there.
    Raises NotFound, Invalid, VersionConflict, or IntegrityError (chart number taken).
    """
    patient = lock_patient(patient_id, changes.get("responsible_party_id"))
    changes = without_idle_nulls(changes)
    if changes.pop("status", patient.status) != patient.status:
        raise Invalid("The status is changed by transition-status, archive and restore only.", "status")
    if changes.get("responsible_party_id") == patient.pk:
        raise Invalid("A patient can not be their own guarantor.", "responsible_party")
    current = {name: getattr(patient, name) for name in _READ_BACK}
    after = {**current, **changes}
    check_values(after, changes, today_of(patient))
    if base_version is not None and base_version != patient.version:
        raise VersionConflict(expected=patient.version, got=base_version)
    written = _columns(patient, changes, after)
    if SEARCHED & changes.keys():
        written |= derived_columns(after, patient.organization.country)
    Patient.objects.filter(deleted_at=None).change(patient.pk, patient.version, "Patient", **written)
    if set(TYPED) & changes.keys():
        index_names(patient.pk, patient.organization_id, after)
    tell(actor, patient, "patient.update", "patient.updated", changes)


def index_names(patient_id: int, organization_id: int, values: Mapping[str, Any]) -> None:
    """Make the typeahead find a patient by `values` and by nothing else; without values, not at all."""
    NameKey.objects.filter(patient_id=patient_id).delete()
    NameKey.objects.bulk_create(
        NameKey(patient_id=patient_id, organization_id=organization_id, key=key) for key in sorted(name_keys(values))
    )


_READ_BACK = (*sorted(SEARCHED), "status", "date_time_deceased", "street", "house_number", "house_number_suffix")


def _columns(patient: Patient, values: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as columns: sealed ones encrypted, a composed address line where its parts came."""
    columns = {name: value for name, value in values.items() if name not in SEALED}
    for name in SEALED:
        if name in values:
            columns |= _sealed(patient, name, values[name])
    if "address_line1" not in values and any(values.get(part) for part in ("street", "house_number", "house_number_suffix")):
        columns["address_line1"] = address_line(after.get("street"), after.get("house_number"), after.get("house_number_suffix"))
    return columns


def address_line(street: str | None, number: str | None, suffix: str | None) -> str:
    """Return street, house number and suffix as one line of an address, cut to its column: the parts are kept whole."""
    line = " ".join(filter(None, (street, "-".join(filter(None, (number, suffix))))))
    return line[: Patient._meta.get_field("address_line1").max_length]


def _sealed(patient: Patient, name: str, value: str | None) -> dict[str, bytes | None]:
    if value is None:
        return {f"{name}_sealed": None, f"{name}_index": None}
    column = f"patient.{name}"
    index = identity_index(name, value, patient.organization_id)
    return {f"{name}_sealed": seal(value, column, patient.uuid), f"{name}_index": index}


@transaction.atomic
def enrol(*, actor: Actor, patient: Patient, program: Program, protocol: Protocol, start_date: datetime.date) -> Enrolment:
    """Enrol a patient in a program under one of its protocols; Invalid for a protocol of another program."""
    if protocol.program_id != program.pk:
        raise Invalid("The protocol does not belong to the program.", "protocol")
    return Enrolment.objects.create(
        organization_id=patient.organization_id,
        patient=patient,
        program=program,
        protocol=protocol,
        start_date=start_date,
        created_by_id=actor.user_id,
    )

