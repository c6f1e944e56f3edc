"""The admin pages that need all apps: the audit trail in words, who read a chart, reports, and webhooks, on the home page too."""

from exports import audit_words
from exports.admin import dialogs, endpoints, home, pages, reports, trail

__all__ = ["audit_words", "dialogs", "endpoints", "home", "pages", "reports", "trail"]
