"""The admin pages that need all apps: the audit trail in words, who read a chart, and reports."""

from exports.admin import reports, trail

__all__ = ["reports", "trail"]
