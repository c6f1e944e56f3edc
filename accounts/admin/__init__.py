"""The admin pages of organizations, care groups, people, keys and the audit trail."""

from accounts.admin import administration, catalogs, keys, organizations, sidebar, users

__all__ = ["administration", "catalogs", "keys", "organizations", "sidebar", "users"]
