"""The admin pages of patients and catalogs, their dialogs, and the home page's blocks about patients."""

from patients import audit_words
from patients.admin import catalogs, dialogs, finding, home, imports, life_cycle, merging, patients, registration

__all__ = [
    "audit_words",
    "catalogs",
    "dialogs",
    "finding",
    "home",
    "imports",
    "life_cycle",
    "merging",
    "patients",
    "registration",
]
