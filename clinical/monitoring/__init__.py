"""Remote monitoring as pure rules: values in, rule matches out. Imports no model and reads no clock."""

from clinical.monitoring.days import A_DAY, day_bounds, day_of, days_of
from clinical.monitoring.reconcile import ExistingAlert, reconcile_alerts
from clinical.monitoring.rule_matches import Planned, RuleMatch, Value, evaluate, history_for, match_overdue
from clinical.monitoring.rules import (
    FLAGS,
    KINDS,
    OF_ONE_INSTRUMENT,
    OPS,
    InstrumentFacts,
    Override,
    Rule,
    check_override,
    check_rules,
    check_schedule,
    codes_of,
    rule_key,
    rules_in_force,
)

__all__ = [
    "A_DAY",
    "FLAGS",
    "KINDS",
    "OF_ONE_INSTRUMENT",
    "OPS",
    "ExistingAlert",
    "InstrumentFacts",
    "Override",
    "Planned",
    "Rule",
    "RuleMatch",
    "Value",
    "check_override",
    "check_rules",
    "check_schedule",
    "codes_of",
    "day_bounds",
    "day_of",
    "days_of",
    "evaluate",
    "history_for",
    "match_overdue",
    "reconcile_alerts",
    "rule_key",
    "rules_in_force",
]
