"""Recording vital signs with their derived values, and keeping the date of a patient's latest ones."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.audit import Overridden
from accounts.scope import Actor
from clinical.models import VitalSigns
from clinical.vitals import (
    POSSIBLE,
    abnormal_flags,
    bmi_percentile,
    body_mass_index,
    check_not_empty,
    check_values,
    is_procedure_blocking,
)
from config.core.databases import DatabaseNow
from config.core.dates import today_at
from config.core.orm import drop_nulls_for_not_null_columns
from patients.models import Patient, Sex
from patients.services.charts import add_entry, archive_entry, correct_entry, lock_entry
from patients.services.locking import lock_patient

# The stored columns needed to validate changes.
_STORED_INPUTS = ("date_taken", *POSSIBLE)


@transaction.atomic
def record_vital_signs(*, actor: Actor, patient_id: int, overridden: Overridden | None = None, **values: Any) -> VitalSigns:
    """Record vital signs; see `create_entry`. Null means unknown, so that the value may be computed.

    Raises NotFound, or Invalid for impossible values, or none at all.
    """
    patient = lock_patient(patient_id)
    columns = _derived_columns(patient, {}, _without_nulls(values))
    check_not_empty(columns)
    entry = add_entry(actor, patient, VitalSigns, {**columns, "created_by_id": actor.user_id}, overridden)
    keep_latest_date(patient)
    return entry


@transaction.atomic
def update_vital_signs(
    *,
    actor: Actor,
    patient_id: int,
    entry_id: int,
    base_version: int,
    changes: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> None:
    """Correct vital signs; see `update_entry`.

    Values computed from a changed value are computed again, unless they are sent. Raises Invalid for impossible values, or
    where none would be left.
    """
    entry = lock_entry(VitalSigns, patient_id, entry_id)
    stored = {name: getattr(entry, name) for name in _STORED_INPUTS}
    given = drop_nulls_for_not_null_columns(VitalSigns, changes)
    columns = _derived_columns(entry.patient, stored, given) if given else {}
    check_not_empty({**stored, **columns})
    correct_entry(actor, entry, base_version, columns, overridden=overridden)
    keep_latest_date(entry.patient)


@transaction.atomic
def archive_vital_signs(*, actor: Actor, patient_id: int, entry_id: int) -> None:
    """Archive a recording."""
    entry = archive_entry(actor=actor, model=VitalSigns, patient_id=patient_id, entry_id=entry_id)
    keep_latest_date(entry.patient)


def flags_before(patient: Patient, values: Mapping[str, Any], entry: VitalSigns | None = None) -> list[dict[str, str]]:
    """Return the abnormal flags that `values` would have if they were recorded, or written into `entry`.

    Raises Invalid for impossible values.
    """
    stored = {name: getattr(entry, name) for name in _STORED_INPUTS} if entry else {}
    known = drop_nulls_for_not_null_columns(VitalSigns, values) if entry else _without_nulls(values)
    return _derived_columns(patient, stored, known)["abnormal_flags"]


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _derived_columns(patient: Patient, stored: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return `sent` with the columns computed from it and the `stored` values. Raises Invalid.

    A value that is sent unchanged is not checked, and nothing is computed because of it.
    """
    changed = {name for name, value in sent.items() if stored.get(name) != value}
    check_values({**stored, **sent}, changed, patient.date_of_birth, today_at(patient.organization.timezone))
    columns = {**sent, **_body_mass_index(stored, sent, changed)}
    columns |= _percentile(patient, stored, columns, changed)
    flags = abnormal_flags({**stored, **columns}, patient.date_of_birth, _sex(patient))
    return {**columns, "abnormal_flags": flags, "is_procedure_blocking": is_procedure_blocking(flags)}


def _body_mass_index(stored: Mapping[str, Any], sent: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    """Return the body mass index if height or weight changed and it was not sent."""
    if "bmi" in sent or not changed & {"height_inches", "weight_lbs"}:
        return {}
    before, after = (body_mass_index(of.get("height_inches"), of.get("weight_lbs")) for of in (stored, {**stored, **sent}))
    # An index recorded without height and weight stays as long as only one of them is known.
    return {} if before is None and after is None else {"bmi": after}


def _percentile(patient: Patient, stored: Mapping[str, Any], columns: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    """Return the percentile if the body mass index or the date changed and it was not sent."""
    if "bmi_percentile" in columns:
        return {}
    after = {**stored, **columns}
    bmi, sex = after.get("bmi"), _sex(patient)
    computed = bmi_percentile(bmi, patient.date_of_birth, after["date_taken"], sex)
    if bmi != stored.get("bmi"):
        return {"bmi_percentile": computed}
    # If only the date changed, a recorded percentile stays unless a new one can be computed.
    return {"bmi_percentile": computed} if "date_taken" in changed and computed is not None else {}


def _sex(patient: Patient) -> str | None:
    """Return the sex for growth charts: the sex at birth, or else the administrative gender if it is male or female."""
    return patient.sex or (patient.gender if patient.gender in Sex.values else None)


def keep_latest_date(patient: Patient) -> None:
    """Set the locked patient's date of their latest vital signs, or null.

    The version does not change, so that a recording does not make open patient forms stale. `updated_at` does, so that
    clients that follow changed patients see this one.
    """
    taken = VitalSigns.objects.filter(organization_id=patient.organization_id, patient=patient, deleted_at=None)
    latest = taken.aggregate(latest=Max("date_taken"))["latest"]
    if latest != patient.latest_vitals_date:
        Patient._base_manager.filter(pk=patient.pk).update(latest_vitals_date=latest, updated_at=DatabaseNow())
