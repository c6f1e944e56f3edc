"""Dialogs that add to a chart and change its entries: one module a subject. Clinical ones are in clinical/admin/dialogs."""

from patients.admin.dialogs import field_values, referrals, relationships, tags

__all__ = ["field_values", "referrals", "relationships", "tags"]
