"""Protocols in the admin: schedule and rules as rows, in words, and tried on what was measured before they are saved."""

from clinical.admin.protocols import admin, drafts

__all__ = ["admin", "drafts"]
