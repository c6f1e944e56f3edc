"""The admin pages of patients and catalogs, their dialogs, and the home page's blocks about patients."""

from patients import audit_words
from patients.admin import (
    catalogs,
    dialogs,
    duplicates,
    finding,
    home,
    imports,
    incomplete,
    life_cycle,
    merging,
    patients,
    registration,
)

__all__ = [
    "audit_words",
    "catalogs",
    "dialogs",
    "duplicates",
    "finding",
    "home",
    "imports",
    "incomplete",
    "life_cycle",
    "merging",
    "patients",
    "registration",
]
