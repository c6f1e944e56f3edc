"""Possible duplicates: the same name and date of birth, e-mail, mobile phone, or social security number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet

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


@dataclass(frozen=True)
class Signal:
    """Columns in which two records of one person are the same.

    `known` is the condition that a record has something there, without which it is compared with none. `weight` is how much
    the signal speaks for one person, beside the others.
    """

    name: str
    columns: tuple[str, ...]
    known: Q
    weight: int

    def key(self, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return what is compared of a record, whose columns are in `row`; None where it is not known."""
        values = tuple(bytes(value) if isinstance(value, memoryview) else value for value in (row[name] for name in self.columns))
        unread = self is not TYPED_MOBILE or row["mobile_e164"] is None
        return values if values[-1] and unread else None

    def same(self, one: str, other: str) -> Q:
        """Return the condition that the records at the end of two relations are the same in it."""
        equal = Q(**{f"{one}__{name}": F(f"{other}__{name}") for name in self.columns})
        return equal & prefixed(self.known, one) & prefixed(self.known, other)


# The day as text, by whose index few of many patients are found.
NAME_AND_BIRTH = Signal("name_and_birth", ("last_name_match_key", "date_of_birth_key"), ~Q(date_of_birth_key=""), 6)
EMAIL = Signal("email", ("email_key",), ~Q(email_key=""), 3)
MOBILE = Signal("mobile", ("mobile_e164",), ~Q(mobile_e164=None), 3)
# What cannot be read as a number is compared as it was typed, with others that cannot.
TYPED_MOBILE = Signal("mobile", ("mobile_phone",), Q(mobile_e164=None) & ~Q(mobile_phone=None) & ~Q(mobile_phone=""), 3)
NUMBER = Signal("number", ("social_security_number_index",), ~Q(social_security_number_index=None), 16)
SIGNALS = (NAME_AND_BIRTH, EMAIL, MOBILE, TYPED_MOBILE, NUMBER)
COMPARED = tuple(dict.fromkeys(name for signal in SIGNALS for name in signal.columns))


def prefixed(condition: Q, relation: str) -> Q:
    """Return a condition on patients as one on the patient at the end of `relation`."""
    found: list[Any] = condition.children
    children = [prefixed(one, relation) if isinstance(one, Q) else (f"{relation}__{one[0]}", one[1]) for one in found]
    return Q(*children, _connector=condition.connector, _negated=condition.negated)


def shared_signals(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Signal]:
    """Yield the signals in which two records are the same; each is a mapping that has COMPARED."""
    for signal in SIGNALS:
        key = signal.key(one)
        if key is not None and key == signal.key(other):
            yield signal


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
        signals |= _equals(NAME_AND_BIRTH, match_key(values["last_name"])[:255], values["date_of_birth"].isoformat())
    if email := fold(values.get("email")):
        signals |= _equals(EMAIL, email[:254])
    if phone := values.get("mobile_phone"):
        number = e164(phone, region_of(values, organization.country))
        signals |= _equals(MOBILE, number) if number else _equals(TYPED_MOBILE, phone)
    return signals


def _equals(signal: Signal, *values: Any) -> Q:
    return signal.known & Q(**dict(zip(signal.columns, values, strict=True)))


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
    return _equals(NUMBER, index) if index else Q()
