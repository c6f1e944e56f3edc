"""What speaks for and against two records being of one person, in words, before the second one is stored."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.text import fold
from config.core.written_dates import written_day
from patients.duplicates import possible_duplicates
from patients.finding import audit_shown
from patients.models import Patient
from patients.names import match_key
from patients.phones import e164
from patients.search import region_of
from patients.services.patient_values import address_line

# So many are shown; whoever has more like them has typed too little.
MAX_SHOWN = 5
# What is compared: its name, the columns, and what makes two spellings of one thing equal. A pair of columns counts as one.
_COMPARED: tuple[tuple[str, tuple[str, ...], Callable[[str], str]], ...] = (
    ("first name", ("first_name",), match_key),
    ("last name", ("last_name",), match_key),
    ("date of birth", ("date_of_birth",), fold),
    ("mobile phone", ("mobile_phone",), fold),
    ("e-mail", ("email",), fold),
    ("address", ("address_line1", "city"), match_key),
)
NAMES = {
    "first name": _("first name"),
    "last name": _("last name"),
    "date of birth": _("date of birth"),
    "mobile phone": _("mobile phone"),
    "e-mail": _("e-mail"),
    "address": _("address"),
}


class Likeness(NamedTuple):
    """A patient who may be the person: what is the same ("date of birth"), what differs and how it is with the patient."""

    patient: Patient
    same: list[str]
    differs: list[tuple[str, str]]

    @property
    def same_names(self) -> list[str]:
        """The names of what is the same, as people read them."""
        return [str(NAMES[name]) for name in self.same]

    @property
    def differing(self) -> list[tuple[str, str]]:
        """What differs, by its name as people read it, and how it is with the patient."""
        return [(capfirst(str(NAMES[name])), value) for name, value in self.differs]

    @property
    def is_very_likely(self) -> bool:
        """Whether two things are the same that seldom are by chance."""
        same = {*self.same}
        return {"last name", "date of birth"} <= same or len({"date of birth", "mobile phone", "e-mail"} & same) > 1


def find_likenesses(actor: Actor, organization: Organization, values: Mapping[str, Any]) -> list[Likeness]:
    """Return the patients in the actor's scope who may be the person with these values, the most likely first.

    Whoever is shown is audited as found. Identity numbers are not compared: an answer would tell one.
    """
    compared = {**values, "social_security_number": None}
    ids = possible_duplicates(actor, organization, compared)
    rows = scope(actor, Patient.objects.filter(pk__in=ids).select_related("care_group").order_by("last_name_key", "id"))
    found = sorted((_compare(row, organization, values) for row in rows), key=lambda one: not one.is_very_likely)[:MAX_SHOWN]
    if found:
        audit_shown(actor, [one.patient for one in found])
    return found


def _compare(patient: Patient, organization: Organization, values: Mapping[str, Any]) -> Likeness:
    known = {name: getattr(patient, name) for name in ("first_name", "last_name", "date_of_birth", "mobile_phone", "email")}
    known |= {"address_line1": patient.address_line1, "city": patient.city}
    typed = {**values, "address_line1": values.get("address_line1") or _typed_address(values)}
    same, differs = [], []
    for name, columns, key in _COMPARED:
        theirs, ours = ([_text(column, record.get(column), organization, key) for column in columns] for record in (known, typed))
        if not all(theirs) or not all(ours):
            continue
        if theirs == ours:
            same.append(name)
        else:
            differs.append((name, ", ".join(_shown(known[column]) for column in columns)))
    return Likeness(patient, same, differs)


def _typed_address(values: Mapping[str, Any]) -> str:
    return address_line(values.get("street"), values.get("house_number"), values.get("house_number_suffix"))


def _text(column: str, value: Any, organization: Organization, key: Callable[[str], str]) -> str:
    """Return the `value` of a column so that two spellings of one thing are equal: by its `key`, a phone number in E.164."""
    text = str(value or "")
    number = e164(text, region_of({}, organization.country)) if column == "mobile_phone" else None
    return number or key(text)


def _shown(value: Any) -> str:
    return written_day(value) if isinstance(value, datetime.date) else str(value)
