"""Which of two records' values stands: each choice, the columns that go with it, and what follows for the survivor."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.core.encryption import unseal
from config.core.exceptions import Invalid
from patients.models import BALANCES, STAFF_FIELDS, Patient
from patients.services.rules import SEALED


class MergeSide(TextChoices):
    """Whose value stands."""

    SURVIVOR = "survivor", _("Survivor")
    OTHER = "other", _("Other")


# Columns that make sense only together: an address is not mixed of two.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "address": (
        "address_line1",
        "address_line2",
        "address_note",
        "street",
        "house_number",
        "house_number_suffix",
        "city",
        "state",
        "postal_code",
        "country",
    ),
    "balances": BALANCES,
    "emergency_contact": ("emergency_contact_name", "emergency_contact_phone"),
}
_REFERENCES = (
    "billing_type",
    "care_group",
    "employer",
    "fee_schedule",
    "location",
    "primary_provider",
    "responsible_party",
    "secondary_provider",
)
_FURTHER = ("account_name", "billing_account", "comments", "language", "sex", "sms_login_enabled", "timezone", *SEALED)
_GROUPED = {column for columns in _GROUPS.values() for column in columns}

# The choices between values of the patient, by name -> the values of the patient that it is about, as services name them.
CHOICES: Mapping[str, tuple[str, ...]] = {
    **_GROUPS,
    **{name: (f"{name}_id",) for name in _REFERENCES},
    **{name: (name,) for name in (*STAFF_FIELDS, *_FURTHER) if name not in _GROUPED and name != "status"},
}
# The choice between the values of custom fields that both records have.
FIELD_VALUES = "field_values"
NAMES = tuple(sorted([*CHOICES, FIELD_VALUES]))


def check_choices(choices: Mapping[str, str]) -> None:
    """Raise Invalid for a choice that there is not."""
    if unknown := sorted(choices.keys() - set(NAMES)):
        raise Invalid({name: [gettext("There is no such choice.")] for name in unknown})


def takes_other(choice: str | None, values: Collection[Any]) -> bool:
    """Tell whether the survivor, who has `values`, takes those of the merged record: by choice, or for want of any."""
    return choice == MergeSide.OTHER if choice else all(value in (None, "") for value in values)


def differences(survivor: Patient, other: Patient) -> list[str]:
    """Return the names of the choices of which the two records have different values."""
    return sorted(name for name in CHOICES if _values(survivor, name, other) != _values(other, name, survivor))


def chosen_values(survivor: Patient, other: Patient, choices: Mapping[str, str]) -> dict[str, Any]:
    """Return what changes in the survivor, as `update_patient` takes it. A record is not its own guarantor."""
    changes: dict[str, Any] = {}
    for name in CHOICES:
        own, theirs = _values(survivor, name, other), _values(other, name, survivor)
        if own != theirs and takes_other(choices.get(name), own.values()):
            changes |= theirs
    if survivor.responsible_party_id == other.pk:
        changes.setdefault("responsible_party_id", None)
    if survivor.user_id is None and other.user_id is not None:
        changes["user_id"] = other.user_id
    return changes


def value_of(patient: Patient, column: str) -> Any:
    """Return one of a patient's values as services take it, sealed ones in clear."""
    if column not in SEALED:
        return getattr(patient, column)
    sealed = getattr(patient, f"{column}_sealed")
    return None if sealed is None else unseal(sealed, f"patient.{column}", patient.uuid)


def _values(patient: Patient, name: str, merged_with: Patient) -> dict[str, Any]:
    """Return the values that the choice `name` is about; none of the two records is a guarantor of the other."""
    values = {column: value_of(patient, column) for column in CHOICES[name]}
    if values.get("responsible_party_id") == merged_with.pk:
        values["responsible_party_id"] = None
    return values
