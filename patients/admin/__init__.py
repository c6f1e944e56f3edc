"""The admin pages of patients and catalogs."""

from patients.admin import catalogs, patients

__all__ = ["catalogs", "patients"]
