"""From what the services detect to what dialogs show."""

from collections.abc import Iterable

from accounts.admin.dialogs import Warning
from clinical.services.issues import DetectedIssue


def as_warnings(issues: Iterable[DetectedIssue]) -> list[Warning]:
    """Return the issues as a dialog shows them before it saves."""
    return [Warning(issue.message, str(issue.severity), kind=issue.code) for issue in issues]
