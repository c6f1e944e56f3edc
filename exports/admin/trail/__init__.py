"""The audit trail in words, and who read a chart."""

from exports.admin.trail import pages, readers

__all__ = ["pages", "readers"]
