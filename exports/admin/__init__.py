"""The admin pages that need all apps: the audit trail in words, who read a chart, webhooks, and what the home page says of them."""

from exports.admin import dialogs, endpoints, home, pages, trail

__all__ = ["dialogs", "endpoints", "home", "pages", "trail"]
