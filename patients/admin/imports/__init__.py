"""Importing files of patients: upload, columns, check, import, undo, and the imports of the past."""

from patients.admin.imports import pages

__all__ = ["pages"]
