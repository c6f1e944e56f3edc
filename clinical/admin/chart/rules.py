"""What a patient is monitored by: the enrolment, the limits that hold, and how often something is measured."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinical.admin.chart.reading import Answers, Asked, ChartQuery
from clinical.admin.drawing import Limit
from clinical.models import RuleKind, RuleOverride
from clinical.monitoring import Override, Rule, rules_in_force
from patients.models import Enrolment


@dataclass(frozen=True)
class Plan:
    """The open enrolment of a patient with its schedule and the rules in force. Without enrolment it is empty."""

    pk: int | None = None
    program: str = ""
    protocol: str = ""
    since: datetime.date | None = None
    schedule: list[Mapping[str, Any]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    own: Mapping[tuple[str, str | None], int] = field(default_factory=dict)

    def limits(self, code: str) -> list[Limit]:
        """Return the limits of an instrument, highest first."""
        found = [rule for rule in self.rules if rule["kind"] == RuleKind.MEASUREMENT and rule["instrument"] == code]
        limits = [Limit(rule["value"], rule["op"], rule["flag"]) for rule in found]
        return sorted(limits, key=lambda limit: float(limit.value))

    def own_limits(self, code: str) -> int | None:
        """Return the id of the patient's own limits of an instrument, None where those of the protocol hold."""
        return self.own.get((RuleKind.MEASUREMENT, code))

    def every(self, code: str) -> int | None:
        """Return in how many days an instrument is measured once, None if it is not planned."""
        return min((line["every_days"] for line in self.schedule if line["instrument"] == code), default=None)

    def rate(self, code: str) -> str:
        """Return how often an instrument is measured, in words."""
        every = self.every(code)
        if every is None:
            return ""
        if every == 7:
            return _("weekly")
        return ngettext("daily", "every %(count)s days", every) % {"count": every}

    def gap_days(self, code: str) -> float | None:
        """Return after how many days without a value one was missed."""
        every = self.every(code)
        return None if every is None else every + 0.6

    def place(self, code: str) -> int:
        """Return the place of an instrument in the schedule."""
        codes = [line["instrument"] for line in self.schedule]
        return codes.index(code) if code in codes else len(codes)


def ask_plan(chart: ChartQuery) -> dict[str, Asked]:
    """Ask for the open enrolment and for the patient's own rules."""
    open_one = (
        chart.rows(Enrolment)
        .filter(end_date=None)
        .annotate(
            program_name=F("program__name"),
            protocol_name=F("protocol__name"),
            schedule=F("protocol__schedule"),
            rules=F("protocol__rules"),
        )
    )
    own = chart.rows(RuleOverride).filter(deleted_at=None, instrument__deleted_at=None).annotate(code=F("instrument__code"))
    return {
        "enrolment": Asked(open_one.order_by("pk"), ("pk", "program_name", "protocol_name", "start_date", "schedule", "rules")),
        "own_rules": Asked(own.order_by("pk"), ("pk", "kind", "code", "rules")),
    }


def plan_of(answers: Answers) -> Plan:
    """Return what the patient is monitored by."""
    if not answers["enrolment"]:
        return Plan()
    enrolment = answers["enrolment"][0]
    own = [Override(row.kind, row.code, row.rules) for row in answers["own_rules"]]
    return Plan(
        pk=enrolment.pk,
        program=enrolment.program_name,
        protocol=enrolment.protocol_name,
        since=enrolment.start_date,
        schedule=enrolment.schedule,
        rules=rules_in_force(enrolment.rules, own),
        own={(row.kind, row.code): row.pk for row in answers["own_rules"]},
    )
