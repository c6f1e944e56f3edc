"""The admin pages of clinical catalogs and appointments."""

from clinical.admin import appointments, catalogs

__all__ = ["appointments", "catalogs"]
