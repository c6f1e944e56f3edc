"""The admin pages that need all apps: the audit trail in words, and who read a chart."""

from exports.admin import trail

__all__ = ["trail"]
