"""Remote monitoring as pure rules: values in, verdict out. Nothing here knows a model, a table or a clock."""

from clinical.monitoring.days import A_DAY, day_bounds, day_of, days_of
from clinical.monitoring.reconcile import Standing, settle
from clinical.monitoring.rule_matches import Planned, Value, Verdict, history_for, judge, judge_overdue
from clinical.monitoring.rules import (
    FLAGS,
    KINDS,
    OF_ONE_INSTRUMENT,
    OPS,
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
    "Override",
    "Planned",
    "Rule",
    "Standing",
    "Value",
    "Verdict",
    "check_override",
    "check_rules",
    "check_schedule",
    "codes_of",
    "day_bounds",
    "day_of",
    "days_of",
    "history_for",
    "judge",
    "judge_overdue",
    "rule_key",
    "rules_in_force",
    "settle",
]
