"""Monitoring patients: judging what arrives and what does not, alerts, plans and workflows.

The rules themselves are pure (clinical/monitoring); here they meet the rows. Every function that
is given a patient wants its row locked.
"""

from clinical.services.monitoring.alerts import process_alert
from clinical.services.monitoring.batch import Tally, raise_overdue_alerts, run_workflows
from clinical.services.monitoring.evaluation import judge_measurements
from clinical.services.monitoring.plans import plan_actions, plan_own_action

__all__ = [
    "Tally",
    "judge_measurements",
    "plan_actions",
    "plan_own_action",
    "process_alert",
    "raise_overdue_alerts",
    "run_workflows",
]
