"""Finding people in the admin: the patients whom what somebody types may mean, best ones first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, IntegerField, Q, QuerySet, Value, When

from accounts import audit
from accounts.scope import Actor, Viewer, scope, viewer_of
from config.core.compiled_queries import parameter, planned_anew
from config.core.databases import Among, contains_pattern
from config.core.instances import InstanceQuery
from config.core.written_dates import MONTH_FIRST
from patients.models import Patient, SearchEntry
from patients.search import containing, query_forms, query_patterns
from patients.written_dates import written_dates

MAX_FOUND = 20
# Characters.
MAX_TEXT = 200
# What a row shows of a patient, and what decides whether the caller may see them.
COLUMNS = (
    "organization_id",
    "first_name",
    "last_name",
    "date_of_birth",
    "date_time_deceased",
    "stopped_at",
    "chart_number",
    "mobile_phone",
    "home_phone",
    "work_phone",
    "status",
)


@dataclass(frozen=True)
class NamedPatients(InstanceQuery):
    """Those of some patients who are in scope and not archived, with COLUMNS alone."""

    viewer: Viewer
    ids: Any = parameter(BigIntegerField())

    def queryset(self) -> QuerySet[Patient]:
        return scope(self.viewer, Patient.objects.filter(pk__anyof=self.ids, deleted_at=None)).only(*COLUMNS)


class Found(NamedTuple):
    """At most MAX_FOUND patients, and whether there are more."""

    patients: list[Patient]
    more: bool


def find_patients(actor: Actor, text: str) -> Found:
    """Return the unarchived patients in the actor's scope whom `text` may mean, and audit that they were shown.

    Those come first who were born on the day that it means in their organization's country, then those whose name or chart
    number begins with its first word, then the others, in the order of their names.
    """
    words = query_forms(text[:MAX_TEXT])
    if not words:
        return Found([], False)
    entries = scope(actor, SearchEntry.objects.filter(containing(query_patterns(text[:MAX_TEXT])), deleted_at=None))
    entries = entries.order_by(_rank(words), "last_name_key", "first_name_key", "id")
    with planned_anew():
        found = list(entries.values_list("id", flat=True)[: MAX_FOUND + 1])
    patients = NamedPatients(viewer_of(actor), found[:MAX_FOUND]).instances()
    shown = sorted(patients, key=lambda patient: found.index(patient.pk))
    audit_shown(actor, shown)
    return Found(shown, len(found) > MAX_FOUND)


def containing_words(actor: Actor, text: str) -> Q:
    """Return the condition that a patient in the actor's scope has a record that contains each word of `text`.

    Who they are is found out first: to go through patients in the order of a list until some are found is quick where there
    are many, but those of one name stand together.
    """
    every = containing(query_patterns(text))
    entries = scope(actor, SearchEntry.objects.filter(every))
    return Q(Among("pk", entries.order_by().values("id"))) if every else every


def find_patient(actor: Actor, patient_id: Any) -> Patient | None:
    """Return an unarchived patient in the actor's scope by id, and audit that they were shown; None if there is none."""
    patient = scope(actor, Patient.objects.filter(pk=patient_id, deleted_at=None)).only(*COLUMNS).first()
    if patient:
        audit_shown(actor, [patient])
    return patient


def audit_shown(actor: Actor, patients: list[Patient]) -> None:
    """Audit that `patients` were shown to be chosen from, before the answer leaves."""
    audit.record_read(actor, "patient.search", patients=[(patient.organization_id, patient.pk) for patient in patients])


def _rank(words: list[tuple[str, ...]]) -> Case:
    named = Q()
    for form in words[0]:
        begins = contains_pattern(form).removeprefix("%")
        named |= Q(last_name_key__matches=begins) | Q(first_name_key__matches=begins) | Q(chart_number_key__matches=begins)
        named |= Q(last_name_match_key__matches=begins)
    births = _likely_births([forms[0] for forms in words])
    return Case(*births, When(named, then=1), default=Value(2), output_field=IntegerField())


def _likely_births(words: list[str]) -> Iterator[When]:
    """Yield the conditions that a patient was born on the likelier day of an ambiguous date."""
    month_first = Q(organization__country__in=sorted(MONTH_FIRST))
    for date in written_dates(" ".join(words)):
        if len(date.patterns) == 2:
            first, second = (Q(date_of_birth_key__matches=pattern.strip("%")) for pattern in date.patterns)
            yield When(month_first & first | ~month_first & second, then=0)
