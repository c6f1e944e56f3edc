"""Events of the audit trail that changed a chart, in words: "Medication changed: furosemide (dosage)"."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from accounts.audit_words import field_words
from accounts.scope import Actor, scope
from accounts.templatetags.clinic import clock, day
from clinical.models import (
    Alert,
    Allergy,
    Appointment,
    Disease,
    Medication,
    MonitoringAlert,
    RuleOverride,
    SocialHistory,
    VitalSigns,
)
from config.core.joint_queries import Asked, fetch_jointly
from config.core.orm import word_for
from patients.models import FieldValue, Patient, PatientTag, ReferralAttribution, Relationship


class Kind(NamedTuple):
    """A kind of entries: how it is called, its icon, and which column of the model names an entry."""

    label: str
    icon: str
    model: type | None = None
    name: Any = None


def kinds_of(kinds: Mapping[type, Kind]) -> dict[str, Kind]:
    """Return kinds by the word that the trail has for their model."""
    return {word_for(model): kind._replace(model=model) for model, kind in kinds.items()}


CLINICAL = kinds_of(
    {
        Medication: Kind("Medication", "pill", name=Coalesce("medication_definition__name", "med_descript")),
        Allergy: Kind("Allergy", "shield", name=F("allergy_definition__name")),
        Disease: Kind("Problem", "document", name=F("disease_definition__name")),
        VitalSigns: Kind("Vital signs", "pulse", name=F("date_taken")),
        Alert: Kind("Chart alert", "warning", name=F("alert_definition__name")),
        SocialHistory: Kind("Social history", "person", name=F("value")),
        MonitoringAlert: Kind("Monitoring alert", "flag", name=F("instrument__name")),
        RuleOverride: Kind("Own limits", "chart", name=F("instrument__name")),
    }
)
CLERICAL = kinds_of(
    {
        Patient: Kind("Details", "pencil"),
        Appointment: Kind("Appointment", "calendar", name=F("starts_at")),
        PatientTag: Kind("Tag", "tag", name=F("tag_definition__name")),
        FieldValue: Kind("Own fields", "tag", name=F("field_definition__name")),
        Relationship: Kind("Relationship", "family", name=F("relationship_type")),
        ReferralAttribution: Kind(
            "Referral", "document", name=Coalesce("referral_source__name", "referral_partner__name", "provider__name")
        ),
    }
) | {"enrolment": Kind("Program", "flag")}
_ALL = CLINICAL | CLERICAL

VERBS = {
    "create": "added",
    "bulk_create": "added",
    "update": "changed",
    "bulk_update": "changed",
    "upsert": "changed",
    "archive": "archived",
    "restore": "restored",
    "disable": "switched off",
    "raise": "raised",
    "raise_flag": "raised to a higher flag",
    "process": "processed",
    "escalate": "escalated",
    "review": "looked at again",
    "record_death": "changed: death recorded",
    "transition_status": "changed: status",
    "merge": "changed: merged with another record",
    "unmerge": "changed: merge undone",
}
# What is audited like a change and leaves the chart as it was: somebody is looking at an alert.
NO_CHANGES = frozenset({"monitoring_alert.claim"})


def icon_of(subject: str) -> str:
    """Return the icon of a kind of entries."""
    return _ALL[subject].icon


def told(row: Any, names: Mapping[tuple[str, int | None], str]) -> str:
    """Return an event in words. `names` are those of the entries, by subject and id."""
    kind, verb = _ALL[row.subject], row.action.rpartition(".")[2]
    name = names.get((row.subject, row.subject_id), "")
    done = VERBS.get(verb, verb.replace("_", " "))
    fields = field_words(row.changed) if verb in ("update", "bulk_update", "upsert") else ""
    about = f"{name} ({fields})" if name and fields not in ("", name) else name or fields
    return f"{kind.label} {done}: {about}" if about and ":" not in done else f"{kind.label} {done}"


def names_of(actor: Actor, events: Iterable[Any], kinds: Mapping[str, Kind] = _ALL) -> dict[tuple[str, int | None], str]:
    """Return the names of the rows that events are about, by subject and id, by one statement.

    They are those of rows in the scope of `actor` of the kinds that have names.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for event in events:
        kind = kinds.get(event.subject)
        if event.subject_id is not None and kind and kind.name is not None:
            wanted[event.subject].add(event.subject_id)
    if not wanted:
        return {}
    answers = fetch_jointly({word: Asked(_named(actor, kinds[word], pks), ("pk", "label")) for word, pks in wanted.items()})
    return {(word, row.pk): _label(row.label) for word, found in answers.items() for row in found if row.label}


def _label(value: Any) -> str:
    """Return what names an entry as text: a name, a choice, a day or a moment."""
    if isinstance(value, datetime.datetime):
        return f"{day(value)}, {clock(value)}"
    return day(value) if isinstance(value, datetime.date) else value.replace("_", " ")


def _named(actor: Actor, kind: Kind, pks: set[int]) -> QuerySet:
    assert kind.model is not None  # noqa: S101 - a kind whose rows have names has a model
    rows: QuerySet = kind.model._base_manager.filter(pk__anyof=sorted(pks))  # type: ignore[attr-defined]
    return scope(actor, rows).annotate(label=kind.name).order_by("pk")
