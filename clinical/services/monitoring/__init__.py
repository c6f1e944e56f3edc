"""Monitoring patients: evaluating measurements, raising alerts, planning actions and firing workflows.

The rules themselves are pure functions in clinical/monitoring; these services read and write the rows.
Every function that takes a patient expects the patient's row to be locked.
"""

from clinical.services.monitoring.alerts import process_alert
from clinical.services.monitoring.batch import RunStats, raise_overdue_alerts, run_workflows
from clinical.services.monitoring.evaluation import evaluate_measurements
from clinical.services.monitoring.plans import plan_actions, plan_own_action

__all__ = [
    "RunStats",
    "evaluate_measurements",
    "plan_actions",
    "plan_own_action",
    "process_alert",
    "raise_overdue_alerts",
    "run_workflows",
]
