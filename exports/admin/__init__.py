"""The admin pages of webhooks, and what the home page says of them."""

from exports.admin import dialogs, endpoints, home, pages

__all__ = ["dialogs", "endpoints", "home", "pages"]
