"""Turning a patient's values into columns. Runs no SQL, so that single and bulk writes share it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.permissions import CAREGIVERS
from accounts.scope import Actor
from config.core.dates import today_at
from config.core.encryption import seal
from config.core.exceptions import Invalid, NotPermitted
from config.core.orm import uuid7
from patients.duplicates import identity_index
from patients.models import Patient, Status
from patients.search import SEARCHED, derived_columns
from patients.services.rules import SEALED, check_and_drop_nulls, check_values

_PARTS = ("street", "house_number", "house_number_suffix")
# The stored columns needed to validate changes and to derive columns.
_STORED_INPUTS = (*sorted(SEARCHED), "status", *_PARTS)


def new_columns(*, actor: Actor, organization: Organization, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a new patient of `organization` with these values, by attribute; the others have their defaults.

    Who is registered without a time zone lives in that of the organization. `values` are as in `create_patient`.
    Raises Invalid, or NotPermitted (a caregiver without a default group).
    """
    known = {name: value for name, value in check_and_drop_nulls(values).items() if value is not None}
    stored = {"status": Status.ACTIVE, "timezone": organization.timezone, **known}
    if stored["status"] == Status.ARCHIVED:
        raise Invalid(_("A patient cannot be created archived."), "status")
    check_values(stored, stored, today_at(organization.timezone))
    uuid = uuid7()
    identity = {"uuid": uuid, "organization_id": organization.pk}
    columns = identity | _columns(uuid, organization.pk, stored, stored) | derived_columns(stored, organization.country)
    columns["care_group_id"] = stored.get("care_group_id") or _default_group(actor)
    now = timezone.now()
    columns["activated_at"] = now if stored["status"] == Status.ACTIVE else None
    columns["stopped_at"] = now if stored["status"] == Status.DECEASED else None
    return columns


def accepted_changes(patient: Patient, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `changes` to write into `patient`. Raises Invalid if they break a rule."""
    stored, today = _stored_inputs(patient), today_at(patient.organization.timezone)
    accepted = check_and_drop_nulls(changes)
    if accepted.pop("status", patient.status) != patient.status:
        raise Invalid(_("The status is changed by transition-status, archive and restore only."), "status")
    if accepted.get("responsible_party_id") == patient.pk:
        raise Invalid(_("A patient cannot be their own guarantor."), "responsible_party")
    check_values({**stored, **accepted}, accepted, today)
    return accepted


def changed_columns(patient: Patient, accepted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to write for `accepted` changes, including derived ones."""
    after = {**_stored_inputs(patient), **accepted}
    columns = _columns(patient.uuid, patient.organization_id, accepted, after)
    if SEARCHED & accepted.keys():
        columns |= derived_columns(after, patient.organization.country)
    return columns


def address_line(street: str | None, number: str | None, suffix: str | None) -> str:
    """Return street, house number and suffix as one address line, cut to the column; the parts are stored in full."""
    line = " ".join(filter(None, (street, "-".join(filter(None, (number, suffix))))))
    return line[: Patient._meta.get_field("address_line1").max_length]


def _stored_inputs(patient: Patient) -> dict[str, Any]:
    return {name: getattr(patient, name) for name in _STORED_INPUTS}


def _default_group(actor: Actor) -> int | None:
    """Return the group that a new patient joins. Raises NotPermitted for a caregiver without one."""
    if actor.role not in CAREGIVERS:
        return None
    if actor.default_group_id not in actor.group_ids:
        raise NotPermitted(_("You have no care group that a new patient could join"))
    return actor.default_group_id


def _columns(uuid: UUID, organization_id: int, values: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as columns: sealed values encrypted, the address line composed if its parts were sent."""
    columns = {name: value for name, value in values.items() if name not in SEALED}
    for name in SEALED:
        if name in values:
            columns |= _sealed(uuid, organization_id, name, values[name])
    if "address_line1" not in values and any(values.get(part) for part in _PARTS):
        columns["address_line1"] = address_line(*(after.get(part) for part in _PARTS))
    return columns


def _sealed(uuid: UUID, organization_id: int, name: str, value: str | None) -> dict[str, bytes | None]:
    if value is None:
        return {f"{name}_sealed": None, f"{name}_index": None}
    index = identity_index(name, value, organization_id)
    return {f"{name}_sealed": seal(value, f"patient.{name}", uuid), f"{name}_index": index}
