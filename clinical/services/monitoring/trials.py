"""Trying rules before they are saved: the alerts that they would have raised in the last weeks. Nothing is written."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.models import Organization
from accounts.scope import Actor, scope
from clinical.models import RuleOverride
from clinical.monitoring import A_DAY, FLAGS, Override, Rule, codes_of, day_bounds, day_of, replay, rules_in_force
from clinical.services.instruments import instruments_of
from clinical.services.monitoring.recorded import Recorded, Span, read_recorded
from patients.models import FOLLOWED, Enrolment, Patient

TRIAL_DAYS = 90
# What one trial reads at most. Patients of whom not everything was read are left out.
MOST_PATIENTS = 500
MOST_VALUES = 20_000
# How often a value is held against a rule of the protocol at most: half a second of CPU time for a thousand thousand.
MOST_COMPARISONS = 1_000_000
_GRAVEST = FLAGS[-1]


class Raised(NamedTuple):
    """An alert that would have been raised. `rule` is the place of its rule among those tried, None for a patient's own."""

    patient_id: int
    flag: str
    day: datetime.date
    rule: int | None


@dataclass(frozen=True)
class Outcome:
    """The alerts of one list of rules."""

    alerts: list[Raised]

    @property
    def patients(self) -> set[int]:
        """The ids of the patients who have an alert."""
        return {alert.patient_id for alert in self.alerts}

    @property
    def gravely(self) -> set[int]:
        """The ids of the patients who have an alert of the gravest flag."""
        return {alert.patient_id for alert in self.alerts if alert.flag == _GRAVEST}

    @property
    def by_flag(self) -> Counter[str]:
        """How many alerts there are of each flag."""
        return Counter(alert.flag for alert in self.alerts)

    @property
    def by_rule(self) -> Counter[int | None]:
        """How many alerts each rule has raised, by its place."""
        return Counter(alert.rule for alert in self.alerts)

    def by_week(self, since: datetime.date, until: datetime.date) -> list[Counter[str]]:
        """Return how many alerts of each flag there are in each week from the day `since` on, in the last one up to `until`."""
        weeks = [Counter[str]() for _ in range((until - since).days // 7 + 1)]
        for alert in self.alerts:
            if since <= alert.day <= until:
                weeks[(alert.day - since).days // 7][alert.flag] += 1
        return weeks


@dataclass(frozen=True)
class Trial:
    """What was tried on `tried` of the `followers`: the rules as they are stored, and as they would be.

    `since` and `until` are local days of the organization, both included; `values` counts the measured values between.
    """

    since: datetime.date
    until: datetime.date
    followers: int
    tried: int
    values: int
    stored: Outcome
    changed: Outcome

    @property
    def no_longer_red(self) -> set[int]:
        """The ids of the patients who would lose every red alert."""
        return self.stored.gravely - self.changed.gravely


def followers_of(actor: Actor, **of: Any) -> QuerySet[Enrolment]:
    """Return the open enrolments of followed patients in the actor's scope, `of` a protocol, a program or a patient."""
    rows = scope(actor, Enrolment.objects.filter(FOLLOWED, end_date=None, patient__deleted_at=None, **of))
    return rows.order_by("patient_id")


def try_rules(
    *,
    enrolments: QuerySet[Enrolment],
    organization: Organization,
    stored: Sequence[Rule],
    changed: Sequence[Rule],
    now: datetime.datetime,
    in_force: bool = False,
) -> Trial:
    """Return which alerts the `changed` rules of a protocol would have raised in TRIAL_DAYS up to `now`, beside the `stored`.

    A patient's own rules replace either, as they do when alerts are raised, unless both lists are what is `in_force` for
    these patients. Overdue rules are tried on what was planned, since another schedule begins tomorrow. At most
    MOST_PATIENTS and MOST_VALUES are read, for many rules fewer values, by a constant number of statements.
    """
    zone, today = organization.zone, day_of(now, organization.zone)
    since = today - (TRIAL_DAYS - 1) * A_DAY
    span = Span(day_bounds(since, zone)[0], now)
    known = instruments_of(organization.pk)
    chosen = list(enrolments.select_related("organization")[:MOST_PATIENTS])
    own = {} if in_force else _own_rules(chosen)
    read = [*stored, *changed, *(rule for each in own.values() for override in each for rule in override.rules)]
    limit = min(MOST_VALUES, MOST_COMPARISONS // (len(stored) + len(changed) + 1))
    recorded = read_recorded(chosen, _usable(read, known), known, span, limit)

    def outcome(rules: Sequence[Rule]) -> Outcome:
        return Outcome(list(_raised(rules, own, known, recorded, now, zone)))

    return Trial(
        since=since,
        until=today,
        followers=enrolments.count(),
        tried=len(recorded.patients),
        values=sum(value.new for pk in recorded.patients for value in recorded.values.get(pk, ())),
        stored=outcome(stored),
        changed=outcome(changed),
    )


def try_override(*, actor: Actor, patient: Patient, override: Override, now: datetime.datetime) -> Trial | None:
    """Return what `try_rules` does for one patient, with `override` in place of their own rules of its kind and instrument.

    None where nothing is expected of the patient, who is not enrolled or not active.
    """
    enrolments = followers_of(actor, patient=patient)
    enrolment = enrolments.select_related("protocol").first()
    if enrolment is None:
        return None
    own, rules = _own_rules([enrolment]).get(patient.pk, []), enrolment.protocol.rules
    others = [one for one in own if one[:2] != override[:2]]
    return try_rules(
        enrolments=enrolments,
        organization=patient.organization,
        stored=rules_in_force(rules, own),
        changed=rules_in_force(rules, [*others, override]),
        now=now,
        in_force=True,
    )


def _raised(
    rules: Sequence[Rule],
    own: Mapping[int, list[Override]],
    known: Mapping[str, Any],
    recorded: Recorded,
    now: datetime.datetime,
    zone: ZoneInfo,
) -> Iterator[Raised]:
    places = list(rules)
    for patient_id in recorded.patients:
        in_force = _usable(rules_in_force(rules, own.get(patient_id, ())), known)
        values, missed = recorded.values.get(patient_id, ()), recorded.missed.get(patient_id, ())
        for match, day in replay(in_force, values, missed, now, zone):
            rule = match.cause["rule"]
            yield Raised(patient_id, match.flag, day, places.index(rule) if rule in places else None)


def _usable(rules: Iterable[Rule], known: Mapping[str, Any]) -> list[Rule]:
    """Return the rules whose instruments are `known`: over others nothing was measured, or they were archived."""
    return [rule for rule in rules if codes_of(rule) <= known.keys()]


def _own_rules(enrolments: Iterable[Enrolment]) -> Mapping[int, list[Override]]:
    """Return the patients' own rules, as `MonitoringContext.rules` has them, by the ids of the patients."""
    patients = sorted(row.patient_id for row in enrolments)
    rows = RuleOverride.objects.filter(patient_id__anyof=patients, deleted_at=None, instrument__deleted_at=None)
    own: dict[int, list[Override]] = defaultdict(list)
    for patient_id, *override in rows.order_by("pk").values_list("patient_id", "kind", "instrument__code", "rules"):
        own[patient_id].append(Override(*override))
    return own
