"""Remote monitoring as pure rules: values in, rule matches out. Imports no model and reads no clock."""

from clinical.monitoring.days import A_DAY, day_bounds, day_of, days_of
from clinical.monitoring.reconcile import ExistingAlert, reconcile_alerts
from clinical.monitoring.replay import ReplayedAlert, replay
from clinical.monitoring.rule_matches import Planned, RuleMatch, Value, evaluate, history_for, match_overdue
from clinical.monitoring.rules import (
    FLAGS,
    KINDS,
    OF_ONE_INSTRUMENT,
    OPS,
    Fault,
    InstrumentFacts,
    Override,
    Rule,
    check_override,
    check_rules,
    check_schedule,
    codes_of,
    condition_faults,
    line_faults,
    rule_faults,
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
    "Fault",
    "InstrumentFacts",
    "Override",
    "Planned",
    "ReplayedAlert",
    "Rule",
    "RuleMatch",
    "Value",
    "check_override",
    "check_rules",
    "check_schedule",
    "codes_of",
    "condition_faults",
    "day_bounds",
    "day_of",
    "days_of",
    "evaluate",
    "history_for",
    "line_faults",
    "match_overdue",
    "reconcile_alerts",
    "replay",
    "rule_faults",
    "rule_key",
    "rules_in_force",
]
