"""The admin pages of organizations, care groups, people, keys and the audit trail."""

from accounts.admin import administration, catalogs, key_reach, keys, organizations, people, sidebar, users

__all__ = ["administration", "catalogs", "key_reach", "keys", "organizations", "people", "sidebar", "users"]
