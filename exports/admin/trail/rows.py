"""Audit events as sentences: who did what to whom, when, and by which door."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import pgettext, pgettext_lazy

from accounts.admin.labels import person_label
from accounts.admin.trail import Doer, doers_of, door_of
from accounts.audit_words import Sentence, Way, fields_told, sentence_of, way_of
from accounts.models import ApiKey, AuditedPatient, AuditEvent, Organization, User
from accounts.models.catalogs import Catalog
from accounts.scope import Actor, scope
from clinical.admin.chart.changes import CLERICAL, CLINICAL, Kind, kinds_of, names_of
from exports.models import WebhookEndpoint
from patients.finding import COLUMNS
from patients.models import Patient, PatientImport

# Of more patients than these the sentence says how many they are.
NAMED = 2
# The kinds of rows that have names.
KINDS = (
    CLINICAL
    | CLERICAL
    | kinds_of({model: Kind("", "", name=F("name")) for model in apps.get_models() if issubclass(model, Catalog)})
    | kinds_of({User: Kind("", "", name=person_label()), Organization: Kind("", "", name=F("name"))})
    | kinds_of({WebhookEndpoint: Kind("", "", name=F("description")), PatientImport: Kind("", "", name=F("file_name"))})
    | {"api_key": Kind("", "", ApiKey, F("description"))}
)
_ICONS = {Way.READ: "eye", Way.LISTED: "search", Way.EXPORTED: "document", Way.SIGNED_IN: "key", Way.CHANGED: "pencil"}

# What a person may have been warned of, and how gravely, by the words that the trail keeps.
_WARNINGS = {
    "blocks_procedures": pgettext_lazy("warning", "blocks procedures"),
    "deceased": pgettext_lazy("warning", "deceased"),
    "drug_allergy": pgettext_lazy("warning", "drug allergy"),
    "duplicate_ingredient": pgettext_lazy("warning", "duplicate ingredient"),
    "not_active": pgettext_lazy("warning", "not active"),
    "not_checked": pgettext_lazy("warning", "not checked"),
    "overlap_of_patient": pgettext_lazy("warning", "overlap of patient"),
    "overlap_of_provider": pgettext_lazy("warning", "overlap of provider"),
    "past": pgettext_lazy("warning", "past"),
    "possible_duplicate": pgettext_lazy("warning", "possible duplicate"),
    "recorded_already": pgettext_lazy("warning", "recorded already"),
}
_SEVERITIES = {
    "high": pgettext_lazy("severity of a warning", "high"),
    "moderate": pgettext_lazy("severity of a warning", "moderate"),
    "low": pgettext_lazy("severity of a warning", "low"),
}


@dataclass(frozen=True)
class Row:
    """An event in words. `patients` are those whom the sentence names; where it names none, `count` says how many they are."""

    event: AuditEvent
    doer: Doer
    sentence: Sentence
    patients: tuple[Patient, ...]
    count: int
    way: Way
    changed: str

    @property
    def is_refused(self) -> bool:
        """Whether it was not allowed."""
        return bool(self.event.outcome == AuditEvent.Outcome.DENIED)

    @property
    def icon(self) -> str:
        """The icon for what was done."""
        return "ban" if self.is_refused else _ICONS[self.way]

    @property
    def label(self) -> str:
        """The way in a word."""
        return pgettext("audit trail", "Refused") if self.is_refused else str(self.way.label)

    @property
    def door(self) -> str:
        """By which door it was done."""
        return door_of(self.event.route)

    @property
    def overridden(self) -> str:
        """The kinds of the warnings that it was saved against, in words."""
        return ", ".join(map(_warning, filter(None, (self.event.overridden or "").split(","))))


def _warning(kept: str) -> str:
    """Return a kind of warnings in words: "drug allergy: high" for drug_allergy.high."""
    kind, _dot, severity = kept.partition(".")
    told = str(_WARNINGS.get(kind, kind.replace("_", " ")))
    return f"{told}: {_SEVERITIES.get(severity, severity)}" if severity else told


def rows_of(actor: Actor, events: Collection[AuditEvent]) -> list[Row]:
    """Return `events` in words, with the names that `actor` may see, by five statements however many they are."""
    doers, names = doers_of(actor, events), names_of(actor, events, KINDS)
    affected = _affected(actor, events)
    known = _Known(actor, events, {pk for _, pks in affected.values() for pk in pks})
    return [_row(event, doers[event.pk], names, affected.get(event.pk, (0, [])), known) for event in events]


def _row(event: AuditEvent, doer: Doer, names: Mapping, affected: tuple[int, list[int]], known: "_Known") -> Row:
    refused = event.outcome == AuditEvent.Outcome.DENIED
    count, pks = affected
    patients = known.named_by(event) if refused else tuple(known.by_id[pk] for pk in pks if pk in known.by_id)
    return Row(
        event=event,
        doer=doer,
        sentence=sentence_of(event.action, refused=refused, name=names.get((event.subject, event.subject_id), "")),
        patients=patients if count <= NAMED else (),
        count=count,
        way=way_of(event.action),
        changed=fields_told(event),
    )


def audited_patients(rows: Iterable[Row]) -> list[tuple[int, int]]:
    """Return (organization id, patient id) of the patients whom `rows` name, as the trail has them."""
    return sorted({(patient.organization_id, patient.pk) for row in rows for patient in row.patients})


def _affected(actor: Actor, events: Collection[AuditEvent]) -> dict[int, tuple[int, list[int]]]:
    """Return how many patients each event affected, and the ids of the first NAMED of them."""
    every = scope(actor, AuditedPatient.objects.filter(event_id__anyof=[event.pk for event in events]))
    numbered = every.annotate(
        number=Window(RowNumber(), partition_by="event_id", order_by="patient_id"),
        total=Window(Count("pk"), partition_by="event_id"),
    )
    first = numbered.filter(number__lte=NAMED).order_by("event_id", "patient_id")
    found: dict[int, tuple[int, list[int]]] = {}
    for event_id, patient_id, total in first.values_list("event_id", "patient_id", "total"):
        found.setdefault(event_id, (total, []))[1].append(patient_id)
    return found


class _Known:
    """The patients in scope whom events name, by id and by UUID."""

    def __init__(self, actor: Actor, events: Collection[AuditEvent], pks: set[int]):
        refused = [event for event in events if event.outcome == AuditEvent.Outcome.DENIED]
        ids = pks | {event.patient_id for event in refused} - {None}
        uuids = {event.patient_uuid for event in refused} - {None}
        named = Q(pk__anyof=sorted(ids)) | Q(uuid__in=sorted(uuids))
        patients = scope(actor, Patient.objects.filter(named)).only(*COLUMNS, "uuid").order_by("pk")
        self.by_id = {patient.pk: patient for patient in patients}
        self.by_uuid = {patient.uuid: patient for patient in self.by_id.values()}

    def named_by(self, event: AuditEvent) -> tuple[Patient, ...]:
        """Return the patient whom a refused request named, if there is one in scope."""
        patient = self.by_id.get(event.patient_id) or self.by_uuid.get(event.patient_uuid)
        return (patient,) if patient else ()
