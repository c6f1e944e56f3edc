"""The admin pages of organizations, care groups, people, keys and the audit trail."""

from accounts.admin import catalogs, keys, organizations, trail, users

__all__ = ["catalogs", "keys", "organizations", "trail", "users"]
