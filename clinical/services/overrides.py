"""A patient's own rules, which replace those of the protocol."""

from typing import Any

from django.db import transaction

from accounts.scope import Actor
from clinical.models import Instrument, RuleOverride
from clinical.monitoring import Override, check_override, codes_of
from clinical.services.instruments import instruments_of
from clinical.services.protocols import add_missing_gauges, facts_by_code
from config.core.orm import drop_nulls_for_not_null_columns
from patients.services.charts import add_entry, correct_entry, lock_entry
from patients.services.locking import lock_patient


@transaction.atomic
def create_override(*, actor: Actor, patient_id: int, kind: str, rules: list[Any], instrument: str | None = None) -> RuleOverride:
    """Create a patient's own rules of a `kind`, and of an `instrument` (its code) if the kind has one.

    An empty list switches the protocol's rules off. Raises NotFound, Invalid, or IntegrityError if the patient has own
    rules of this kind and instrument already.
    """
    patient = lock_patient(patient_id)
    named = _checked(patient.organization_id, Override(kind, instrument, rules))
    values = {"kind": kind, "instrument_id": named and named.pk, "rules": rules, "created_by_id": actor.user_id}
    return add_entry(actor, patient, RuleOverride, values)


@transaction.atomic
def update_override(*, actor: Actor, patient_id: int, entry_id: int, base_version: int, changes: dict[str, Any]) -> None:
    """Replace the `rules`; null leaves them as they are. Raises NotFound, Invalid or VersionConflict."""
    entry = lock_entry(RuleOverride, patient_id, entry_id)
    written = drop_nulls_for_not_null_columns(RuleOverride, changes)
    if "rules" in written:
        code = entry.instrument.code if entry.instrument else None
        _checked(entry.organization_id, Override(entry.kind, code, written["rules"]))
    correct_entry(actor, entry, base_version, written)


def _checked(organization_id: int, override: Override) -> Instrument | None:
    """Return the instrument of `override`. Raises Invalid if a rule is wrong."""
    known = instruments_of(organization_id)
    check_override(override, facts_by_code(known))
    codes = {code for rule in override.rules for code in codes_of(rule)} | {override.instrument or ""} - {""}
    add_missing_gauges(organization_id, known, codes, "rules")
    return known[override.instrument] if override.instrument else None
