"""Family and carers: relationships in both directions, and the household, which is those with the same guarantor."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from accounts.scope import scope
from clinical.admin.chart import banner
from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery
from patients.families import household
from patients.labels import age_of, name_of, phone_of
from patients.models import Patient, Relationship, RelationshipType, Sex, Status

SHOWN = 20
PERSON = (
    "pk",
    "first_name",
    "last_name",
    "sex",
    "date_of_birth",
    "date_time_deceased",
    "stopped_at",
    "status",
    "mobile_phone",
    "home_phone",
    "work_phone",
    "responsible_party_id",
)

# What a relationship makes of the other person, and what of this one for the other: neutral, female, male.
Words = tuple[str | Promise, str | Promise, str | Promise]
_CHILD = (pgettext_lazy("relative", "child"), pgettext_lazy("relative", "daughter"), pgettext_lazy("relative", "son"))
_PARENT = (pgettext_lazy("relative", "parent"), pgettext_lazy("relative", "mother"), pgettext_lazy("relative", "father"))
_SPOUSE = (pgettext_lazy("relative", "spouse"), pgettext_lazy("relative", "wife"), pgettext_lazy("relative", "husband"))
_SIBLING = (pgettext_lazy("relative", "sibling"), pgettext_lazy("relative", "sister"), pgettext_lazy("relative", "brother"))
_GRANDCHILD = (
    pgettext_lazy("relative", "grandchild"),
    pgettext_lazy("relative", "granddaughter"),
    pgettext_lazy("relative", "grandson"),
)
_GRANDPARENT = (
    pgettext_lazy("relative", "grandparent"),
    pgettext_lazy("relative", "grandmother"),
    pgettext_lazy("relative", "grandfather"),
)
_STEPCHILD = (
    pgettext_lazy("relative", "stepchild"),
    pgettext_lazy("relative", "stepdaughter"),
    pgettext_lazy("relative", "stepson"),
)
_STEPPARENT = (
    pgettext_lazy("relative", "stepparent"),
    pgettext_lazy("relative", "stepmother"),
    pgettext_lazy("relative", "stepfather"),
)
_FOSTER_CHILD = (
    pgettext_lazy("relative", "foster child"),
    pgettext_lazy("relative", "foster daughter"),
    pgettext_lazy("relative", "foster son"),
)
_FOSTER_PARENT = (
    pgettext_lazy("relative", "foster parent"),
    pgettext_lazy("relative", "foster mother"),
    pgettext_lazy("relative", "foster father"),
)
_GUARDIAN, _WARD = pgettext_lazy("relative", "guardian"), pgettext_lazy("relative", "ward")
WORDS: dict[str, tuple[Words, Words]] = {
    RelationshipType.CHILD: (_CHILD, _PARENT),
    RelationshipType.PARENT: (_PARENT, _CHILD),
    RelationshipType.SPOUSE: (_SPOUSE, _SPOUSE),
    RelationshipType.SIBLING: (_SIBLING, _SIBLING),
    RelationshipType.GRANDCHILD: (_GRANDCHILD, _GRANDPARENT),
    RelationshipType.GRANDPARENT: (_GRANDPARENT, _GRANDCHILD),
    RelationshipType.STEPCHILD: (_STEPCHILD, _STEPPARENT),
    RelationshipType.STEPPARENT: (_STEPPARENT, _STEPCHILD),
    RelationshipType.FOSTER_CHILD: (_FOSTER_CHILD, _FOSTER_PARENT),
    RelationshipType.CAREGIVER: (
        (pgettext_lazy("relative", "caregiver"),) * 3,
        (pgettext_lazy("relative", "in their care"),) * 3,
    ),
    RelationshipType.GUARDIAN: ((_GUARDIAN,) * 3, (_WARD,) * 3),
    RelationshipType.LIFE_PARTNER: ((pgettext_lazy("relative", "life partner"),) * 3,) * 2,
    RelationshipType.OTHER_FAMILY: ((pgettext_lazy("relative", "other family"),) * 3,) * 2,
    RelationshipType.CLONE: ((pgettext_lazy("relative", "copy of this chart"),) * 3,) * 2,
    RelationshipType.MERGE: ((pgettext_lazy("relative", "merged chart"),) * 3,) * 2,
}
_PLACES = {Sex.FEMALE: 1, Sex.MALE: 2}


@dataclass(frozen=True)
class Member:
    """A relative or carer. `relationship` is the row on this chart that says so, None where there is none."""

    pk: int
    name: str
    age: int | None
    words: list[str]
    is_responsible: bool
    in_household: bool
    phone: str
    alerts: list[str]
    status: str
    relationship: int | None


@dataclass(frozen=True)
class Family:
    """The block. `hidden` counts relatives whom the actor may not see."""

    members: list[Member]
    hidden: int
    responsible_is_hidden: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    own, others = _own(chart), _others(chart)
    family = Q(id__in=household(chart.patient_id).values("id"))
    related = Q(id__in=own.values("to_patient_id")) | Q(id__in=others.values("patient_id"))
    people = scope(chart.viewer, Patient._base_manager.filter(family | related).exclude(pk=chart.patient_id))
    return {
        "relationships": Asked(own.order_by("pk"), ("pk", "to_patient_id", "relationship_type", "is_guardian")),
        "relationships_to": Asked(others.order_by("pk"), ("patient_id", "relationship_type", "is_guardian")),
        "people": Asked(people.order_by("last_name_key", "first_name_key", "pk")[:SHOWN], PERSON),
        "alerts": banner.ask_alerts(chart),
    }


def _own(chart: ChartQuery) -> QuerySet:
    return chart.rows(Relationship).filter(deleted_at=None)


def _others(chart: ChartQuery) -> QuerySet:
    """Return the relationships on other charts, in scope, that lead to this patient."""
    rows = Relationship.objects.filter(organization_id=chart.organization_id, to_patient_id=chart.patient_id)
    return scope(chart.viewer, rows.filter(deleted_at=None))


def build(chart: Chart, answers: Answers) -> Family:
    people, guarantor = answers["people"], chart.patient.responsible_party_id
    alerts: dict[int, list[str]] = defaultdict(list)
    for alert in answers["alerts"]:
        alerts[alert.patient_id].append(alert.name)
    members = [_member(chart, person, answers, alerts[person.pk]) for person in people]
    known = {person.pk for person in people}
    told = {row.to_patient_id for row in answers["relationships"]}
    return Family(
        members=sorted(members, key=lambda member: not member.is_responsible),
        hidden=len(told - known - {guarantor}) if len(people) < SHOWN else 0,
        responsible_is_hidden=guarantor is not None and guarantor not in known and len(people) < SHOWN,
    )


def _member(chart: Chart, person: Any, answers: Answers, alerts: list[str]) -> Member:
    row = Patient(**{name: getattr(person, name) for name in PERSON})
    guarantor = chart.patient.responsible_party_id or chart.patient.pk
    stored = [found.pk for found in answers["relationships"] if found.to_patient_id == person.pk]
    return Member(
        pk=person.pk,
        name=name_of(row),
        age=age_of(row, chart.today),
        words=_words(person, answers),
        is_responsible=person.pk == chart.patient.responsible_party_id,
        in_household=guarantor in (person.pk, person.responsible_party_id),
        phone=phone_of(row),
        alerts=alerts,
        status="" if person.status == Status.ACTIVE else str(Status(person.status).label).lower(),
        relationship=stored[0] if stored else None,
    )


def _words(person: Any, answers: Answers) -> list[str]:
    """Return what the person is to the patient, as both charts have it, each word once."""
    here = [row for row in answers["relationships"] if row.to_patient_id == person.pk]
    there = [row for row in answers["relationships_to"] if row.patient_id == person.pk]
    place = _PLACES.get(person.sex, 0)
    words = [WORDS[row.relationship_type][0][place] for row in here]
    words += [WORDS[row.relationship_type][1][place] for row in there]
    words += [_WARD for row in here if row.is_guardian] + [_GUARDIAN for row in there if row.is_guardian]
    return list(dict.fromkeys(map(str, words)))
