"""Events of the audit trail that changed a chart, in words: "Medication changed: furosemide (dosage)"."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, F, QuerySet, TextChoices
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.audit_words import field_words
from accounts.scope import Actor, Viewer, scope, viewer_of
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
from config.core.compiled_queries import Compilable, parameter
from config.core.joint_queries import Asked, JointQuery
from config.core.orm import word_for
from patients.models import FieldValue, Patient, PatientTag, ReferralAttribution, Relationship, RelationshipType


class Kind(NamedTuple):
    """A kind of entries: how it is called, its icon, and which column of the model names an entry, one of `choices` or text."""

    label: str | Promise
    icon: str
    model: type | None = None
    name: Any = None
    choices: type[TextChoices] | None = None


def kinds_of(kinds: Mapping[type, Kind]) -> dict[str, Kind]:
    """Return kinds by the word that the trail has for their model."""
    return {word_for(model): kind._replace(model=model) for model, kind in kinds.items()}


CLINICAL = kinds_of(
    {
        Medication: Kind(gettext_lazy("Medication"), "pill", name=Coalesce("medication_definition__name", "med_descript")),
        Allergy: Kind(gettext_lazy("Allergy"), "shield", name=F("allergy_definition__name")),
        Disease: Kind(gettext_lazy("Problem"), "document", name=F("disease_definition__name")),
        VitalSigns: Kind(gettext_lazy("Vital signs"), "pulse", name=F("date_taken")),
        Alert: Kind(gettext_lazy("Chart alert"), "warning", name=F("alert_definition__name")),
        SocialHistory: Kind(gettext_lazy("Social history"), "person", name=F("value")),
        MonitoringAlert: Kind(gettext_lazy("Monitoring alert"), "flag", name=F("instrument__name")),
        RuleOverride: Kind(gettext_lazy("Own limits"), "chart", name=F("instrument__name")),
    }
)
CLERICAL = kinds_of(
    {
        Patient: Kind(pgettext_lazy("patient", "Details"), "pencil"),
        Appointment: Kind(gettext_lazy("Appointment"), "calendar", name=F("starts_at")),
        PatientTag: Kind(gettext_lazy("Tag"), "tag", name=F("tag_definition__name")),
        FieldValue: Kind(gettext_lazy("Own fields"), "tag", name=F("field_definition__name")),
        Relationship: Kind(gettext_lazy("Relationship"), "family", name=F("relationship_type"), choices=RelationshipType),
        ReferralAttribution: Kind(
            gettext_lazy("Referral"),
            "document",
            name=Coalesce("referral_source__name", "referral_partner__name", "provider__name"),
        ),
    }
) | {"enrolment": Kind(gettext_lazy("Program"), "flag")}
_ALL = CLINICAL | CLERICAL

VERBS: Mapping[str, str | Promise] = {
    "create": gettext_lazy("added"),
    "bulk_create": gettext_lazy("added"),
    "update": gettext_lazy("changed"),
    "bulk_update": gettext_lazy("changed"),
    "upsert": gettext_lazy("changed"),
    "archive": gettext_lazy("archived"),
    "restore": gettext_lazy("restored"),
    "disable": gettext_lazy("switched off"),
    "raise": gettext_lazy("raised"),
    "raise_flag": gettext_lazy("raised to a higher flag"),
    "process": gettext_lazy("processed"),
    "escalate": gettext_lazy("escalated"),
    "review": gettext_lazy("looked at again"),
    "record_death": gettext_lazy("changed: death recorded"),
    "transition_status": gettext_lazy("changed: status"),
    "merge": gettext_lazy("changed: merged with another record"),
    "unmerge": gettext_lazy("changed: merge undone"),
}
# What these did needs no name of a row.
_SAYS_ALL = frozenset({"record_death", "transition_status", "merge", "unmerge"})
# What is audited like a change and leaves the chart as it was: somebody is looking at an alert.
NO_CHANGES = frozenset({"monitoring_alert.claim"})


def icon_of(subject: str) -> str:
    """Return the icon of a kind of entries."""
    return _ALL[subject].icon


def told(row: Any, names: Mapping[tuple[str, int | None], str]) -> str:
    """Return an event in words. `names` are those of the entries, by subject and id."""
    kind, verb = _ALL[row.subject], row.action.rpartition(".")[2]
    name = names.get((row.subject, row.subject_id), "")
    done = {"kind": kind.label, "done": VERBS.get(verb, verb.replace("_", " "))}
    fields = field_words(row.changed) if verb in ("update", "bulk_update", "upsert") else ""
    about = f"{name} ({fields})" if name and fields not in ("", name) else name or fields
    if not about or verb in _SAYS_ALL:
        return _("%(kind)s %(done)s") % done
    return _("%(kind)s %(done)s: %(about)s") % {**done, "about": about}


@dataclass(frozen=True)
class NamedEntries(Compilable):
    """The rows of `model` that events call `word`, and the expression that names them."""

    word: str
    model: Any
    name: Any
    pks: Any = parameter(BigIntegerField())


@dataclass(frozen=True)
class EntryNames(JointQuery):
    """The names of rows in the viewer's scope."""

    viewer: Viewer
    kinds: tuple[NamedEntries, ...]

    def asked(self) -> dict[str, Asked]:
        return {kind.word: Asked(self.rows_of(kind), ("pk", "label")) for kind in self.kinds}

    def rows_of(self, kind: NamedEntries) -> QuerySet:
        """Return the rows of `kind` with their names."""
        rows = scope(self.viewer, kind.model._base_manager.filter(pk__anyof=kind.pks))
        return rows.annotate(label=kind.name).order_by("pk")


def names_of(actor: Actor, events: Iterable[Any], kinds: Mapping[str, Kind] = _ALL) -> dict[tuple[str, int | None], str]:
    """Return the names of the rows that events are about, by subject and id, by one statement.

    They are those of rows in the scope of `actor` of the kinds that have names.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for event in events:
        kind = kinds.get(event.subject)
        if event.subject_id is not None and kind and kind.name is not None:
            wanted[event.subject].add(event.subject_id)
    named = [NamedEntries(word, kinds[word].model, kinds[word].name, sorted(pks)) for word, pks in sorted(wanted.items())]
    answers = EntryNames(viewer_of(actor), tuple(named)).answers()
    return {(word, row.pk): _label(kinds[word], row.label) for word, found in answers.items() for row in found if row.label}


def _label(kind: Kind, value: Any) -> str:
    """Return what names an entry as text: a name, a choice, a day or a moment."""
    if kind.choices:
        return str(kind.choices(value).label).lower()
    if isinstance(value, datetime.datetime):
        return f"{day(value)}, {clock(value)}"
    return day(value) if isinstance(value, datetime.date) else value.replace("_", " ")
