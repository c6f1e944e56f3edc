"""Monitoring patients: evaluating measurements, raising alerts, planning actions and firing workflows.

The rules themselves are pure functions in clinical/monitoring; these services read and write the rows.
Every function that takes a patient expects the patient's row to be locked.
"""

from clinical.services.monitoring.batch import RunStats, raise_overdue_alerts, run_workflows
from clinical.services.monitoring.evaluation import evaluate_measurements
from clinical.services.monitoring.plans import plan_actions, plan_own_action
from clinical.services.monitoring.presence import claim_alert, release_alert
from clinical.services.monitoring.processing import colleagues_for, finish_review, hand_over_alert, process_alert, process_alerts
from clinical.services.monitoring.trials import Trial, followers_of, try_override, try_rules

__all__ = [
    "RunStats",
    "Trial",
    "claim_alert",
    "colleagues_for",
    "evaluate_measurements",
    "finish_review",
    "followers_of",
    "hand_over_alert",
    "plan_actions",
    "plan_own_action",
    "process_alert",
    "process_alerts",
    "raise_overdue_alerts",
    "release_alert",
    "run_workflows",
    "try_override",
    "try_rules",
]
