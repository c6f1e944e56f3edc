"""Dialogs that add clinical entries to a chart, correct, stop and archive them: one module a subject."""

from clinical.admin.dialogs import (
    alerts,
    allergies,
    communications,
    enrolments,
    limits,
    measurements,
    medications,
    problems,
    social_history,
    vital_signs,
)

__all__ = [
    "alerts",
    "allergies",
    "communications",
    "enrolments",
    "limits",
    "measurements",
    "medications",
    "problems",
    "social_history",
    "vital_signs",
]
