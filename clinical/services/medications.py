"""Creating, changing, holding and stopping medications, with the RxNorm code of their definition."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Overridden
from accounts.scope import Actor
from clinical.models import CodeSystem, Medication, MedicationDefinition, MedicationStatus
from clinical.models.medications import RX_CUI_LENGTH
from config.core.exceptions import Invalid
from config.core.text import is_blank
from patients.services.charts import change_entry, create_entry, lock_entry, update_entry
from patients.services.overridden import record_chart_change

ACTIVE, ON_HOLD = MedicationStatus.ACTIVE, MedicationStatus.ON_HOLD


@transaction.atomic
def create_medication(*, actor: Actor, patient_id: int, overridden: Overridden | None = None, **values: Any) -> Medication:
    """Add a medication to the chart of a patient who is not archived; see `create_entry`.

    `rx_cui` defaults to the RxNorm code of the definition, if it has one.
    """
    coded = with_code(_with_seen_words(values), None)
    return create_entry(actor=actor, model=Medication, patient_id=patient_id, overridden=overridden, **coded)


@transaction.atomic
def update_medication(
    *,
    actor: Actor,
    patient_id: int,
    entry_id: int,
    base_version: int,
    changes: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> Medication:
    """Write `changes` into a medication that is not archived; see `update_entry`.

    If they have another definition but no `rx_cui`, it becomes that definition's RxNorm code or null: the old code would
    mean another medication.
    """
    changes = _with_seen_words(changes)
    if "medication_definition_id" in changes:
        stored = lock_entry(Medication, patient_id, entry_id)
        changes = with_code(changes, stored.medication_definition_id)
    return update_entry(
        actor=actor,
        model=Medication,
        patient_id=patient_id,
        entry_id=entry_id,
        base_version=base_version,
        changes=changes,
        overridden=overridden,
    )


@transaction.atomic
def hold_medication(*, actor: Actor, patient_id: int, entry_id: int, base_version: int, note: str | None = None) -> None:
    """Put a current medication on hold; a `note` replaces the stored one. Raises NotFound, VersionConflict or Invalid."""
    values = {"status": ON_HOLD, **({} if note is None else {"patient_note": note})}
    _turn(actor, "hold", "held", _of(patient_id, entry_id, {ACTIVE}), base_version, values)


@transaction.atomic
def resume_medication(
    *, actor: Actor, patient_id: int, entry_id: int, base_version: int, overridden: Overridden | None = None
) -> None:
    """Have a patient take a medication again that was on hold. Raises NotFound, VersionConflict or Invalid."""
    entry = _of(patient_id, entry_id, {ON_HOLD})
    _turn(actor, "resume", "resumed", entry, base_version, {"status": ACTIVE}, overridden)


@transaction.atomic
def stop_medication(
    *, actor: Actor, patient_id: int, entry_id: int, base_version: int, date_stop: datetime.date, reason: str | None = None
) -> None:
    """End a medication: completed without a `reason`, discontinued with one. Raises NotFound, VersionConflict or Invalid."""
    entry = _of(patient_id, entry_id, {ACTIVE, ON_HOLD})
    if entry.date_start and date_stop < entry.date_start:
        raise Invalid(_("A medication ends on or after the day it began."), "date_stop")
    status = MedicationStatus.DISCONTINUED if reason else MedicationStatus.COMPLETED
    ended = {"status": status, "date_stop": date_stop, "discontinuation_reason": reason or None}
    _turn(actor, "stop", "stopped", entry, base_version, ended)


def _of(patient_id: int, entry_id: int, statuses: Collection[str]) -> Medication:
    """Lock and return a medication. Raises NotFound, or Invalid if its status is none of `statuses`."""
    entry = lock_entry(Medication, patient_id, entry_id)
    if entry.status not in statuses:
        message = _("This medication is %(status)s.") % {"status": entry.get_status_display().lower()}
        raise Invalid(message, "", "status")
    return entry


def _turn(
    actor: Actor,
    verb: str,
    past: str,
    entry: Medication,
    base_version: int,
    values: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> None:
    change_entry(entry, base_version, **values)
    event = f"medication.{past}"
    record_chart_change(actor, f"medication.{verb}", entry, event=event, changed=values, overridden=overridden)


def _with_seen_words(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `values` with words of which nothing can be seen as empty ones, which name no medication."""
    words = values.get("med_descript")
    return {**values, "med_descript": ""} if words and is_blank(words) else values


def with_code(values: Mapping[str, Any], stored: int | None) -> dict[str, Any]:
    """Return `values` with the RxNorm code of the definition that they name, unless it is the `stored` one or a code is given."""
    named = values.get("medication_definition_id")
    if named in (None, stored) or "rx_cui" in values:
        return dict(values)
    coded = MedicationDefinition.objects.filter(pk=named, concept_system=CodeSystem.RXNORM)
    code = coded.values_list("concept_code", flat=True).first()
    # The catalog allows codes that are longer than any of RxNorm's.
    return {**values, "rx_cui": code if len(code or "") <= RX_CUI_LENGTH else None}
