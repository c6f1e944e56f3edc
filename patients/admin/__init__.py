"""The admin pages of patients and catalogs, their dialogs, and the home page's blocks about patients."""

from patients.admin import catalogs, dialogs, finding, home, imports, life_cycle, patients, registration

__all__ = ["catalogs", "dialogs", "finding", "home", "imports", "life_cycle", "patients", "registration"]
