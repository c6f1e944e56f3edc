"""Possible duplicates: the same name and date of birth, e-mail, mobile phone, or social security number."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Organization
from accounts.permissions import READS_IDENTITY_NUMBERS
from accounts.scope import Actor, scope
from config.core.encryption import blind_index
from config.core.text import fold
from patients.models import Patient
from patients.names import bare, match_key
from patients.phones import e164
from patients.search import region_of

# The maximum number of possible duplicates in a response.
MAX_DUPLICATES = 50


def identity_index(name: str, number: str, organization_id: int) -> bytes | None:
    """Return the blind index of a sealed number, whatever its digits, blanks and punctuation; None if it is empty."""
    normal = bare(fold(number)).upper()
    return blind_index(normal, f"patient.{name}", organization_id) if normal else None


def possible_duplicates(
    actor: Actor, organization: Organization, values: Mapping[str, Any], exclude_id: int | None = None
) -> list[int]:
    """Return the ids of unarchived patients in the actor's scope that match one of the signals in `values`.

    A role that does not read identity numbers does not compare them either: a right guess would tell it the number.
    `exclude_id` is the patient that the values belong to.
    """
    signals = _signals(organization, values) | _number_signal(actor, organization, values)
    if not signals:
        return []
    found = _matching(actor, organization, signals, exclude_id)
    return list(found.order_by("last_name_key", "id").values_list("pk", flat=True)[:MAX_DUPLICATES])


def _signals(organization: Organization, values: Mapping[str, Any]) -> Q:
    signals = Q()
    if values.get("last_name") and values.get("date_of_birth"):
        # The day as text, by whose index few of many patients are found.
        born = values["date_of_birth"].isoformat()
        signals |= Q(last_name_match_key=match_key(values["last_name"])[:255], date_of_birth_key=born)
    if email := fold(values.get("email")):
        signals |= Q(email_key=email[:254])
    if phone := values.get("mobile_phone"):
        number = e164(phone, region_of(values, organization.country))
        signals |= Q(mobile_e164=number) if number else Q(mobile_phone=phone)
    return signals


def number_found(
    actor: Actor, organization: Organization, values: Mapping[str, Any], exclude_id: int | None = None
) -> bool | None:
    """Tell whether somebody in the actor's scope has the social security number in `values`; None if it is not compared.

    `exclude_id` is the patient that the values belong to.
    """
    signal = _number_signal(actor, organization, values)
    return _matching(actor, organization, signal, exclude_id).exists() if signal else None


def _matching(actor: Actor, organization: Organization, signals: Q, exclude_id: int | None) -> QuerySet[Patient]:
    others = Q() if exclude_id is None else ~Q(pk=exclude_id)
    return scope(actor, Patient.objects.filter(signals, others, organization=organization, deleted_at=None))


def _number_signal(actor: Actor, organization: Organization, values: Mapping[str, Any]) -> Q:
    """Return the condition on the social security number in `values`; empty without one, or if the actor reads none."""
    number = values.get("social_security_number")
    if not number or actor.role not in READS_IDENTITY_NUMBERS:
        return Q()
    index = identity_index("social_security_number", number, organization.pk)
    return Q(social_security_number_index=index) if index else Q()
