"""The admin pages of organizations, people, keys and the audit trail."""

from accounts.admin import keys, organizations, trail, users

__all__ = ["keys", "organizations", "trail", "users"]
